"""The minimal set is the first of a growing series whose retrained probe is within delta of the oracle on dev."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments import minimal
from neurosieve.experiments.minimal import minimal_neurons
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

DELTAS = (0.0, 0.005, 0.02, 0.2, 1.0)


@pytest.fixture(scope="module")
def result(oracle, ranking, splits, settings):
    return minimal_neurons(oracle, ranking, splits, deltas=DELTAS, step=0.02, solver="adam", **settings)


def test_first_size_within_delta(result, oracle, ranking, splits):
    target = score_probes(splits.dev.activations, [oracle], splits.dev.y)[0]
    curve = result.curve
    assert curve["n_neurons"].tolist() == sorted(set(curve["n_neurons"]))
    for delta, found in result.sets.items():
        n = len(found.neurons)
        assert found.delta == delta
        assert found.oracle_dev_accuracy == target
        assert np.array_equal(found.neurons, ranking.top(n))
        assert found.dev_accuracy >= target - delta - 1e-9
        earlier = curve.loc[curve["n_neurons"] < n, "dev_accuracy"]
        assert (earlier < target - delta).all()
        assert curve.loc[curve["n_neurons"] == n, "dev_accuracy"].tolist() == [found.dev_accuracy]


def test_the_probe_is_retrained_on_the_set_with_the_oracles_lambdas(result, oracle, splits, settings):
    found = result.sets[0.02]
    assert 1 < len(found.neurons) < 50
    spec = ProbeSpec(splits.train.y, l1=oracle.l1, l2=oracle.l2, neurons=found.neurons)
    alone = fit_probes(splits.train.activations, [spec], solver="adam", **settings)[0]
    assert set(found.probe.columns) == set(found.neurons)
    # Fitted in a group of sizes there, alone here: rounding that Adam enlarges to a few per cent of a step of 1e-2.
    np.testing.assert_allclose(found.probe.coef_, alone.coef_, atol=5e-4, rtol=0)
    assert score_probes(splits.dev.activations, [found.probe], splits.dev.y)[0] == found.dev_accuracy


def test_a_larger_delta_never_needs_more_neurons(result):
    sizes = [len(result.sets[delta].neurons) for delta in DELTAS]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1  # within 100 points
    assert len(set(sizes)) > 2


def test_the_result_does_not_depend_on_how_many_are_fitted_at_once(result, oracle, ranking, splits, settings):
    one = minimal_neurons(oracle, ranking, splits, deltas=DELTAS[1:], step=0.02, at_once=1, solver="adam", **settings)
    for delta in DELTAS[1:]:
        # Rounding may move one dev word and with it the crossing by one size of the series.
        assert abs(len(one.sets[delta].neurons) - len(result.sets[delta].neurons)) <= 1
    assert one.curve["n_neurons"].tolist() == list(
        range(1, len(one.sets[0.005].neurons) + 1)
    )  # nothing beyond the need


@pytest.fixture
def scored(monkeypatch, oracle):
    """Let the probe of n neurons have the dev accuracy `accuracy(n)` without fitting; returns what was to be fitted."""

    def fake(accuracy):
        fitted = []

        def fit(activations, specs, solver, **settings):
            fitted.extend((len(spec.neurons), spec.l1, spec.l2, spec.random_state) for spec in specs)
            return [replace(oracle, neurons=np.sort(spec.neurons)) for spec in specs]

        monkeypatch.setattr(minimal, "fit_probes", fit)
        monkeypatch.setattr(
            minimal, "score_probes", lambda X, probes, y: np.array([accuracy(len(p.columns)) for p in probes])
        )
        return fitted

    return fake


def test_the_series_ends_at_the_oracle_itself(scored, oracle, ranking, splits):
    scored(lambda n: 0.9 if n == 50 else 0.1)
    found = minimal_neurons(oracle, ranking, splits, deltas=(0.005, 0.02), solver="adam").sets
    for delta in (0.005, 0.02):
        assert found[delta].probe is oracle
        assert sorted(found[delta].neurons) == list(range(50))


def test_stops_soon_after_the_last_delta_is_reached(scored, oracle, ranking, splits):
    fitted = scored(lambda n: min(0.9, 0.1 * n))
    result = minimal_neurons(
        oracle, ranking, splits, deltas=(0.2, 0.0), step=0.02, at_once=4, random_state=7, solver="adam"
    )
    assert [len(s.neurons) for s in result.sets.values()] == [7, 9]
    assert fitted == [(n, 1e-3, 1e-3, 7) for n in range(1, 13)]  # three rounds of four
    assert list(result.sets) == [0.2, 0.0]  # in the order asked for


@pytest.mark.parametrize("k", range(1, 200))
def test_exactly_delta_below_is_within_delta(scored, oracle, ranking, splits, k):
    """With 200 dev words, a delta of 0.005 is one word."""
    scored(lambda n: {50: k / 200, 1: max(0, k - 2) / 200}.get(n, (k - 1) / 200))
    result = minimal_neurons(oracle, ranking, splits, deltas=(0.005,), step=0.02, solver="adam")
    assert len(result.sets[0.005].neurons) == (2 if k > 1 else 1)


def test_a_dip_after_the_crossing_does_not_matter(scored, oracle, ranking, splits):
    scored(lambda n: 0.9 if n in (3, 50) else 0.5)
    result = minimal_neurons(oracle, ranking, splits, deltas=(0.0,), step=0.02, solver="adam")
    assert len(result.sets[0.0].neurons) == 3


@pytest.mark.parametrize(
    ("step", "sizes"), [(0.01, list(range(1, 51))), (0.3, [15, 30, 45, 50]), (1.0, [50]), (0.5, [25, 50])]
)
def test_sizes(scored, oracle, ranking, splits, step, sizes):
    """Never smaller than one neuron, never one size twice, always up to all."""
    scored(lambda n: 1.0 if n == 50 else 0.0)
    curve = minimal_neurons(oracle, ranking, splits, deltas=(0.0,), step=step, solver="adam").curve
    assert curve["n_neurons"].tolist() == sizes
    assert curve["fraction"].tolist() == [n / 50 for n in sizes]


def test_without_regularisation(scored, oracle, ranking, splits):
    fitted = scored(lambda n: 0.5)
    minimal_neurons(oracle, ranking, splits, deltas=(0.0,), regularize=False, solver="adam")
    assert {(l1, l2) for _, l1, l2, _ in fitted} == {(0.0, 0.0)}


def test_progress_and_frame(scored, oracle, ranking, splits):
    scored(lambda n: 0.02 * n)
    seen = []
    result = minimal_neurons(
        oracle,
        ranking,
        splits,
        deltas=(0.0,),
        step=0.02,
        at_once=5,
        progress=lambda done, total: seen.append((done, total)),
        solver="adam",
    )
    assert seen == [(n, 50) for n in range(5, 51, 5)]
    assert result.to_frame().to_dict("records") == [
        {"delta": 0.0, "n_neurons": 50, "dev_accuracy": 1.0, "oracle_dev_accuracy": 1.0}
    ]


@pytest.mark.parametrize("options", [{"step": 0.0}, {"step": 1.1}, {"deltas": ()}, {"deltas": (-0.1,)}, {"at_once": 0}])
def test_refused(oracle, ranking, splits, options):
    with pytest.raises(NeurosieveError, match=r"expected 0 < step <= 1, deltas not negative and at_once at least 1"):
        minimal_neurons(oracle, ranking, splits, solver="adam", **options)


@pytest.mark.parametrize("seed", range(2))
def test_bracketing_finds_what_growing_finds(monkeypatch, seed):
    """Within one size: with the exact solver sizes are doubled and halved, where others are tried one by one."""
    planted = make_planted(n_words=900, n_neurons=60, n_labels=3, n_informative=12, random_state=seed)
    X = planted.X + np.random.default_rng(seed).standard_normal(planted.X.shape).astype(np.float32)
    cuts = (slice(0, 500), slice(500, 900), slice(500, 900))
    splits = Splits.from_arrays([X[s] for s in cuts], [planted.y[s] for s in cuts])
    oracle = fit_probes(X[:500], [ProbeSpec(planted.y[:500], l1=3e-3, l2=1e-3)], "exact")[0]
    ranking, deltas, step = weight_mass_ranking(oracle), (0.0, 0.02, 0.05), 1 / 60
    found = minimal_neurons(oracle, ranking, splits, deltas=deltas, step=step, solver="exact")
    monkeypatch.setattr(minimal, "_bracketed", partial(minimal._growing, at_once=5))
    grown = minimal_neurons(oracle, ranking, splits, deltas=deltas, step=step, solver="exact")
    assert len(found.curve) < len(grown.curve)
    for delta in deltas:
        assert abs(len(found.sets[delta].neurons) - len(grown.sets[delta].neurons)) <= 1
        assert found.sets[delta].dev_accuracy >= grown.sets[delta].oracle_dev_accuracy - delta - 1e-9
        probe = found.sets[delta].probe
        assert probe.gap_ <= 1e-3 * probe.objective_


def test_no_size_just_before_the_one_found_is_within(oracle, ranking, splits, monkeypatch):
    """A dip after the crossing: the size that halving ends at is not the first."""
    reached = dict.fromkeys(range(1, 51), 0.5) | dict.fromkeys(range(20, 51), 0.9) | {18: 0.9, 19: 0.5}

    def fit(activations, specs, solver, **settings):
        return [replace(oracle, neurons=np.sort(spec.neurons)) for spec in specs]

    monkeypatch.setattr(minimal, "fit_probes", fit)
    monkeypatch.setattr(
        minimal, "score_probes", lambda X, probes, y: np.array([reached[len(p.columns)] for p in probes])
    )
    found = minimal_neurons(oracle, ranking, splits, deltas=(0.01,), step=0.02, solver="exact")
    assert len(found.sets[0.01].neurons) == 18
