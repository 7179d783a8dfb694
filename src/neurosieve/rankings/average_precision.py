"""Average precision of each neuron as a detector of each label."""

from __future__ import annotations

import numpy as np

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
    joint = s.binned().astype(np.float64)
    in_bin = joint.sum(axis=1, keepdims=True)
    low = np.cumsum(in_bin, axis=2)  # words up to each bin
    high = low[:, :, -1:] - low + in_bin  # and from it on
    own_low = np.cumsum(joint, axis=2)
    own_high = s.counts[:, None] - own_low + joint
    found = [
        np.einsum("jlb,jlb->lj", joint, own / np.maximum(of_all, 1.0)) / s.counts[:, None]
        for own, of_all in ((own_high, high), (own_low, low))
    ]
    of_labels = np.where(found[1] > found[0], -found[1], found[0])
    return np.abs(of_labels).mean(axis=0), of_labels


MEASURE = Measure("average-precision", scores, bins=True)
