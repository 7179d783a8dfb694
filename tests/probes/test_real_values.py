"""Probes of real values: elastic-net linear regression in the same engine."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet
from sklearn.metrics import r2_score

from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.minimal import minimal_neurons
from neurosieve.experiments.search import search_lambdas
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking


@pytest.fixture(scope="module")
def problem():
    generator = np.random.default_rng(0)
    X = generator.standard_normal((600, 20))
    w = np.zeros(20)
    w[[3, 8, 15]] = [2.0, -1.5, 1.0]
    return X, 40.0 + 10.0 * (X @ w + 0.1 * generator.standard_normal(600)), [3, 8, 15]


def _full_batch(X, y, **options):
    spec = ProbeSpec(y, loss="squared", **options)
    return fit_probes(X, [spec], epochs=3000, batch_size=len(X), learning_rate=3e-3, solver="adam")[0]


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.05, 0.0), (0.02, 0.1)])
def test_same_optimum_as_scikit_learn(problem, l1, l2):
    X, y, _ = problem
    probe = _full_batch(X, y, l1=l1, l2=l2)
    standard = (y - y.mean()) / y.std()
    # ours: 1/2 mean squared error + l1 |w| + l2 w^2; theirs: the same with alpha * l1_ratio = l1, alpha (1 - l1_ratio) = 2 l2
    alpha = l1 + 2 * l2
    theirs = ElasticNet(alpha=alpha, l1_ratio=l1 / alpha, tol=1e-10).fit(X, standard) if alpha else None
    expected = (
        np.linalg.lstsq(np.c_[X, np.ones(len(X))], standard, rcond=None)[0][:-1] if theirs is None else theirs.coef_
    )
    # 2e-3: around a weight whose optimum is zero Adam moves to and fro by less than its learning rate of 3e-3
    np.testing.assert_allclose(probe.coef_[0] / y.std(), expected, atol=2e-3)


def test_scores_are_explained_variance(problem):
    X, y, _ = problem
    probe = _full_batch(X, y)
    assert probe.score(X, y) == pytest.approx(r2_score(y, probe.predict(X)))
    assert score_probes(X, [probe, probe.keep([3])], y) == pytest.approx(
        [probe.score(X, y), probe.keep([3]).score(X, y)]
    )
    assert probe.score(X, y) > 0.99 > 0.8 > probe.keep([3]).score(X, y)


def test_values_keep_their_units_when_standardised(problem):
    X, y, _ = problem
    shifted = X * 7.0 + 100.0
    spec = ProbeSpec(y, loss="squared")
    settings = {"epochs": 300, "batch_size": 100, "learning_rate": 1e-2}
    raw = fit_probes(X, [spec], standardize=True, solver="adam", **settings)[0]
    moved = fit_probes(shifted, [spec], standardize=True, solver="adam", **settings)[0]
    np.testing.assert_allclose(moved.coef_ * 7.0, raw.coef_, rtol=1e-6)  # float64: rounding only
    np.testing.assert_allclose(moved.predict(shifted), raw.predict(X), rtol=1e-6)


def test_words_without_a_value_take_no_part(problem):
    X, y, _ = problem
    holes = np.array([None if i % 3 == 0 else v for i, v in enumerate(y)], dtype=object)
    kept = np.arange(len(y)) % 3 != 0
    a = _full_batch(X, holes, l1=0.01)
    b = _full_batch(X[kept], y[kept], l1=0.01)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=0.05)  # of weights around 20: the two stop at different places
    assert a.score(X, holes) == pytest.approx(a.score(X[kept], y[kept]))


def test_saved_probes_keep_their_loss(problem, tmp_path):
    X, y, _ = problem
    probe = _full_batch(X, y)
    probe.save(tmp_path / "p.safetensors")
    again = FittedProbe.load(tmp_path / "p.safetensors")
    assert again.loss == "squared"
    assert np.array_equal(again.predict(X), probe.predict(X))


def test_the_experiments_run_on_values_by_the_same_code():
    planted = make_planted(n_words=1500, n_neurons=60, n_informative=5, n_labels=2, random_state=1)
    generator = np.random.default_rng(1)
    y = planted.X[:, planted.informative].sum(axis=1).astype(float) + 0.1 * generator.standard_normal(1500)
    X, parts = planted.X, (slice(0, 1000), slice(1000, 1250), slice(1250, 1500))
    words = np.array(planted.words, dtype=object)
    splits = Splits.from_arrays([X[s] for s in parts], [y[s] for s in parts], words=[words[s] for s in parts])
    assert splits.loss == "squared"
    assert splits.unseen == {"dev": 0, "test": 0}
    settings = {"learning_rate": 1e-2, "batch_size": 100}
    found = search_lambdas(splits, grid=[(0.0, 0.0), (1e-2, 0.0), (1e-2, 1e-3)], solver="adam", **settings)
    ranking = weight_mass_ranking(found.probe)
    assert set(ranking.top(5)) == set(planted.informative)
    minimal = minimal_neurons(found.probe, ranking, splits, deltas=[0.02], step=1 / 60, solver="adam", **settings)
    assert set(minimal.sets[0.02].neurons) == set(planted.informative)
    control = ControlTask(0).apply(splits)
    assert control.loss == "squared"
    probe = fit_probes(
        control.train.activations, [ProbeSpec(control.train.y, loss="squared")], solver="adam", **settings
    )[0]
    assert probe.score(X[1250:], control.test.y) < 0.2


@pytest.mark.parametrize(
    ("y", "message"),
    [(["a", "b", "c"], "not all numbers"), ([1.0, 1.0, 1.0], "all values are 1"), ([None] * 3, "none of the 3")],
)
def test_refused_values(y, message):
    with pytest.raises(NeurosieveError, match=message):
        fit_probes(np.eye(3), [ProbeSpec(y, loss="squared")], solver="adam")
