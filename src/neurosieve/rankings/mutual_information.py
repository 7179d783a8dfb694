"""Mutual information of a neuron's binned value and the label, in bits."""

from __future__ import annotations

from functools import lru_cache

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
    n, n_log_n = s.n_words, _table(int(s.n_words)).take
    joint, in_bin = s.joint.astype(np.intp), s.in_bin.astype(np.intp)
    of_bins = n_log_n(in_bin).sum(axis=1)
    ones = np.ones(joint.shape[2])
    own = (n_log_n(joint) @ ones).T
    np.subtract(in_bin[:, None], joint, out=joint)
    rest = (n_log_n(joint) @ ones).T
    counts = s.counts.astype(np.intp)
    labels, others, constant = n_log_n(counts), n_log_n(counts.sum() - counts), n_log_n(counts.sum())
    score = (own.sum(axis=0) - of_bins - labels.sum() + constant) / n
    of_labels = (own + rest - of_bins - (labels + others - constant)[:, None]) / n
    return np.maximum(score, 0.0), signed(np.maximum(of_labels, 0.0), s)


@lru_cache(maxsize=1)
def _table(n: int) -> NDArray[np.float64]:
    """``i log2 i`` of whole numbers up to `n`, which is looked up faster than computed."""
    numbers = np.arange(n + 1, dtype=np.float64)
    return numbers * np.log2(np.maximum(numbers, 1.0))


MEASURE = Measure("mutual-information", scores, bins=True)
