"""Real values solved from their moments: against scikit-learn, with certificates that hold."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet

from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec

PAIRS = [(1e-1, 1e-2), (1e-2, 0.0), (1e-3, 1e-5), (0.0, 1e-2), (1e-4, 1e-4)]


def data(n: int = 800, p: int = 40, *, seed: int = 0, offset: float = 3.0):
    """Correlated columns far from zero; five of them tell the values, which have mean 0 and variance 1."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) @ (rng.standard_normal((p, p)) * np.linspace(2.0, 0.05, p)) + offset
    y = X[:, :5] @ np.array([1.0, -1.0, 0.5, 2.0, -0.7]) + 8.0 * rng.standard_normal(n)
    return X.astype(np.float32), (y - y.mean()) / y.std()


def objective(X, y, coef, *, l1: float, l2: float, weights=None) -> float:
    """Half the mean squared error with the best intercept, and the penalty; literally, in float64."""
    v = np.full(len(y), 1.0) if weights is None else np.asarray(weights, dtype=float)
    v = v / v.sum()
    r = y - X.astype(np.float64) @ coef
    r -= v @ r
    return float(0.5 * v @ r**2 + l1 * np.abs(coef).sum() + l2 * coef @ coef)


def best(X, y, *, l1: float, l2: float, weights=None) -> float:
    """The optimum by scikit-learn, in float64 to 1e-10."""
    model = ElasticNet(alpha=l1 + 2 * l2, l1_ratio=l1 / (l1 + 2 * l2), tol=1e-10, max_iter=100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X.astype(np.float64), y, sample_weight=weights)
    return objective(X, y, model.coef_, l1=l1, l2=l2, weights=weights)


def test_every_pair_has_scikit_learns_optimum_and_a_certificate_that_holds():
    X, y = data()
    probes = fit_probes(X, [ProbeSpec(y, l1=l1, l2=l2, loss="squared") for l1, l2 in PAIRS], "exact")
    for probe, (l1, l2) in zip(probes, PAIRS, strict=True):
        found, optimum = objective(X, y, probe.coef_[0], l1=l1, l2=l2), best(X, y, l1=l1, l2=l2)
        assert probe.objective_ == pytest.approx(found, rel=1e-5)  # summed in float32 batches
        assert probe.gap_ <= 1e-3 * probe.objective_
        assert found - probe.gap_ - 1e-5 * found <= optimum <= found * (1 + 1e-6)
        assert found <= optimum * (1 + 1e-4)
        assert probe.info["solver"] == "exact"
    assert (probes[0].coef_ == 0).sum() > 20


def test_word_weights_are_heeded():
    X, y = data(seed=1)
    weights = np.random.default_rng(2).random(len(y))
    pair = {"l1": 1e-2, "l2": 1e-3}
    specs = [ProbeSpec(y, loss="squared", **pair), ProbeSpec(y, loss="squared", word_weights=weights, **pair)]
    plain, weighted = fit_probes(X, specs, "exact")
    found = objective(X, y, weighted.coef_[0], **pair, weights=weights)
    # The encoder puts weighted values to mean 0 and variance 1 over all words, as the unweighted are already.
    assert found == pytest.approx(best(X, y, **pair, weights=weights), rel=1e-4)
    assert not np.allclose(plain.coef_, weighted.coef_)


def test_a_subset_is_a_fit_on_these_columns_alone():
    X, y = data(seed=3)
    chosen = np.array([0, 2, 5, 30])
    sub, alone = (
        fit_probes(A, [ProbeSpec(y, l1=1e-3, l2=1e-3, loss="squared", neurons=n)], "exact", tol=1e-8)[0]
        for A, n in ((X, chosen), (X[:, chosen], None))
    )
    whole = fit_probes(
        X, [ProbeSpec(y, l1=1e-3, l2=1e-3, loss="squared", neurons=n) for n in (chosen, None)], "exact", tol=1e-8
    )
    np.testing.assert_allclose(sub.coef_, alone.coef_, atol=1e-6)  # both to a gap of 1e-8
    np.testing.assert_allclose(whole[0].coef_, alone.coef_, atol=1e-6)
    assert (whole[0].neurons == chosen).all()


@pytest.mark.parametrize("penalties", [{"l1": 1e-3, "l2": 1e-3}, {"l1": 0.0, "l2": 1e-2}])
def test_what_a_tight_tolerance_certifies_holds_in_float64(penalties):
    X, y = data(seed=3)
    y = y.astype(np.float32).astype(np.float64)  # as the engine holds values
    probe = fit_probes(X, [ProbeSpec(y, loss="squared", **penalties)], "exact", tol=1e-9)[0]
    assert probe.objective_ == pytest.approx(objective(X, y, probe.coef_[0], **penalties), rel=1e-9)


def test_targets_and_penalties_share_a_call_without_touching_each_other():
    X, y = data(seed=4)
    other = np.random.default_rng(5).permutation(y)
    specs = [ProbeSpec(v, l1=l1, l2=1e-3, loss="squared") for v in (y, other) for l1 in (1e-2, 1e-3)]
    together = fit_probes(X, specs, "exact", tol=1e-7)
    for spec, probe in zip(specs, together, strict=True):
        np.testing.assert_allclose(probe.coef_, fit_probes(X, [spec], "exact", tol=1e-7)[0].coef_, atol=1e-5)


