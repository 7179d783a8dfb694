"""The F statistic of an analysis of variance: variance between labels over variance within."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.rankings.measure import Measure, Scores, signed
from neurosieve.rankings.statistics import LabelStatistics

_LARGEST = 1e12  # where nothing varies within the labels


def scores(s: LabelStatistics) -> Scores:
    """``(between / (n_labels - 1)) / (within / (n_words - n_labels))`` [1]_, as scikit-learn's `f_classif`.

    `between` and `within` are sums of squares. Free of the neuron's scale; frequent labels count more. Costs a pass: words x
    neurons.

    For one label against the rest: its statistic, negative where the label's mean is
    lower.

    References
    ----------
    .. [1] Fisher. Statistical Methods for Research Workers. 1925; as a ranking of neurons in Gurnee et al., TMLR 2023.
    """
    whole, own = s.total_squares, s.own_squares
    n = s.n_words
    score = _ratio(whole - own.sum(axis=0), own.sum(axis=0), (n - len(s.counts)) / (len(s.counts) - 1))
    within = own + s.rest_squares
    return score, signed(_ratio(whole - within, within, n - 2), s)


def _ratio(between: NDArray[np.float64], within: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    between = np.maximum(between, 0.0) * max(degrees, 0.0)
    ratio = np.divide(between, within, out=np.where(between > 0, _LARGEST, 0.0), where=within > 0)
    return np.minimum(ratio, _LARGEST)


MEASURE = Measure("f-statistic", scores)
