"""The stages that look at what was found: the scores of each label, what single neurons do, and both on text of test."""

from __future__ import annotations

from collections.abc import Sequence

from neurosieve.study import looks_columns
from neurosieve.study.cell import Cell
from neurosieve.study.label_scores import scores_by_label, telling_neurons
from neurosieve.study.neurons import look
from neurosieve.study.reading import text_sample
from neurosieve.study.result import Tables, Unit
from neurosieve.study.stage import stage
from neurosieve.study.stages import minimal, neurons_of


@stage(
    "label_scores",
    after=("oracles",),
    wanted=lambda cell: cell.metric == "accuracy",
    tables=looks_columns.LABEL_SCORES,
)
def label_scores(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Score each label on dev and test, and count which is taken for which, with seed 0's probe on all neurons."""
    return scores_by_label(cell.splits, cell.probe(0))


@stage(
    "label_pairs",
    after=("label_scores",),
    wanted=lambda cell: cell.metric == "accuracy",
    tables=looks_columns.LABEL_PAIRS,
)
def label_pairs(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Find the neurons that tell two labels apart, for all pairs of labels, or for those that are confused most."""
    return {"label_pairs": telling_neurons(cell.splits, label_scores(cell)["confusion"])}


@stage(
    "looks",
    after=("minimal",),
    settings=("deltas", "neuron_pages"),
    remade=("deltas", "neuron_pages"),
    ranked=True,
    wanted=lambda cell: cell.settings.neuron_pages > 0,
    asked=lambda settings: settings.neuron_pages > 0,
    tables=looks_columns.LOOKS,
)
def looks(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Look at the neurons of seed 0's smallest minimal set, or the first of them: what each does over the text."""
    chosen = neurons_of(minimal(cell)["sets"], 0, min(cell.settings.deltas))[: cell.settings.neuron_pages]
    return look(cell.store, cell.prop, chosen, probe=cell.probe(0))


@stage(
    "text",
    after=("looks",),
    ranked=True,
    wanted=lambda cell: cell.settings.neuron_pages > 0,
    asked=lambda settings: settings.neuron_pages > 0,
    remade=("deltas", "neuron_pages"),
    tables=looks_columns.TEXT,
)
def text(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Keep sentences of test to be read: what the probe says of each word, and what the chosen neurons do on it."""
    return text_sample(
        cell.splits,
        cell.store.split("test").words,
        probe=cell.probe(0),
        chosen=neurons_of(minimal(cell)["sets"], 0, min(cell.settings.deltas)),
        looked=looks(cell)["neuron_summary"],
    )