def test_columns_that_are_constant_or_twice_there_do_no_harm():
    X, y = data(seed=6)
    X = np.concatenate([X, X[:, :3], np.full((len(X), 2), 7.0, np.float32)], axis=1)
    for l1, l2 in PAIRS:
        probe = fit_probes(X, [ProbeSpec(y, l1=l1, l2=l2, loss="squared")], "exact")[0]
        assert probe.gap_ <= 1e-3 * probe.objective_
        assert (np.abs(probe.coef_[0, -2:]) < 1e-6).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_huge_column_takes_nothing_from_those_who_do_not_read_it(dtype):
    X, y = data(seed=6)
    X = X.astype(dtype)
    X[:, 0] *= 1e7
    alone = ProbeSpec(y, l1=1e-3, l2=1e-3, loss="squared", neurons=np.arange(1, 40))
    free = ProbeSpec(y, l1=0.0, l2=0.0, loss="squared", neurons=np.arange(1, 40))
    huge = ProbeSpec(y, l1=10.0, l2=1e-3, loss="squared")
    for spec, atol in ((alone, 1e-5), (free, 1e-4)):  # without a penalty rounding alone moves weights by 5e-5
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nothing bounds a probe without any penalty
            apart, beside = fit_probes(X, [spec], "exact")[0], fit_probes(X, [spec, huge], "exact")[0]
        np.testing.assert_allclose(beside.coef_, apart.coef_, atol=atol)
    assert beside.objective_ == pytest.approx(apart.objective_, rel=1e-6)


def test_columns_of_any_scale_are_solved_in_float64():
    X, y = data(seed=6)
    X = X.astype(np.float64)
    X[:, 0] *= 1e7
    for l1, l2 in [(1e-3, 1e-3), (1e-2, 0.0), (0.0, 1e-2)]:
        probe = fit_probes(X, [ProbeSpec(y, l1=l1, l2=l2, loss="squared")], "exact")[0]
        assert probe.gap_ <= 1e-3 * probe.objective_, (l1, l2)


def test_means_a_thousand_times_the_spread_leave_the_certificate():
    X, y = data(seed=7, offset=3000.0)
    probe = fit_probes(X.astype(np.float64), [ProbeSpec(y, l1=1e-3, l2=1e-3, loss="squared")], "exact", tol=1e-6)[0]
    assert probe.gap_ <= 1e-6 * probe.objective_
    assert probe.objective_ == pytest.approx(best(X, y, l1=1e-3, l2=1e-3), rel=1e-5)


def test_what_is_returned_is_what_was_certified():
    """Weights, intercept, objective and gap belong together, also where rounding leaves the tolerance out of reach."""
    X, y = data(seed=10, offset=5000.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # columns of 5,000 leave float32 few digits of what is left
        probe = fit_probes(X, [ProbeSpec(y, l1=0.0, l2=1e-5, loss="squared")], "exact", tol=1e-9)[0]
    residuals = y - X.astype(np.float64) @ probe.coef_[0].astype(np.float64) - float(probe.intercept_[0])
    found = 0.5 * float(np.mean(residuals**2)) + 1e-5 * float(np.sum(probe.coef_.astype(np.float64) ** 2))
    assert probe.objective_ == pytest.approx(found, rel=1e-5)
    assert found - probe.gap_ <= best(X, y, l1=0.0, l2=1e-5) * (1 + 1e-6)


def test_max_passes_ends_the_refinement():
    X, y = data(seed=10, offset=5000.0)
    spec = ProbeSpec(y, l1=1e-4, l2=1e-5, loss="squared")
    with pytest.warns(UserWarning, match="raise max_passes"):
        short = fit_probes(X, [spec], "exact", tol=1e-12, max_passes=2)[0]
    with pytest.warns(UserWarning, match="ended above"):
        long = fit_probes(X, [spec], "exact", tol=1e-12)[0]
    assert short.n_passes_ == 2  # the moments and one certificate
    assert long.n_passes_ > 2
    assert long.gap_ <= short.gap_


def test_without_a_penalty_it_is_least_squares_and_claims_nothing():
    X, y = data(seed=8)
    with pytest.warns(UserWarning, match="have l1 = l2 = 0"):
        probe = fit_probes(X, [ProbeSpec(y, loss="squared")], "exact")[0]
    centred = X.astype(np.float64) - X.mean(axis=0)
    fitted = np.linalg.lstsq(centred, y, rcond=None)[0]
    assert objective(X, y, probe.coef_[0], l1=0, l2=0) == pytest.approx(objective(X, y, fitted, l1=0, l2=0), rel=1e-5)
    assert probe.gap_ == probe.objective_


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(PAIRS), st.integers(2, 60), st.integers(1, 30))
def test_the_certificate_holds_on_any_data(seed: int, pair: tuple[float, float], n: int, p: int):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, p)).astype(np.float32), rng.standard_normal(n)
    y = (y - y.mean()) / y.std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits so close that float32 cannot prove a thousandth of what is left
        probe = fit_probes(X, [ProbeSpec(y, l1=pair[0], l2=pair[1], loss="squared")], "exact")[0]
    optimum = best(X, y, l1=pair[0], l2=pair[1])
    assert probe.objective_ - probe.gap_ <= optimum + 1e-5
    assert optimum <= probe.objective_ + 1e-5
    assert probe.gap_ <= 1e-3 * probe.objective_ + 1e-6  # the values have variance 1


