"""Rankings by a measure of each neuron alone, taken from the pass that all such rankings share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.bars import Progress, with_bar
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import N_BINS, WORKERS, LabelStatistics, label_statistics

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
"""How salient each neuron is (n_neurons,), and for each label, with sign (n_labels, n_neurons)."""

_CELLS = 1 << 18  # of the histograms that one worker scores at a time, in the doubles that fit into its cache


@dataclass(frozen=True)
class Measure:
    """How salient each neuron is, told from statistics of its values by label.

    Attributes
    ----------
    name : str
        Of the ranking.
    scores : callable
        `LabelStatistics` to `Scores`; each neuron by itself, so that neurons can be taken range by range.
    bins, squares, ends : bool
        Whether it needs histograms, sums of squares, and the smallest and largest values.
    """

    name: str
    scores: Callable[[LabelStatistics], Scores]
    bins: bool = False
    squares: bool = True
    ends: bool = True


@with_bar("ranking (words)")
def rank_by(
    measures: Sequence[Measure], split: LabelledSplit, *, progress: Progress | None = None
) -> list[NeuronRanking]:
    """Rank all neurons by each measure, in one pass over the activations (see `neurosieve.rankings.statistics`).

    Neurons that never change come last, whatever their scores; equal scores go by position.

    Parameters
    ----------
    measures : sequence of Measure
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.
    progress : callable, optional
        Called as ``progress(words_done, words_in_all)``.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, or an activation is not finite.
    """
    constant: list[NDArray[np.bool_]] = []
    parts: list[list[Scores]] = []
    labels: NDArray[np.generic] = np.empty(0)
    names = ", ".join(measure.name for measure in measures)
    wanted = {what: any(getattr(m, what) for m in measures) for what in ("bins", "squares", "ends")}
    with ThreadPoolExecutor(WORKERS) as workers:
        for statistics in label_statistics(split, name=names, progress=progress, **wanted):
            labels = statistics.labels
            constant.append(statistics.constant)
            width = max(1, _CELLS // (len(labels) * (N_BINS if wanted["bins"] else 1)))
            some = [statistics.part(slice(a, a + width)) for a in range(0, len(statistics.constant), width)]
            parts += workers.map(lambda part: [measure.scores(part) for measure in measures], some)
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
