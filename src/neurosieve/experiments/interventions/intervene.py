"""Interventions: edit the neurons that a ranking takes first, and see what the model then prefers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from neurosieve.activations.splits import Splits
from neurosieve.bars import with_bar
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.completeness import Checker
from neurosieve.experiments.interventions.outcomes import measure
from neurosieve.experiments.interventions.pairs import MinimalPair, PairOdds, ask_about, read_pairs
from neurosieve.experiments.interventions.probe_odds import Odds, ProbeOdds
from neurosieve.experiments.interventions.repair import COLUMNS as OF_REPAIR
from neurosieve.experiments.interventions.repair import repair_table
from neurosieve.experiments.interventions.sets import LARGEST_SHARE, NeuronSet, compared_sets
from neurosieve.experiments.interventions.single_neurons import COLUMNS as OF_NEURONS
from neurosieve.experiments.interventions.single_neurons import neurons_table
from neurosieve.experiments.interventions.statistics import neuron_statistics
from neurosieve.experiments.interventions.tables import About, areas_table, effects_table, overall, values_table
from neurosieve.experiments.interventions.text_outcomes import Text, of_texts
from neurosieve.experiments.interventions.verdict import FEWEST_DRAWS, Verdict, judge
from neurosieve.models.language_model import LanguageModel
from neurosieve.rankings.ranking import NeuronRanking

log = logging.getLogger(__name__)

SIZES = (1, 2, 5, 10, 20, 50, 100, 200)
ALSO = ("keep", "layers", "repair", "neurons")
"""What can be asked beside the effect of removing sets."""


@dataclass(frozen=True, eq=False)
class Interventions:
    """What interventions gave.

    Attributes
    ----------
    table : DataFrame
        One row an edited version and outcome: property, ranking, set, k, site, layers, edit, dose, outcome, draw, value,
        low, high, intact. Values are log-odds in nats, shares (accuracy), or nats a sub-word (loss).
    effects : DataFrame
        One row a set, size and dose: effect, low, high, random_low, random_high, p (see `Effect`). Where `edit` ends in "all
        others", the set is kept and the effect is how much more it keeps than random sets; where `layers` names one, only the
        members in that layer were edited.
    areas : DataFrame
        One row a set, removed or kept: its effect averaged over the logarithm of its size.
    repair : DataFrame
        One row a layer, if it was asked for (see `repair_table`).
    neurons : DataFrame
        One row for each of the first neurons, if it was asked for: its effect when it is edited alone (see `neurons_table`).
    verdict : Verdict
    checks : DataFrame
        property, intact, edited: the accuracy of held-out probes of the largest top set; empty if it was not checked.
    excluded : DataFrame
        where, why: pairs that were left out.
    n_pairs : int
        Of pairs; where none were given, of the sentences that the probe reads.
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    areas: pd.DataFrame
    repair: pd.DataFrame
    neurons: pd.DataFrame
    verdict: Verdict
    checks: pd.DataFrame
    excluded: pd.DataFrame
    n_pairs: int


