"""Average precision of each neuron as a detector of each label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.rankings.measure import Measure, Scores
from neurosieve.rankings.statistics import LabelStatistics


def scores(s: LabelStatistics) -> Scores:
    """The mean over labels of ``sum (R_i - R_i-1) P_i``, recall and precision at every bin's edge [1]_.

    As scikit-learn's `average_precision_score` of the binned values (see `neurosieve.rankings.statistics`), words of one bin
    being tied; of high values or of low ones, whichever is better. Free of the neuron's scale. Costs a pass, words x
    neurons, where sorting every neuron would cost words x log(words) x neurons.

    For one label against the rest: negative where low values detect the label.

    References
    ----------
    .. [1] Suau, Zappella, Apostoloff. Self-conditioning Pre-Trained Language Models. ICML 2022.
    """
    joint = s.binned()
    in_bin = joint.sum(axis=1, dtype=np.float64)
    high_of_all, low_of_all = _from_above(in_bin), np.cumsum(in_bin, axis=1)
    of_labels = np.empty((len(s.counts), len(joint)))
    for number, n in enumerate(s.counts):
        words = joint[:, number].astype(np.float64)
        high = _average(words, _from_above(words), high_of_all) / n
        low = _average(words, np.cumsum(words, axis=1), low_of_all) / n
        of_labels[number] = np.where(low > high, -low, high)
    return np.abs(of_labels).mean(axis=0), of_labels


def _from_above(words: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(words[:, ::-1], axis=1)[:, ::-1]


def _average(
    words: NDArray[np.float64], taken: NDArray[np.float64], of_all: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", words, taken / np.maximum(of_all, 1.0)))


MEASURE = Measure("average-precision", scores, bins=True)
