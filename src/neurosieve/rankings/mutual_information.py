"""Mutual information of a neuron's binned value and the label, in bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.rankings.measure import Measure, Scores, signed
from neurosieve.rankings.statistics import LabelStatistics


def scores(s: LabelStatistics) -> Scores:
    """``sum p(bin, label) log2 (p(bin, label) / (p(bin) p(label)))`` bits [1]_, as `mutual_info_score` of the bins.

    The bins are those of `neurosieve.rankings.statistics`. Counted on the words themselves, the information of labels with few
    words is too high, for all neurons alike. Free of the neuron's scale.

    For one label against the rest: its bits, negative where the label's mean is lower.

    References
    ----------
    .. [1] Pimentel et al. Information-Theoretic Probing for Linguistic Structure. ACL 2020; of single neurons in Gurnee et
       al., TMLR 2023.
    """
    n, joint = s.n_words, s.binned().astype(np.float64)
    in_bin = joint.sum(axis=1, keepdims=True)
    of_bins = _n_log_n(in_bin).sum(axis=(1, 2))
    own = _n_log_n(joint).sum(axis=2).T
    rest = _n_log_n(in_bin - joint).sum(axis=2).T
    constant = n * np.log2(n)
    labels = _n_log_n(s.counts)
    score = (own.sum(axis=0) - of_bins - labels.sum() + constant) / n
    of_labels = (own + rest - of_bins - (labels + _n_log_n(n - s.counts) - constant)[:, None]) / n
    return np.maximum(score, 0.0), signed(np.maximum(of_labels, 0.0), s)


def _n_log_n(n: NDArray[np.float64]) -> NDArray[np.float64]:
    logs = np.maximum(n, 1.0)
    np.log2(logs, out=logs)
    logs *= n
    return logs


MEASURE = Measure("mutual-information", scores, bins=True)
