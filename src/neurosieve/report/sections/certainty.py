"""How sure we are: selection frequencies, intervals, which noise is larger, and the list at a stated rate."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurosieve.figures.certainty import noise, rank_intervals, ranks_table
from neurosieve.figures.style import delta_name, score_name
from neurosieve.report import numbers
from neurosieve.report.numbers import SPACE, count, listed, percent
from neurosieve.report.section import BY_MASS, RESAMPLED, Figure, Section, filled
from neurosieve.report.sections.agreement import fixed, overlap

if TYPE_CHECKING:
    from neurosieve.study.certainty import Certainty
    from neurosieve.study.findings import Findings

NAMES = {
    "all": "all neurons",
    "top": "top neurons",
    "random": "random neurons",
    "bottom": "bottom neurons",
    "retrained": "retrained on the top neurons",
}
MUCH_LARGER = 1.5
"""One spread is called larger than another if it is this many times as large."""


def words(f: Findings) -> list[str]:
    """What resampling, seeds and permuted labels say, and how exact the probes are."""
    said = _exactness(f)
    c = f.certainty
    if c is not None:
        return [*said, _resampled(c), _frequent(f, c), _noises(c), *_sets(c), _discovered(f, c)]
    if not BY_MASS.met(f):
        return [*said, filled(BY_MASS.otherwise, f)]
    return [
        *said,
        "The text was not resampled, so it is not known which neurons another sample of it would select. “neurosieve "
        "stability” on this run's folder does so.",
    ]


def _exactness(f: Findings) -> list[str]:
    if "gap" not in f.certificate or f.certificate["gap"].isna().all():
        return []
    table = f.certificate.dropna(subset=["gap"]).astype({"gap": float, "objective": float})
    worst = float((table["gap"] / table["objective"].clip(lower=1e-12)).max())
    wanted = f.settings.get("tol")
    reached = "" if wanted is None or worst <= wanted else f" That is more than the {percent(wanted, 3)} asked for."
    return [
        f"The probes on all neurons are certified: their objective is at most {percent(worst, 3)} above the lowest that any "
        f"weights reach (duality gap).{reached}"
    ]


def _resampled(c: Certainty) -> str:
    how = "drawn with replacement" if c.scheme == "bootstrap" else "half of them each time"
    return (
        f"Everything was repeated on {c.n_resamples} resamples of the sentences ({how}), with the lambdas as chosen. The "
        f"table gives for each score of seed 0 an interval that allows for other training and test sentences (95{SPACE}%), and the "
        "spread (standard deviation, in points) that comes from the training text, from the scored text, and from the seed."
    )


def _frequent(f: Findings, c: Certainty) -> str:
    frequency = c.neurons["frequency"].to_numpy()
    ever = int((frequency > 0).sum())
    text = (
        f"{count(len(c.frequent))} neurons are in the top {count(c.k)} of at least nine in ten resamples, and "
        f"{count(ever)} of {count(f.n_neurons)} in that of any. "
    )
    first = f.ranking.order[0]
    row = c.neurons.iloc[first]
    whose = "the" if numbers.one_ranking(f) else "seed 0's"
    return text + (
        f"The first of {whose} ranking, {f.neurons['neuron'].iloc[first]}, is selected by {percent(row['frequency'], 0)} of "
        f"the resamples; 95{SPACE}% of its ranks lie between {count(row['rank_low'])} and {count(row['rank_high'])}."
    )


def _noises(c: Certainty) -> str:
    text = f"The top {count(c.k)} neurons of two resamples share {percent(c.sampling_jaccard, 0)} of their union"
    chance = float(np.interp(c.k, c.overlap["n_neurons"], c.overlap["chance"]))
    if c.seed_jaccard is None or np.isnan(c.seed_jaccard):
        return f"{text} (chance: {percent(chance, 0)}); one seed only, so the optimiser's part in this is not known."
    text += f", those of two seeds on one resample {percent(c.seed_jaccard, 0)} (chance: {percent(chance, 0)}). "
    if c.seed_jaccard >= 1:
        return text + "The optimiser adds no noise of its own: what is uncertain, is so because the text is a sample."
    if c.sampling_jaccard >= c.seed_jaccard:
        return text + "Another seed changes the set as much as other text: the probes are not converged enough to tell."
    return text + "Other text changes the set more than another seed does; more seeds alone would not make it surer."


def _sets(c: Certainty) -> list[str]:
    said = []
    for row in c.sets.to_dict("records"):
        low, high = row["low"], row["high"]
        said.append(
            f"Within {delta_name(row['delta'])} of all neurons, among the sizes tried: {count(row['n_neurons'])} neurons on the "
            f"whole text, {count(round(low))} to {count(round(high))} over resamples; two resamples' sets share "
            f"{percent(row['sampling_jaccard'], 0)} of their union."
        )
    return said


def _discovered(f: Findings, c: Certainty) -> str:
    chosen = c.discovered
    order = {int(neuron): place for place, neuron in enumerate(f.ranking.order)}
    names = [f.neurons["neuron"].iloc[n] for n in sorted(chosen.tolist(), key=order.__getitem__)]
    if c.null == "type":
        what = (
            f"Labels were permuted {c.n_permutations} times among the words of the same type: {percent(c.ambiguous, 0)} of the "
            f"training words are of a type with several labels, and {percent(c.changed, 0)} changed theirs. "
        )
        means = "that tell occurrences of the same word apart, whatever they know of the words themselves"
    else:
        why = (
            "Each sentence has one label, so labels"
            if f.unit == "sentence"
            else (f"No word type has two {'values' if f.metric == 'r2' else 'labels'}, so labels")
        )
        what = (
            f"{why} were permuted over whole sentences, {c.n_permutations} times; knowing the words is then enough to be "
            "listed. "
        )
        means = "that go with the property in any way"
    if not names:
        return (
            f"{what}No neuron's share of the weights exceeds what such labels give, at a rate of {percent(c.rate, 0)} false "
            f"entries: none can be named of those {means}."
        )
    shown = listed(names, most=8)
    return (
        f"{what}{count(len(names))} neurons hold more of the weights than such labels give them, at a rate of "
        f"{percent(c.rate, 0)} false entries: neurons {means}. They are {shown}."
    )


def table(f: Findings) -> pd.DataFrame | None:
    """Scores on test with their intervals and noises."""
    c = f.certainty
    if c is None:
        return None
    rows, score = [], score_name(f)
    for row in c.scores[c.scores["split"] == "test"].to_dict("records"):
        fill = {"zero": ", others zero", "mean": ", others mean"}.get(str(row["fill"]), "")
        rows.append(
            {
                "probe": f"{NAMES[row['subset']]}{fill}",
                "neurons": count(row["n_neurons"]),
                f"{score} %": _hundredths(row["value"]),
                "95 % interval": f"{100 * row['low']:.2f} to {100 * row['high']:.2f}",
                "spread: training text": _hundredths(row["sd_train"]),
                "spread: scored text": _hundredths(row["sd_text"]),
                "spread: seed": _hundredths(row["sd_seed"]),
            }
        )
    return pd.DataFrame(rows)


def _hundredths(value: Any) -> str:  # noqa: ANN401 (a number, or nothing)
    return "" if value is None or np.isnan(value) else f"{100 * value:.2f}"


def brief(f: Findings) -> dict[str, str]:
    """What resamples and seeds say of the selected neurons."""
    said, c = [], f.certainty
    if c is not None:
        said.append(
            f"{count(len(c.frequent))} neurons are in the top {count(c.k)} of at least nine in ten resamples of the text; "
            f"{count(len(c.discovered))} are discovered at a rate of {percent(c.rate, 0)} false entries."
        )
    settled = f.exact and f.by_mass
    if fixed(f):
        said.append(fixed(f) if said else f"{fixed(f)} Of other texts nothing is known.")
    elif not settled and f.ranks.shape[1] > 1:
        said.append(overlap(f, round(numbers.minimal(f, numbers.deltas(f)[0])["n_neurons"].mean())))
    unknown = (
        "The probe is solved to its optimum, whatever the seed; of other texts nothing is known without resamples."
        if settled
        else "Unknown: one seed only."
    )
    return {"Stability": " ".join(said) or unknown}


SECTION = Section(
    "certainty",
    "How sure we are",
    words=words,
    table=table,
    brief=brief,
    figures={
        "noise": Figure(
            noise,
            attrgetter("certainty.overlap"),
            "Overlap of the top sets of two resamples of the text and of two seeds, against their size.",
            needs=(RESAMPLED,),
        ),
        "rank-intervals": Figure(
            rank_intervals,
            ranks_table,
            "Ranks of the first neurons over resamples of the text: 95 % of them lie on the line; point: seed 0.",
            needs=(RESAMPLED,),
        ),
    },
)
