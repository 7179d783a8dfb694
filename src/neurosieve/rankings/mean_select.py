"""Mean-select: how far a label's mean lies from that of the other words, as a share of the neuron's range."""

from __future__ import annotations

import numpy as np

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.rankings.measure import Measure, Scores, rank_by
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import LabelStatistics


def scores(s: LabelStatistics) -> Scores:
    """The measure of each neuron and label."""
    of_labels = (s.means - s.rest) / np.where(s.constant, 1.0, s.high - s.low)
    return np.abs(of_labels).mean(axis=0), of_labels


MEASURE = Measure("mean-select", scores)


def mean_select_ranking(split: LabelledSplit) -> NeuronRanking:
    """Rank neurons by the mean over labels of ``|mean(label) - mean(rest)| / (max - min)`` [1]_.

    Free of the neuron's scale, but one extreme value shrinks the score. Costs a pass: words x neurons.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.

    Returns
    -------
    NeuronRanking
        ``label_scores`` has the difference of each label with its sign.

    References
    ----------
    .. [1] Fan, Dalvi, Durrani, Sajjad. Evaluating Neuron Interpretation Methods of NLP Models. NeurIPS 2023.
    """
    return rank_by([MEASURE], split)[0]
