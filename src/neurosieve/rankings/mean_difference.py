"""Standardised mean difference (Cohen's d) of a label's words and the other words."""

from __future__ import annotations

import numpy as np

from neurosieve.rankings.measure import Measure, Scores
from neurosieve.rankings.statistics import LabelStatistics

_LARGEST = 1e6  # where nothing varies within the label and within the rest: they are told apart for certain


def scores(s: LabelStatistics) -> Scores:
    """The mean over labels of ``|mean(label) - mean(rest)| / sd``, sd being pooled within both (Cohen's d) [1]_.

    Free of the neuron's scale.

    For one label against the rest: the difference with its sign.

    References
    ----------
    .. [1] Gurnee et al. Finding Neurons in a Haystack. TMLR 2023, where the mean difference selects neurons.
    """
    within = np.sqrt((s.own_squares + s.rest_squares) / max(s.n_words - 2, 1))
    difference = s.means - s.rest
    of_labels = np.divide(difference, within, out=np.sign(difference) * _LARGEST, where=within > 0)
    return np.abs(of_labels).mean(axis=0), of_labels


MEASURE = Measure("mean-difference", scores)
