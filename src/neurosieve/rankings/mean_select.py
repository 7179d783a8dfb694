"""Mean-select: how far a label's mean lies from that of the other words, as a share of the neuron's range."""

from __future__ import annotations

import numpy as np

from neurosieve.rankings.measure import Measure, Scores
from neurosieve.rankings.statistics import LabelStatistics


def scores(s: LabelStatistics) -> Scores:
    """The mean over labels of ``|mean(label) - mean(rest)| / (max - min)`` [1]_.

    Free of the neuron's scale, but one extreme value shrinks the score.

    For one label against the rest: the difference with its sign.

    References
    ----------
    .. [1] Fan, Dalvi, Durrani, Sajjad. Evaluating Neuron Interpretation Methods of NLP Models. NeurIPS 2023.
    """
    of_labels = (s.means - s.rest) / np.where(s.constant, 1.0, s.high - s.low)
    return np.abs(of_labels).mean(axis=0), of_labels


MEASURE = Measure("mean-select", scores, squares=False)
