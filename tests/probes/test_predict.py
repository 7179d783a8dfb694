"""Predictions of many probes in one pass are those of each probe."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import predict_codes, score_probes
from neurosieve.probes.spec import ProbeSpec


@pytest.fixture(scope="module")
def probes(planted):
    coarse = np.where(planted.y == "label0", "yes", "no")
    fitted = fit_probes(
        planted.X,
        [
            ProbeSpec(planted.y),
            ProbeSpec(planted.y, l1=1e-2),
            ProbeSpec(planted.y, neurons=[1, 8, 9]),
            ProbeSpec(coarse),
            ProbeSpec(coarse, neurons=[0]),
        ],
        epochs=3,
        learning_rate=1e-2,
        batch_size=100,
        solver="adam",
    )
    return [*fitted, fitted[0].keep([4, 5, 20]), fitted[0].keep([]), fitted[1].keep(range(12), fill=np.ones(24))]


@pytest.mark.parametrize("memory_limit", [None, 1])
def test_codes_are_those_of_each_probe(planted, probes, memory_limit):
    X = np.tile(planted.X, (6, 1))  # 3,600 words: two batches, four chunks
    codes = predict_codes(X, probes, memory_limit=memory_limit)
    assert codes.shape == (len(probes), len(X))
    assert codes.dtype == np.int32
    for probe, row in zip(probes, codes, strict=True):
        scores = probe.decision_function(X)
        best = scores.max(axis=1)
        chosen = scores[np.arange(len(X)), row]
        # The other rounding may choose another label only where two are equal to rounding.
        np.testing.assert_allclose(chosen, best, atol=1e-5, rtol=0)
        assert np.mean(row == scores.argmax(axis=1)) > 0.999


def test_scores_are_those_of_each_probe(planted, probes):
    gold = [planted.y if "label0" in p.classes_ else np.where(planted.y == "label0", "yes", "no") for p in probes]
    scores = score_probes(planted.X, probes, gold)
    expected = [p.score(planted.X, y) for p, y in zip(probes, gold, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=1.5 / len(planted.y), rtol=0)  # one word on the border
    assert scores[0] > 0.5


def test_a_label_that_a_probe_does_not_know_is_an_error(planted, probes):
    y = planted.y.astype(object)
    y[:150] = "unseen"
    seen = score_probes(planted.X[150:], probes[:1], planted.y[150:])[0]
    assert score_probes(planted.X, probes[:1], y)[0] == pytest.approx(seen * 450 / 600)
    assert score_probes(planted.X, probes[:1], np.full(600, "zzz"))[0] == 0.0
    assert score_probes(planted.X, probes[:1], np.arange(600))[0] == 0.0  # numbers, where the probe knows strings


def test_words_without_label_are_not_counted(planted, probes):
    y = planted.y.astype(object)
    y[200:] = None
    expected = score_probes(planted.X[:200], probes[:1], planted.y[:200])
    assert np.array_equal(score_probes(planted.X, probes[:1], y), expected)


def test_one_list_of_labels_serves_all_probes(planted, probes):
    chosen = probes[:3]
    assert np.array_equal(
        score_probes(planted.X, chosen, planted.y.tolist()), score_probes(planted.X, chosen, planted.y)
    )
    three = score_probes(planted.X[:3], chosen, planted.y[:3].tolist())  # as many words as probes: still labels
    assert np.array_equal(three, score_probes(planted.X[:3], chosen, planted.y[:3]))


def test_no_probes(planted):
    assert predict_codes(planted.X, []).shape == (0, 600)
    assert score_probes(planted.X, [], planted.y).shape == (0,)
    assert score_probes(planted.X, [], []).shape == (0,)


def test_refused(planted, probes):
    with pytest.raises(NeurosieveError, match="fitted on 24 neurons, the activations have 23"):
        predict_codes(planted.X[:, :23], probes)
    with pytest.raises(NeurosieveError, match="599 labels for 600 words"):
        score_probes(planted.X, probes[:1], planted.y[:-1])
    with pytest.raises(NeurosieveError, match="none of the 600 words has a label"):
        score_probes(planted.X, probes[:1], [None] * 600)