@with_bar("interventions (texts)")
def intervene(
    model: LanguageModel,
    ranking: NeuronRanking,
    splits: Splits,
    *,
    pairs: str | Path | Sequence[MinimalPair] | None = None,
    edit: str = "mean",
    of: str | None = None,
    to: str | None = None,
    value: float = 0.0,
    doses: Sequence[float] = (1.0,),
    sizes: Sequence[int] | None = None,
    words: Sequence[int] | None = None,
    reading: str | None = None,
    draws: int = 20,
    directions: int = 5,
    control: NeuronRanking | None = None,
    untrained: NeuronRanking | None = None,
    others: Mapping[str, Splits] | None = None,
    completeness: bool | Checker = True,
    texts: Sequence[Sequence[str] | Text] = (),
    also: Sequence[str] = (),
    random_state: int = 0,
    progress: Callable[[float, float], None] | None = None,
) -> Interventions:
    """Edit the neurons that a ranking takes first, and see what the model then prefers.

    Parameters
    ----------
    model : LanguageModel
        Reading the layers and site whose neurons are ranked; where pairs or texts are given, with its head.
    ranking : NeuronRanking
    splits : Splits
        Of the property: means and variances come from train, held-out probes from dev, the words they judge from test.
    pairs : path or sequence of MinimalPair, optional
        See `read_pairs`. Without pairs it is asked what a probe kept apart reads in the deepest layer (see `ProbeOdds`), and
        only neurons below that layer are edited.
    edit : {"mean", "zero", "value", "translate", "resample", "interchange"}
        See `Change`.
    of, to : str, optional
        Labels; pairs with a label other than `of` are then left out.
    value : float
        For ``edit="value"``.
    doses : sequence of float
        For ``edit="translate"``: the first is that of all sizes, the others are taken at the largest size.
    sizes : sequence of int, optional
        Numbers of neurons; by default those of `SIZES` that are at most a tenth of all.
    words : sequence of int, optional
        Words at which neurons are edited, counted in what is read (-1 is the last before the difference); by default all.
    reading : str, optional
        How pairs are read (see `LanguageModel.ask_pairs`).
    draws, directions : int
        Matched random sets, and random directions, of each size.
    control, untrained : NeuronRanking, optional
        Of the control task, and of the untrained twin; their sets are edited as well.
    others : mapping of str to Splits, optional
        Other properties of the same words, for selectivity.
    completeness : bool or Checker
        Whether the edit is checked by held-out probes; a `Checker` of the same model and splits serves several rankings.
    texts : sequence of sequence of str or Text, optional
        Sentences on which loss and divergence are measured, beside the pairs; a `Text` says which words have a label, and
        whether it is unrelated.
    also : sequence of {"keep", "layers", "repair", "neurons"}
        What is asked beside: the effect of sets that alone are kept; that of the largest set one layer at a time; which
        neurons matter more once the largest set is gone; and the effect of each of the first twenty neurons alone. Each
        costs about as much as all the rest.
    random_state : int
    progress : callable, optional

    Returns
    -------
    Interventions

    Raises
    ------
    NeurosieveError
        If model and ranking do not belong together, a label has no words, no pair can be asked about, or an edit gives
        values that are not finite.
    """
    if model.n_neurons != ranking.n_neurons:
        raise NeurosieveError(
            f"the model has {model.n_neurons} neurons and the ranking {ranking.n_neurons}; load the model with the layers and "
            "site that were ranked"
        )
    if splits.loss != "softmax":
        raise NeurosieveError(f"'{splits.prop}' has real values; interventions are made for labels")
    if draws < FEWEST_DRAWS or directions < 1 or not doses:
        raise NeurosieveError(
            f"there are {draws} draws, {directions} directions and {len(doses)} doses; expected {FEWEST_DRAWS} draws at least, "
            "as the verdict asks whether one random set in twenty does as much, a direction and a dose"
        )
    unknown = [name for name in also if name not in ALSO]
    if unknown:
        raise NeurosieveError(f"'{unknown[0]}' cannot be asked as well; expected some of {', '.join(ALSO)}")
    change = Change(edit, of, to, value, doses[0], None if words is None else tuple(words))
    statistics = neuron_statistics(splits.train)
    for label in (of, to):
        if label is not None:
            statistics.label(label)
    highest = len(model.layers) - (2 if pairs is None else 1)
    editor = Editor(model.layers, statistics, splits.train, highest=highest, random_state=random_state)
    excluded: list[tuple[str, str]] = []
    layers = editor.layer_of
    if pairs is None:
        if edit == "interchange":
            raise NeurosieveError("values are interchanged between paired sentences; give pairs that have them")
        ask: Odds = ProbeOdds(model, splits, layers=layers, of=of)
        completeness = False
    else:
        asked = ask_about(model, _labelled(pairs, change), reading=reading, interchange=edit == "interchange")
        ask, excluded = PairOdds(model, asked), asked.excluded
    for where, why in excluded:
        log.warning("pair %s is left out: %s", where, why)
    given = (("top", ranking), ("control", control), ("untrained", untrained))
    orders = {name: one.order[layers[one.order] <= highest] for name, one in given if one is not None}
    sets = compared_sets(
        orders,
        _sizes(sizes, len(orders["top"])),
        layers=layers,
        variance=statistics.variance,
        n_draws=draws,
        n_directions=directions,
        also=also,
        random_state=random_state,
    )
    largest = max(one.k for one in sets if not one.keep)
    jobs = [(one, dose) for one in sets for dose in _doses_of(one, largest, doses)]
    outcomes = measure(ask, jobs, editor=editor, change=change, progress=progress)
    if texts:
        known = [text if isinstance(text, Text) else Text(text) for text in texts]
        outcomes = of_texts(model, known, outcomes, editor=editor, change=change)
    moved = None
    if completeness:
        checker = completeness
        if not isinstance(checker, Checker):
            checker = Checker(model, splits, others=others or {}, layers=editor.layer_of)
        moved = checker.moved(editor.edits(ranking.top(largest), change), change)
    effect, numbers = overall(outcomes, dose=doses[0], random_state=random_state)
    about = About(
        property=splits.prop,
        ranking=ranking.method,
        site=model.layers[0].site,
        layers=_span(model),
        edit=change.name,
        names=tuple(layer.name for layer in model.layers),
    )
    repair = pd.DataFrame(columns=list(OF_REPAIR))
    if "repair" in also:
        found = repair_table(
            ask,
            orders["top"],
            k=largest,
            editor=editor,
            change=change,
            random_state=random_state,
            progress=progress,
        )
        found["layer"] = [about.names[layer] for layer in found["layer"]]
        repair = found.assign(property=splits.prop, ranking=ranking.method)[list(OF_REPAIR)]
    neurons = pd.DataFrame(columns=list(OF_NEURONS))
    if "neurons" in also:
        whole = [one for one in sets if one.k == largest and not one.keep and one.layer is None]
        found = neurons_table(
            ask,
            orders["top"][:largest],
            matches=[one.neurons for one in whole if one.kind == "random"],
            editor=editor,
            change=change,
            random_state=random_state,
            progress=progress,
        )
        names = [name for layer in model.layers for name in layer.neuron_names()]
        found["neuron"] = [names[neuron] for neuron in found["neuron"]]
        neurons = found.assign(property=splits.prop, ranking=ranking.method, edit=change.name)[list(OF_NEURONS)]
    return Interventions(
        values_table(outcomes, about, random_state=random_state),
        effects_table(outcomes, about, random_state=random_state),
        areas_table(outcomes, about, dose=doses[0], random_state=random_state),
        repair,
        neurons,
        judge(
            effect,
            **numbers,
            completeness=None if moved is None else moved.completeness,
            selectivity=None if moved is None else moved.selectivity,
        ),
        pd.DataFrame(
            [{"property": name, "intact": a, "edited": b} for name, (a, b) in moved.accuracy.items()] if moved else [],
            columns=["property", "intact", "edited"],
        ),
        pd.DataFrame(excluded, columns=["where", "why"]),
        len(ask),
    )


