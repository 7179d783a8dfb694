"""Rankings by a measure of each neuron alone, taken from the pass that all such rankings share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import LabelStatistics, label_statistics

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
"""How salient each neuron is (n_neurons,), and for each label, with sign (n_labels, n_neurons)."""


@dataclass(frozen=True)
class Measure:
    """How salient each neuron is, told from statistics of its values by label.

    Attributes
    ----------
    name : str
        Of the ranking.
    scores : callable
        `LabelStatistics` to `Scores`; each neuron by itself, so that neurons can be taken range by range.
    bins : bool
        Whether it needs histograms.
    """

    name: str
    scores: Callable[[LabelStatistics], Scores]
    bins: bool = False


def rank_by(measures: Sequence[Measure], split: LabelledSplit) -> list[NeuronRanking]:
    """Rank all neurons by each measure, in one pass over the activations (see `neurosieve.rankings.statistics`).

    Neurons that never change come last, whatever their scores; equal scores go by position.

    Parameters
    ----------
    measures : sequence of Measure
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, or an activation is not finite.
    """
    constant, parts = [], []
    labels: NDArray[np.generic] = np.empty(0)
    names = ", ".join(measure.name for measure in measures)
    for statistics in label_statistics(split, name=names, bins=any(measure.bins for measure in measures)):
        labels = statistics.labels
        constant.append(statistics.constant)
        parts.append([measure.scores(statistics) for measure in measures])
    still = np.concatenate(constant)
    rankings = []
    for measure, found in zip(measures, zip(*parts, strict=True), strict=True):
        score = np.where(still, 0.0, np.concatenate([part[0] for part in found]))
        label_scores = np.where(still, 0.0, np.concatenate([part[1] for part in found], axis=1))
        order = np.lexsort((np.arange(len(score)), -score, still))
        rankings.append(
            NeuronRanking(order, None, None, None, labels, measure.name, score=score, label_scores=label_scores)
        )
    return rankings


def signed(size: NDArray[np.float64], statistics: LabelStatistics) -> NDArray[np.float64]:
    """`size` (n_labels, n_neurons), negative where a label's words have lower values than the others on average."""
    return np.where(statistics.means < statistics.rest, -size, size)
