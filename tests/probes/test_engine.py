"""Many probes in one pass are the probes that would be fitted singly."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.moments import column_moments
from neurosieve.probes.spec import ProbeSpec

SETTINGS = {"epochs": 4, "batch_size": 100, "learning_rate": 1e-2}

ROUNDING = 2e-4
"""A product of many probes and one of few round differently (1e-7); Adam divides a gradient by its own size, which can
enlarge that where a gradient is near zero, to a few per cent of one step of 1e-2."""


def _specs(planted):
    y, other = planted.y, np.roll(planted.y, 1)
    coarse = np.where(planted.y == "label0", "yes", "no")
    missing = np.array([None if i % 7 == 0 else label for i, label in enumerate(y)], dtype=object)
    weights = np.random.default_rng(0).random(len(y))
    return [
        ProbeSpec(y, l1=1e-3),
        ProbeSpec(y, l2=1e-2),
        ProbeSpec(y, l1=1e-3, l2=1e-3, neurons=[3, 1, 20]),
        ProbeSpec(other, neurons=np.arange(12)),
        ProbeSpec(coarse, l1=1e-4),
        ProbeSpec(missing, l2=1e-3, neurons=range(5, 24)),
        ProbeSpec(y, word_weights=weights),
        ProbeSpec(y, word_weights=weights[::-1].copy(), l1=1e-2),
        ProbeSpec(y, random_state=9),
    ]


@pytest.mark.parametrize("standardize", [False, True])
def test_a_group_equals_its_members_fitted_singly(planted, standardize):
    specs = _specs(planted)
    together = fit_probes(planted.X, specs, standardize=standardize, solver="adam", **SETTINGS)
    for spec, probe in zip(specs, together, strict=True):
        alone = fit_probes(planted.X, [spec], standardize=standardize, solver="adam", **SETTINGS)[0]
        assert (probe.l1, probe.l2) == (spec.l1, spec.l2)
        assert probe.classes_.tolist() == alone.classes_.tolist()
        np.testing.assert_array_equal(probe.columns, alone.columns)
        np.testing.assert_allclose(probe.coef_, alone.coef_, atol=ROUNDING, rtol=0)
        np.testing.assert_allclose(probe.intercept_, alone.intercept_, atol=ROUNDING, rtol=0)
        assert probe.objective_ == pytest.approx(alone.objective_, rel=1e-4)


def test_results_stand_in_the_order_of_the_specs(planted):
    specs = _specs(planted)
    forward = fit_probes(planted.X, specs, solver="adam", **SETTINGS)
    backward = fit_probes(planted.X, specs[::-1], solver="adam", **SETTINGS)[::-1]
    for a, b in zip(forward, backward, strict=True):
        np.testing.assert_allclose(a.coef_, b.coef_, atol=ROUNDING, rtol=0)
    assert fit_probes(planted.X, [], solver="adam") == []


def test_weights_outside_a_subset_are_exactly_zero(planted):
    subsets = [[0], [2, 5, 7], [7, 6, 5], range(24), None]
    probes = fit_probes(
        planted.X, [ProbeSpec(planted.y, l2=1e-3, neurons=s) for s in subsets], solver="adam", **SETTINGS
    )
    for subset, probe in zip(subsets, probes, strict=True):
        wanted = sorted(range(24) if subset is None else subset)
        assert probe.columns.tolist() == wanted
        assert probe.coef_.shape == (4, len(wanted))
        outside = np.setdiff1d(np.arange(24), wanted)
        assert not probe.full_coef()[:, outside].any()
        assert probe.full_coef()[:, wanted].all()


def test_all_neurons_by_number_are_all_neurons(planted):
    everything, listed = fit_probes(
        planted.X, [ProbeSpec(planted.y), ProbeSpec(planted.y, neurons=np.arange(24)[::-1])], solver="adam", **SETTINGS
    )
    assert np.array_equal(everything.coef_, listed.coef_)


def test_a_subset_is_the_probe_on_a_matrix_of_its_columns(planted):
    columns = [4, 9, 17]
    subset = fit_probes(planted.X, [ProbeSpec(planted.y, neurons=columns)], solver="adam", **SETTINGS)[0]
    matrix = fit_probes(planted.X[:, columns], [ProbeSpec(planted.y)], solver="adam", **SETTINGS)[0]
    np.testing.assert_allclose(subset.coef_, matrix.coef_, atol=1e-6, rtol=0)  # same sums in the same order


def test_learns_what_is_planted_and_not_what_is_shuffled(planted):
    train, test = slice(0, 400), slice(400, None)
    shuffled = np.random.default_rng(1).permutation(planted.y)
    gold, control = fit_probes(
        planted.X[train],
        [ProbeSpec(planted.y[train]), ProbeSpec(shuffled[train])],
        epochs=20,
        learning_rate=1e-2,
        batch_size=50,
        solver="adam",
    )
    assert gold.score(planted.X[test], planted.y[test]) > 0.8
    # Chance is 0.25; 200 words put four standard errors at 0.12.
    assert control.score(planted.X[test], shuffled[test]) < 0.25 + 0.12


def test_same_seed_same_bytes_and_another_seed_another_probe(planted):
    specs = [ProbeSpec(planted.y, l1=1e-3, random_state=s) for s in (0, 0, 1)]
    first, twin, other = fit_probes(planted.X, specs, solver="adam", **SETTINGS)
    again = fit_probes(planted.X, specs, solver="adam", **SETTINGS)[0]
    assert first.coef_.tobytes() == again.coef_.tobytes()
    assert first.coef_.tobytes() == twin.coef_.tobytes()
    assert np.abs(first.coef_ - other.coef_).max() > 0.01


def test_progress_grows_to_the_total(planted):
    seen: list[tuple[float, float]] = []
    fit_probes(
        planted.X, _specs(planted), progress=lambda done, total: seen.append((done, total)), solver="adam", **SETTINGS
    )
    done = [d for d, _ in seen]
    totals = {total for _, total in seen}
    assert len(totals) == 1
    assert done == sorted(done)
    assert done[-1] == pytest.approx(totals.pop())


def test_moments_are_those_of_numpy():
    from neurosieve.activations.source import as_source

    generator = np.random.default_rng(0)
    X = (generator.standard_normal((5000, 4)) * [1, 1e-3, 50, 0] + [0, 10, -300, 2.5]).astype(np.float32)
    mean, scale = column_moments(as_source(X))
    exact = X.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-12)
    # 1e-9: both sum 5,000 squares in float64 about different points.
    np.testing.assert_allclose(scale[:3], exact.std(axis=0)[:3], rtol=1e-9)
    assert scale[3] == 1.0  # never changes
    with pytest.raises(NeurosieveError, match="no words"):
        column_moments(as_source(X[:0]))


def test_info_tells_how_to_make_the_probe_again(planted):
    spec = ProbeSpec(planted.y, l1=1e-3, random_state=4)
    probe = fit_probes(planted.X, [spec], standardize=True, products="float32", solver="adam", **SETTINGS)[0]
    assert probe.info == {
        "solver": "adam",
        "recipe": "paper",
        "standardize": True,
        "random_state": 4,
        "order": "all shuffled",
        "products": "float32",
        **SETTINGS,
    }
    assert probe.n_passes_ == SETTINGS["epochs"]
    assert probe.gap_ is None
