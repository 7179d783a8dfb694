"""The stage `interventions`: the cell's own model, with its head, edited where the ranking says."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import is_labelled
from neurosieve.activations.splits import Splits
from neurosieve.corpora.load import load_corpus
from neurosieve.errors import NeurosieveError, StudyError
from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.interventions.completeness import sentences_of
from neurosieve.experiments.interventions.intervene import intervene
from neurosieve.experiments.interventions.text_outcomes import Text
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.registry import rank

if TYPE_CHECKING:
    from neurosieve.models.language_model import LanguageModel
    from neurosieve.study.cell import Cell

log = logging.getLogger(__name__)

LONGEST_TEXT = 40
"""Words of a sentence on which the loss is measured."""
TWIN_BYTES = 1 << 30
"""Activations of an untrained twin that are ranked, of the first words of train."""
MOST_OTHERS = 3
"""Other properties by which selectivity is told."""


def wanted(cell: Cell) -> bool:
    """Whether the settings ask for interventions on this property."""
    asked = cell.settings.interventions
    return asked is not None and asked.property in (None, cell.prop)


def edited_model(cell: Cell, *, head: bool) -> LanguageModel:
    """The model whose activations the cell reads, with its head where that is asked for.

    Raises
    ------
    StudyError
        If the run does not know it, its units are sentences, or the folder holds another model by now.
    """
    from neurosieve.study.sources import read_model

    if cell.store.unit != "word":
        raise StudyError(
            f"'{cell.prop}' labels sentences; interventions edit a model at words: choose a property of words"
        )
    if cell.model_settings is None:
        raise StudyError(
            f"{cell.folder}: the activations come from a store, so that the run knows no model to edit; in Python use "
            "neurosieve.intervene with the model, or study the model itself"
        )
    model = read_model(cell.model_settings, head=head)
    expected = cell.store.manifest["model"]["digest"]
    if model.info.digest != expected:
        raise StudyError(
            f"the model '{cell.model_settings.path}' has the digest {model.info.digest[:12]}, and the activations were made "
            f"with {expected[:12]}; extract them again, or put the earlier model back"
        )
    found: LanguageModel = model
    return found


def edited(cell: Cell, *, l1: float, l2: float) -> dict[str, pd.DataFrame]:
    """Intervene; gives the tables of the stage.

    Parameters
    ----------
    cell : Cell
        With settings that ask for it.
    l1, l2 : float
        The chosen lambdas, for the probe of the control task.
    """
    asked = cell.settings.interventions
    if asked is None:
        raise StudyError(
            f"'{cell.prop}': interventions need minimal pairs; name their file in the study's table [interventions], or use "
            "`neurosieve intervene --pairs`, or --probes where there are none"
        )
    found = intervene(
        edited_model(cell, head=asked.pairs is not None),
        cell.ranking(0),
        cell.splits,
        pairs=asked.pairs,
        edit=asked.edit,
        of=asked.of,
        to=asked.to,
        value=asked.value,
        doses=asked.doses,
        sizes=asked.sizes,
        words=asked.words,
        reading=asked.reading,
        draws=asked.draws,
        control=_control_ranking(cell, l1=l1, l2=l2),
        untrained=_twin_ranking(cell, asked.untrained, l1=l1, l2=l2),
        others=_others(cell),
        also=asked.also,
        texts=() if asked.pairs is None else _texts(cell, asked.texts),
        progress=cell.progress("interventions (texts)"),
    )
    verdict = {**vars(found.verdict), **vars(found.verdict.effect)}
    del verdict["effect"]
    verdict["effect"] = verdict.pop("value")
    about = {"pairs": asked.pairs, "n_pairs": found.n_pairs, "n_excluded": len(found.excluded)}
    return {
        "interventions": found.table,
        "intervention_effects": found.effects,
        "intervention_areas": found.areas,
        "intervention_repair": found.repair,
        "intervention_neurons": found.neurons,
        "intervention_verdict": pd.DataFrame([{**about, **verdict}]),
        "intervention_checks": found.checks,
        "intervention_excluded": found.excluded,
    }


def _control_ranking(cell: Cell, *, l1: float, l2: float) -> NeuronRanking | None:
    """The ranking for a control task; None where the study leaves control tasks out."""
    if not cell.settings.control or cell.no_control:
        return None
    return _ranked(cell, ControlTask(random_state=0).apply(cell.splits).train, l1=l1, l2=l2)


def _twin_ranking(cell: Cell, seed: int | None, *, l1: float, l2: float) -> NeuronRanking | None:
    """The ranking, in the same way and on the same words, of the model with fresh random weights; None without a seed."""
    if seed is None or cell.model_settings is None:
        return None
    from neurosieve.study.sources import read_model

    twin = read_model(cell.model_settings.model_copy(update={"untrained": seed}))
    train = cell.splits.train
    most = max(1, TWIN_BYTES // (4 * twin.n_neurons))
    sentences = [words for words, part in sentences_of(train) if part.stop <= most]
    found = twin.embed(sentences)
    labels = train.y[: sum(map(len, sentences))][found.kept]
    return _ranked(cell, LabelledSplit(np.concatenate(found.layers, axis=1), labels), l1=l1, l2=l2)


def _ranked(cell: Cell, train: LabelledSplit, *, l1: float, l2: float) -> NeuronRanking:
    if not cell.ranks_probes:
        return rank(cell.method, split=train)
    spec = ProbeSpec(train.y, random_state=0, loss=cell.splits.loss, l1=l1, l2=l2)
    (probe,) = fit_probes(train.activations, [spec], cell.settings.solver, **cell.settings.solver_settings)
    return rank(cell.method, probe=probe)


def _texts(cell: Cell, most: int) -> list[Text]:
    """Sentences of test, with what is labelled in them, and as many of the built-in text, which has nothing to do with it."""
    test = cell.splits.test
    known = is_labelled(test.y)
    own = [Text(words, known[part].tolist()) for words, part in sentences_of(test) if 1 < len(words) <= LONGEST_TEXT]
    if not most:
        return []
    other = [Text(s.words, unrelated=True) for s in load_corpus("sample").sentences if 1 < len(s.words) <= LONGEST_TEXT]
    return [*own[:most], *other[:most]]


def _others(cell: Cell) -> dict[str, Splits]:
    """A few other properties of the same words; those that cannot be probed are left out, which is said."""
    found: dict[str, Splits] = {}
    for prop in cell.store.properties:
        if prop == cell.prop or len(found) == MOST_OTHERS:
            continue
        try:
            splits = Splits.from_store(cell.store, prop, rare_labels="drop")
        except NeurosieveError as error:
            log.info("%s: selectivity is told without '%s' (%s)", cell.prop, prop, error)
            continue
        if splits.loss == "softmax":
            found[prop] = splits
    return found
