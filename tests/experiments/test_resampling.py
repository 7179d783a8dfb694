"""Weights of sentences, and scores of many weightings from one prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.resampling import draw_sentences, score_sentences
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec


@pytest.fixture(scope="module")
def split():
    planted = make_planted(n_words=400, n_neurons=20, n_labels=3, n_informative=3, signal=0.5, random_state=1)
    y = planted.y.astype(object)
    y[::17] = None
    return LabelledSplit(planted.X, y, sentences=np.repeat(np.arange(50), 8)[::-1])


def _word_weights(split, n_resamples, **options):
    weights, of_word = draw_sentences(split, n_resamples, **options)
    return weights[:, of_word]


@pytest.mark.parametrize("scheme", ["bootstrap", "half"])
def test_words_of_a_sentence_stay_together(split, scheme):
    weights = _word_weights(split, 7, scheme=scheme, random_state=1).reshape(7, 50, 8)
    assert (weights == weights[:, :, :1]).all()
    assert (weights[:, :, 0].sum(axis=1) == (50 if scheme == "bootstrap" else 25)).all()
    assert not (weights[0] == weights[1]).all()
    again = _word_weights(split, 7, scheme=scheme, random_state=1).reshape(7, 50, 8)
    assert (again == weights).all()


@pytest.mark.parametrize("scheme", ["bootstrap", "half"])
def test_the_spread_over_resamples_is_the_standard_error(split, scheme):
    values = np.random.default_rng(0).normal(size=50)
    weights, _ = draw_sentences(split, 4000, scheme=scheme)
    means = weights @ values / weights.sum(axis=1)
    # 4000 resamples know a standard deviation to about 1 %; n instead of n - 1 sentences makes another 1 %.
    assert means.std() == pytest.approx(values.std(ddof=1) / np.sqrt(50), rel=0.05)


def test_streams_are_independent(split):
    one, two = (draw_sentences(split, 3, stream=stream)[0] for stream in (5, 6))
    assert not (one == two).all()


@pytest.mark.parametrize("loss", ["softmax", "squared"])
def test_weighted_scores_are_those_of_the_repeated_words(split, loss):
    if loss == "squared":
        values = split.activations[:, 0] + np.random.default_rng(0).normal(size=400)
        split = replace(split, y=np.where(np.arange(400) % 9 == 0, np.nan, values))
    probes = fit_probes(
        split.activations, [ProbeSpec(split.y, l2=l2, loss=loss) for l2 in (0, 1e-1)], learning_rate=1e-2, solver="adam"
    )
    scores = score_sentences(split, probes)
    # Both count the same words; R2 sums the same squares in another order.
    np.testing.assert_allclose(scores.score()[:, 0], score_probes(split.activations, probes, split.y), rtol=1e-6)
    weights, of_word = draw_sentences(split, 3)
    drawn = scores.score(weights)
    for number, row in enumerate(weights[:, of_word].astype(int)):
        repeated = np.repeat(np.arange(400), row)
        expected = score_probes(split.activations[repeated], probes, split.y[repeated])
        np.testing.assert_allclose(drawn[:, number], expected, rtol=1e-5)  # float32 predictions summed in another order


def test_a_resample_without_a_label_has_no_score(split):
    scores = score_sentences(replace(split, y=np.where(split.sentences == 3, split.y, None)), _probes(split))
    weights = np.ones((2, 50))
    weights[1, 3] = 0
    drawn = scores.score(weights)
    assert np.isfinite(drawn[:, 0]).all()
    assert np.isnan(drawn[:, 1]).all()


def _probes(split):
    return fit_probes(split.activations, [ProbeSpec(split.y)], epochs=1, solver="adam")


def test_refused(split):
    blind = replace(split, sentences=None)
    with pytest.raises(NeurosieveError, match="does not know which words form a sentence"):
        _word_weights(blind, 3)
    with pytest.raises(NeurosieveError, match="does not know which words form a sentence"):
        score_sentences(blind, _probes(split))
    with pytest.raises(NeurosieveError, match="scheme is 'other'"):
        _word_weights(split, 3, scheme="other")
    with pytest.raises(NeurosieveError, match="one sentence cannot be resampled"):
        _word_weights(replace(split, sentences=np.zeros(400, dtype=int)), 3)
