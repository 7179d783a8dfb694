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
    low = np.cumsum(s.in_bin, axis=1)  # words up to each bin
    high = low[:, -1:] - low + s.in_bin  # and from it on
    joint, own_low = s.joint.astype(np.float64), s.up_to.astype(np.float64)
    own_high = s.counts[:, None] - own_low
    own_high += joint
    found = [
        _sums(np.multiply(joint, own, out=own), 1 / np.maximum(of_all, 1.0)) / s.counts[:, None]
        for own, of_all in ((own_high, high), (own_low, low))
    ]
    of_labels = np.where(found[1] > found[0], -found[1], found[0])
    return np.abs(of_labels).mean(axis=0), of_labels


def _sums(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over the bins of the products of `values` (n_neurons, n_labels, n_bins) and `weights` (n_neurons, n_bins)."""
    return np.asarray(np.matmul(values, weights[:, :, None])[:, :, 0].T)


MEASURE = Measure("average-precision", scores, bins=True)
