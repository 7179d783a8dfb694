"""Resampling over sentences: what is certain is found every time, what is noise is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.data import Splits
from neurosieve.experiments.stability import mean_jaccard, sentence_weights, stability
from neurosieve.planted import make_planted
from neurosieve.rankings.weight_mass import weight_mass_ranking

SETTINGS = {"epochs": 10, "batch_size": 100, "learning_rate": 1e-2}


def _splits(y=None):
    planted = make_planted(n_words=1000, n_neurons=50, n_labels=3, n_informative=5, random_state=0)
    labels = planted.y if y is None else y(planted.y)
    parts = (slice(0, 800), slice(800, 900), slice(900, 1000))
    splits = Splits.from_arrays([planted.X[p] for p in parts], [labels[p] for p in parts])
    return replace(splits, train=replace(splits.train, sentences=np.repeat(np.arange(100), 8))), planted


@pytest.fixture(scope="module")
def planted_result():
    splits, planted = _splits()
    return stability(splits, l1=1e-3, l2=0.0, k=5, n_resamples=10, **SETTINGS), planted


def test_planted_neurons_are_always_selected(planted_result):
    result, planted = planted_result
    assert np.array_equal(np.flatnonzero(result.frequency == 1.0), planted.informative)
    assert result.sampling_jaccard == result.seed_jaccard == 1.0
    assert (result.rank_interval[planted.informative, 1] < 5).all()


def test_shuffled_labels_select_nothing_for_certain():
    splits, _ = _splits(lambda y: np.random.default_rng(0).permutation(y))
    result = stability(splits, l1=1e-3, l2=0.0, k=5, n_resamples=10, **SETTINGS)
    assert result.sampling_jaccard < 0.5
    assert (result.frequency == 1.0).sum() < 5


def test_frequencies_and_intervals_are_those_of_the_resamples(planted_result):
    result, _ = planted_result
    assert result.frequency.sum() == pytest.approx(5)  # five places in every top set
    assert (result.rank_interval[:, 0] <= result.rank_interval[:, 1]).all()
    frame = result.to_frame()
    assert list(frame.columns) == ["frequency", "rank_low", "rank_high"]
    assert len(frame) == 50


@pytest.mark.parametrize("scheme", ["bootstrap", "half"])
def test_words_of_a_sentence_stay_together(scheme):
    splits, _ = _splits()
    weights = sentence_weights(splits.train, 7, scheme=scheme, random_state=1).reshape(7, 100, 8)
    assert (weights == weights[:, :, :1]).all()
    drawn = weights[:, :, 0].sum(axis=1)
    assert (drawn == (100 if scheme == "bootstrap" else 50)).all()
    assert not (weights[0] == weights[1]).all()
    again = sentence_weights(splits.train, 7, scheme=scheme, random_state=1).reshape(7, 100, 8)
    assert (again == weights).all()


def test_jaccard_by_hand():
    one, two = (weight_mass_ranking(np.array([row])) for row in ([4.0, 3.0, 2.0, 1.0], [4.0, 1.0, 3.0, 2.0]))
    assert mean_jaccard([one, two], 2) == pytest.approx(1 / 3)


def test_refused():
    splits, _ = _splits()
    with pytest.raises(NeurosieveError, match="two at least"):
        stability(splits, l1=0, l2=0, n_resamples=1)
    with pytest.raises(NeurosieveError, match="does not know which words form a sentence"):
        sentence_weights(splits.dev, 3)
    with pytest.raises(NeurosieveError, match="scheme is 'other'"):
        sentence_weights(splits.train, 3, scheme="other")
    with pytest.raises(NeurosieveError, match="sentence numbers for"):
        replace(splits.train, sentences=np.arange(3))