def _labelled(pairs: str | Path | Sequence[MinimalPair], change: Change) -> list[MinimalPair]:
    """The pairs whose good sentence calls for the label that is translated; without labels all other edits take all."""
    found = read_pairs(pairs) if isinstance(pairs, (str, Path)) else list(pairs)
    if change.edit != "translate":
        return found
    chosen = [pair for pair in found if pair.label == change.of]
    if not chosen:
        there = ", ".join(sorted({str(pair.label) for pair in found if pair.label is not None})) or "none"
        raise NeurosieveError(
            f"no pair has the label {change.of!r}, from which is translated; the pairs' labels are {there} (field 'label')"
        )
    return chosen


def _sizes(sizes: Sequence[int] | None, n_neurons: int) -> list[int]:
    if sizes is None:
        return [k for k in SIZES if k <= LARGEST_SHARE * n_neurons] or [1]
    if not sizes or min(sizes) < 1 or max(sizes) > n_neurons // 2:
        raise NeurosieveError(
            f"sizes are {list(sizes)}; expected numbers from 1 to {n_neurons // 2}, half of the neurons"
        )
    return sorted(set(sizes))


def _doses_of(one: NeuronSet, largest: int, doses: Sequence[float]) -> Sequence[float]:
    whole = one.k == largest and not one.keep and one.layer is None
    return tuple(dict.fromkeys(doses)) if whole else doses[:1]


def _span(model: LanguageModel) -> str:
    names = [layer.name for layer in model.layers]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
