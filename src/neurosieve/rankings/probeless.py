"""A ranking without a probe: how far the mean activations of the labels lie apart."""

from __future__ import annotations

import numpy as np

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.rankings.measure import Measure, Scores, rank_by
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import LabelStatistics


def scores(s: LabelStatistics) -> Scores:
    """The measure of each neuron, on its own scale, and of each label's mean against that of the rest."""
    means = s.means * s.scale
    n_labels = len(means)
    every_pair = 2.0 * np.arange(n_labels) - n_labels + 1  # without an array of pairs
    return np.asarray(every_pair @ np.sort(means, axis=0), dtype=np.float64), means - s.rest * s.scale


MEASURE = Measure("probeless", scores, squares=False, ends=False)


def probeless_ranking(split: LabelledSplit) -> NeuronRanking:
    """Rank neurons by the sum over pairs of labels of the absolute difference of their means [1]_.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.

    Returns
    -------
    NeuronRanking
        ``label_scores`` is the mean of a label minus the mean of all other labelled words. Ties go by position.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, or an activation is not finite.

    References
    ----------
    .. [1] Antverg, Belinkov. On the Pitfalls of Analyzing Individual Neurons in Language Models. ICLR 2022.
    """
    return rank_by([MEASURE], split)[0]
