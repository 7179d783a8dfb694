"""Standardisation is folded into the weights: the same probe as on an explicit matrix of z-scores."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

SETTINGS = {"epochs": 5, "batch_size": 64, "learning_rate": 1e-2}


@pytest.fixture
def uneven(planted):
    """Neurons of very different scales and offsets, one of which never changes."""
    generator = np.random.default_rng(0)
    X = planted.X * 10.0 ** generator.uniform(-2, 2, size=24) + generator.normal(scale=3, size=24)
    X[:, 11] = 7.25
    return X.astype(np.float32)


def _z(X):
    exact = X.astype(np.float64)
    deviation = exact.std(axis=0)
    deviation[11] = 1.0
    return ((exact - exact.mean(axis=0)) / deviation).astype(np.float32), deviation


@pytest.mark.parametrize("neurons", [None, [0, 2, 11, 15]])
def test_logits_equal_those_of_a_fit_on_z_scores(planted, uneven, neurons):
    before = uneven.copy()
    Z, deviation = _z(uneven)
    spec = ProbeSpec(planted.y, l1=1e-3, l2=1e-3, neurons=neurons)
    folded = fit_probes(uneven, [spec], standardize=True, solver="adam", **SETTINGS)[0]
    explicit = fit_probes(Z, [spec], solver="adam", **SETTINGS)[0]
    # 2e-3 of logits of order 5: offsets are up to 1,000 standard deviations, and float32 holds the product of such an
    # offset and a weight to 1e-4; the sum of 24 of them cancels only to that.
    np.testing.assert_allclose(folded.decision_function(uneven), explicit.decision_function(Z), atol=2e-3, rtol=0)
    np.testing.assert_allclose(folded.scale_, deviation[folded.columns], rtol=1e-5)
    np.testing.assert_allclose(folded.full_coef(standardized=True), explicit.full_coef(), atol=2e-4, rtol=0)
    assert explicit.scale_ is None
    assert np.array_equal(uneven, before)


def test_the_ranking_is_that_of_the_standardised_weights(planted, uneven):
    Z, _ = _z(uneven)
    spec = ProbeSpec(planted.y, l1=1e-2)
    folded = weight_mass_ranking(fit_probes(uneven, [spec], standardize=True, solver="adam", **SETTINGS)[0])
    explicit = weight_mass_ranking(fit_probes(Z, [spec], solver="adam", **SETTINGS)[0])
    assert folded.order[:5].tolist() == explicit.order[:5].tolist()


def test_predictions_do_not_depend_on_the_scale_of_the_neurons(planted):
    """A power of two scales float32 without rounding, so that the two fits see the same z-scores."""
    scale = 2.0 ** np.random.default_rng(1).integers(-6, 7, size=24)
    X = (planted.X * scale).astype(np.float32)
    spec = [ProbeSpec(planted.y)]
    plain = fit_probes(planted.X, spec, standardize=True, solver="adam", **SETTINGS)[0].predict(planted.X)
    scaled = fit_probes(X, spec, standardize=True, solver="adam", **SETTINGS)[0].predict(X)
    assert np.mean(plain == scaled) > 0.995  # words on the border of two labels may fall to either side


def test_keeping_neurons_keeps_their_scale(planted, uneven):
    probe = fit_probes(uneven, [ProbeSpec(planted.y)], standardize=True, solver="adam", **SETTINGS)[0]
    kept = probe.keep([3, 8])
    assert np.array_equal(kept.scale_, probe.scale_[[3, 8]])
    assert np.array_equal(kept.full_coef(standardized=True)[:, [3, 8]], probe.full_coef(standardized=True)[:, [3, 8]])
