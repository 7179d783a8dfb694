"""Standardised mean difference (Cohen's d) of a label's words and the other words."""

from __future__ import annotations

import numpy as np

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.rankings.measure import Measure, Scores, rank_by
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import LabelStatistics

_LARGEST = 1e6  # where nothing varies within the label and within the rest: they are told apart for certain


def scores(s: LabelStatistics) -> Scores:
    """The measure of each neuron and label."""
    within = np.sqrt((s.own_squares + s.rest_squares) / max(s.n_words - 2, 1))
    difference = s.means - s.rest
    of_labels = np.divide(difference, within, out=np.sign(difference) * _LARGEST, where=within > 0)
    return np.abs(of_labels).mean(axis=0), of_labels


MEASURE = Measure("mean-difference", scores)


def mean_difference_ranking(split: LabelledSplit) -> NeuronRanking:
    """Rank neurons by the mean over labels of ``|mean(label) - mean(rest)| / sd``, sd being pooled within both (Cohen's d) [1]_.

    Free of the neuron's scale. Costs a pass: words x neurons.

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
    .. [1] Gurnee et al. Finding Neurons in a Haystack. TMLR 2023, where the mean difference selects neurons.
    """
    return rank_by([MEASURE], split)[0]
