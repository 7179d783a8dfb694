"""Area under the ROC curve of each neuron as a detector of each label."""

from __future__ import annotations

import numpy as np

from neurosieve.rankings.measure import Measure, Scores
from neurosieve.rankings.statistics import LabelStatistics


def scores(s: LabelStatistics) -> Scores:
    """The mean over labels of ``|2 AUROC - 1|`` [1]_.

    AUROC is the probability that a word of the label has the higher value of two, as scikit-learn's `roc_auc_score` of the
    binned values (see `neurosieve.rankings.statistics`). Free of the neuron's scale, and of how frequent the label is, which
    makes it a poor measure of detectors of rare labels.

    For one label against the rest: ``2 AUROC - 1``, negative where the label's words have the lower values.

    References
    ----------
    .. [1] Mann, Whitney. On a Test of Whether one of Two Random Variables is Stochastically Larger than the Other. 1947.
    """
    middle = np.cumsum(s.in_bin, axis=1) - (s.in_bin - 1) / 2  # mean rank of the words of each bin, from 1
    ranks = np.matmul(s.joint.astype(np.float64), middle[:, :, None])[:, :, 0].T
    n = s.counts[:, None]
    area = (ranks - n * (n + 1) / 2) / (n * (s.n_words - n))
    of_labels = 2 * area - 1
    return np.abs(of_labels).mean(axis=0), of_labels


MEASURE = Measure("auroc", scores, bins=True)