MANY_PAIRS = [(l1, l2) for l1 in (1e-1, 1e-2, 1e-3, 1e-5, 1e-7) for l2 in (0.0, 1e-6, 1e-3, 1e-1)]


def test_many_pairs_together_each_have_their_optimum_and_certificate():
    X, y = data(seed=11)
    X = X.astype(np.float64)  # a column's product with residuals must be below 1e-7 for the weakest pair's bound
    specs = [ProbeSpec(y, l1=l1, l2=l2, loss="squared") for l1, l2 in MANY_PAIRS]
    for probe, (l1, l2) in zip(fit_probes(X, specs, "exact"), MANY_PAIRS, strict=True):
        found, optimum = objective(X, y, probe.coef_[0], l1=l1, l2=l2), best(X, y, l1=l1, l2=l2)
        assert probe.objective_ == pytest.approx(found, rel=1e-5)
        assert probe.gap_ <= 1e-3 * probe.objective_, (l1, l2)
        assert found - probe.gap_ - 1e-5 * found <= optimum <= found * (1 + 1e-6)


def test_many_subsets_targets_and_weights_together_are_what_they_are_alone():
    X, y = data(seed=12)
    X = X.astype(np.float64)
    rng = np.random.default_rng(13)
    weights, other = rng.random(len(y)), rng.permutation(y)
    specs = [
        ProbeSpec(v, l1=l1, l2=1e-3, loss="squared", neurons=np.arange(m), word_weights=w)
        for v in (y, other)
        for w in (None, weights)
        for m in (5, 40)
        for l1 in (1e-1, 1e-2, 1e-3, 0.0)
    ]
    for spec, probe in zip(specs, fit_probes(X, specs, "exact", tol=1e-9), strict=True):
        alone = fit_probes(X, [spec], "exact", tol=1e-9)[0]
        np.testing.assert_allclose(probe.coef_, alone.coef_, atol=1e-5)
        assert probe.gap_ <= 1e-9 * probe.objective_


def test_what_alternation_leaves_undone_is_done_one_by_one(monkeypatch):
    monkeypatch.setattr("neurosieve.probes.exact.nets.TURNS", 3)
    X, y = data(seed=14)
    X = X.astype(np.float64)
    specs = [ProbeSpec(y, l1=l1, l2=l2, loss="squared") for l1, l2 in MANY_PAIRS]
    assert all(probe.gap_ <= 1e-3 * probe.objective_ for probe in fit_probes(X, specs, "exact"))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 30), st.sampled_from([1e-3, 1.0, 1e3]))
def test_certificates_of_many_hold_on_any_data(seed: int, n: int, p: int, scale: float):
    rng = np.random.default_rng(seed)
    X, y = (scale * rng.standard_normal((n, p))).astype(np.float32), rng.standard_normal(n)
    y = (y - y.mean()) / y.std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probes = fit_probes(X, [ProbeSpec(y, l1=l1, l2=l2, loss="squared") for l1, l2 in MANY_PAIRS], "exact")
    for probe, (l1, l2) in zip(probes, MANY_PAIRS, strict=True):
        found, optimum = objective(X, y, probe.coef_[0], l1=l1, l2=l2), best(X, y, l1=l1, l2=l2)
        assert probe.objective_ == pytest.approx(found, rel=1e-4, abs=1e-6)
        assert probe.objective_ - probe.gap_ <= optimum * (1 + 1e-4) + 1e-6


def test_no_weights_are_worse_than_none():
    """Where words are fewer than columns and l2 is 0, the moments' rounding leaves directions along which nothing ends a step."""
    rng = np.random.default_rng(30)
    X, y = (1e3 * rng.standard_normal((11, 30))).astype(np.float32), rng.standard_normal(11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for pairs in (MANY_PAIRS, [(1e-5, 0.0)]):
            for probe in fit_probes(X, [ProbeSpec(y, l1=l1, l2=l2, loss="squared") for l1, l2 in pairs], "exact"):
                assert probe.objective_ <= 0.5 + 1e-6
                assert probe.objective_ <= 1e-5 or probe.l1 > 1e-5


def test_columns_too_large_for_float32_are_refused_by_the_gap():
    X, y = data(seed=6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probes = fit_probes(X * np.float32(1e25), [ProbeSpec(y, l1=1e-3, l2=1e-3, loss="squared")] * 5, "exact")
    assert all(probe.objective_ == pytest.approx(0.5) and probe.gap_ >= 0.4 for probe in probes)
