"""Word weights are repetition, and a word without label is a word that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec

FULL = {"epochs": 30, "batch_size": 10_000, "learning_rate": 1e-2}
"""One batch an epoch, so that the order of the words does not matter."""

ROUNDING = 1e-5
"""Thirty full-batch steps of 1e-2 whose gradients differ by the order of a float32 sum, relative 1e-6."""


def _same(a, b):
    np.testing.assert_allclose(a.coef_, b.coef_, atol=ROUNDING, rtol=0)
    np.testing.assert_allclose(a.intercept_, b.intercept_, atol=ROUNDING, rtol=0)
    assert a.objective_ == pytest.approx(b.objective_, rel=1e-5)


@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_integer_weights_are_repeated_rows(planted, l1):
    counts = np.random.default_rng(0).integers(0, 4, size=len(planted.y))
    rows = np.repeat(np.arange(len(counts)), counts)
    weighted = fit_probes(planted.X, [ProbeSpec(planted.y, l1=l1, word_weights=counts)], solver="adam", **FULL)[0]
    _same(weighted, fit_probes(planted.X[rows], [ProbeSpec(planted.y[rows], l1=l1)], solver="adam", **FULL)[0])
    plain = fit_probes(planted.X, [ProbeSpec(planted.y, l1=l1)], solver="adam", **FULL)[0]
    assert np.abs(plain.coef_ - weighted.coef_).max() > 100 * ROUNDING  # the weights do something


def test_only_the_ratio_of_weights_matters(planted):
    weights = np.random.default_rng(1).random(len(planted.y))
    one, two = fit_probes(
        planted.X, [ProbeSpec(planted.y, word_weights=w) for w in (weights, 1000 * weights)], solver="adam", **FULL
    )
    _same(one, two)


def test_equal_weights_are_no_weights(planted):
    constant = np.full(len(planted.y), 0.25)
    plain, weighted = fit_probes(
        planted.X, [ProbeSpec(planted.y), ProbeSpec(planted.y, word_weights=constant)], solver="adam", **FULL
    )
    _same(plain, weighted)


def test_a_word_without_label_is_a_word_removed(planted):
    gone = np.arange(len(planted.y)) % 3 == 0
    y = np.where(gone, None, planted.y.astype(object))
    missing = fit_probes(planted.X, [ProbeSpec(y)], solver="adam", **FULL)[0]
    removed = fit_probes(planted.X[~gone], [ProbeSpec(planted.y[~gone])], solver="adam", **FULL)[0]
    assert missing.classes_.tolist() == removed.classes_.tolist()
    _same(missing, removed)


def test_batches_hold_labelled_words_only(planted):
    """In small batches too, where the order of the words matters: to the byte, and beside probes of other words."""
    gone = np.arange(len(planted.y)) % 3 == 0
    y = np.where(gone, None, planted.y.astype(object))
    settings = {"epochs": 3, "batch_size": 50, "learning_rate": 1e-2}
    weights = np.linspace(0.5, 1.5, len(y))
    specs = [ProbeSpec(planted.y), ProbeSpec(y), ProbeSpec(y, word_weights=weights)]
    _, missing, weighted = fit_probes(planted.X, specs, solver="adam", **settings)
    removed = fit_probes(planted.X[~gone], [ProbeSpec(planted.y[~gone])], solver="adam", **settings)[0]
    assert missing.coef_.tobytes() == removed.coef_.tobytes()
    fewer = ProbeSpec(planted.y[~gone], word_weights=weights[~gone])
    assert (
        weighted.coef_.tobytes() == fit_probes(planted.X[~gone], [fewer], solver="adam", **settings)[0].coef_.tobytes()
    )


def test_nan_is_a_missing_label_among_numbers(planted):
    codes = np.array([int(label[-1]) for label in planted.y], dtype=float)
    codes[::4] = np.nan
    probe = fit_probes(planted.X, [ProbeSpec(codes)], solver="adam", **FULL)[0]
    assert probe.classes_.tolist() == [0, 1, 2, 3]
    # It knows 0.69 of the labelled words; if the missing quarter counted as errors, that would be 0.52.
    assert probe.score(planted.X, codes) > 0.6
