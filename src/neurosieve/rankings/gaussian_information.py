"""Mutual information of neuron and label in bits, if the values of each label were normal."""

from __future__ import annotations

import numpy as np

from neurosieve.rankings.measure import Measure, Scores, signed
from neurosieve.rankings.statistics import LabelStatistics

PRIOR_WORDS = 1.0
"""Words that the variance within all labels counts for in the variance of each: a label of one word has none of its own."""
_LEAST = 1e-12  # of the whole variance: a variance of zero would be infinite information


def scores(s: LabelStatistics) -> Scores:
    """``0.5 log2 var - sum_l p_l 0.5 log2 var_l`` bits, after [1]_.

    That is the mutual information of value and label where both all values and those of each label are normal; other
    shapes make it a bound from above for the entropy of all values, so it can exceed the binned estimate. The variance
    of each label gets one word of the mean variance within labels (a prior), so that rare labels do not count as certain. Free
    of the neuron's scale.

    For one label against the rest: its bits, negative where the label's mean is lower.

    References
    ----------
    .. [1] Torroba Hennigen, Williams, Cotterell. Intrinsic Probing through Dimension Selection. EMNLP 2020.
    """
    n, counts = s.n_words, s.counts[:, None]
    whole = np.where(s.constant, 1.0, s.total_squares / n)
    own = s.own_squares
    prior = own.sum(axis=0) / n
    of_label = (own + PRIOR_WORDS * prior) / (counts + PRIOR_WORDS)
    bits = -np.log2(np.maximum(of_label / whole, _LEAST)) / 2
    score = (counts * bits).sum(axis=0) / n
    rest = s.rest_squares
    prior = (own + rest) / n
    pair = [
        -np.log2(np.maximum((part + PRIOR_WORDS * prior) / (size + PRIOR_WORDS) / whole, _LEAST)) / 2
        for part, size in ((own, counts), (rest, n - counts))
    ]
    of_labels = (counts * pair[0] + (n - counts) * pair[1]) / n
    return np.maximum(score, 0.0), signed(np.maximum(of_labels, 0.0), s)


MEASURE = Measure("gaussian-information", scores)
