"""Rankings to hold others against: neurons in random order, and another ranking from its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import VALUE, encode_labels, is_labelled
from neurosieve.activations.source import as_source
from neurosieve.rankings.ranking import NeuronRanking


def random_ranking(split: LabelledSplit, *, random_state: int = 0) -> NeuronRanking:
    """Neurons in random order, for each label in one of its own: what any ranking has to beat [1]_.

    Parameters
    ----------
    split : LabelledSplit
        Only its labels and the number of its neurons count.
    random_state : int

    References
    ----------
    .. [1] Antverg, Belinkov. On the Pitfalls of Analyzing Individual Neurons in Language Models. ICLR 2022.
    """
    known = split.y[is_labelled(split.y)]
    real = len(known) > 0 and isinstance(known[0], (float, np.floating))
    labels = np.array([VALUE]) if real else encode_labels(split.y).classes
    generator = np.random.default_rng((random_state, 3))
    score = generator.random(as_source(split.activations).n_neurons)
    of_labels = generator.random((len(labels), len(score)))
    order = np.argsort(-score, kind="stable")
    return NeuronRanking(
        order, None, None, None, labels, "random", {"random_state": random_state}, score=score, label_scores=of_labels
    )


def reversed_ranking(ranking: NeuronRanking) -> NeuronRanking:
    """Turn a ranking round: its last neuron first [1]_.

    If probes do as well on these, it is not the ranking that they owe it to.

    Parameters
    ----------
    ranking : NeuronRanking

    References
    ----------
    .. [1] Antverg, Belinkov. On the Pitfalls of Analyzing Individual Neurons in Language Models. ICLR 2022 (bottom-to-top).
    """
    score = None if ranking.score is None else -ranking.score
    name = f"reversed-{ranking.method}"
    turned = replace(
        ranking, order=ranking.order[::-1].copy(), method=name, score=score, key=None, mass=None, label_keys=None
    )
    return replace(turned, label_scores=None)
