"""Intersection over union of the words at which a neuron fires and those of each label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.measure import Measure, Scores, rank_by
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import LabelStatistics

QUANTILE = 0.95


def measure(quantile: float = QUANTILE) -> Measure:
    """The measure at one quantile."""
    if not 0.0 < quantile < 1.0:
        raise NeurosieveError(f"quantile {quantile!r}: expected a share between 0 and 1, such as 0.95")

    def scores(s: LabelStatistics) -> Scores:
        below = np.cumsum(s.in_bin, axis=1) / s.n_words  # up to each bin, that bin included
        edge: NDArray[np.bool_] = np.logical_and(below > 0, below < 1)  # where it fires at some words, and not at all
        first = np.where(edge, np.abs(below - quantile), np.inf).argmin(axis=1) + 1
        last = np.where(edge, np.abs(below - (1 - quantile)), np.inf).argmin(axis=1)
        some = np.any(edge, axis=1, keepdims=True)
        places = np.arange(edge.shape[1])
        fires = np.stack([some & (places >= first[:, None]), some & (places <= last[:, None])], axis=2)
        both = np.matmul(s.joint, fires.astype(s.joint.dtype)).astype(np.float64)
        high, low = (_overlap(both[:, :, which].T, s.counts) for which in (0, 1))
        of_labels = np.where(low > high, -low, high)
        return np.abs(of_labels).mean(axis=0), of_labels

    return Measure("iou", scores, bins=True)


def _overlap(both: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of `both`, the words of each label (n_labels, n_neurons) at which the neuron fires."""
    return np.asarray(both / (counts[:, None] + both.sum(axis=0) - both))


MEASURE = measure()


def iou_ranking(split: LabelledSplit, *, quantile: float = QUANTILE) -> NeuronRanking:
    """Rank neurons by the mean over labels of ``|fires and label| / |fires or label|`` [1]_.

    A neuron fires at the words whose values lie above its own quantile, or, the other way round, below the opposite one;
    whichever fits the label better. The threshold is the edge of a bin (see `neurosieve.rankings.statistics`) that is nearest to
    the quantile. Free of the neuron's scale. Costs a pass: words x neurons.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.
    quantile : float
        Share of the words at which the neuron does not fire.

    Returns
    -------
    NeuronRanking
        ``label_scores`` is negative where the neuron fires at low values.

    References
    ----------
    .. [1] Bau et al. Network Dissection. CVPR 2017; of words in Mu and Andreas. Compositional Explanations of Neurons.
       NeurIPS 2020.
    """
    return rank_by([measure(quantile)], split)[0]
