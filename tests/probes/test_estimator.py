"""`ElasticNetProbe` is a scikit-learn classifier."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from neurosieve.errors import NeurosieveError
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.estimator import ElasticNetProbe
from neurosieve.probes.spec import ProbeSpec

QUICK = {"epochs": 40, "batch_size": 32, "learning_rate": 0.05}


CHECKED = {"epochs": 100, "batch_size": 10_000, "learning_rate": 0.1}
"""One batch an epoch: repeated rows are then the same problem as weighted rows."""


LOOSE = {"check_sample_weight_equivalence_on_dense_data": "compares to seven digits; a gap of 1e-3 promises about two"}


@parametrize_with_checks(
    [
        ElasticNetProbe(),
        ElasticNetProbe(l1=1e-2, l2=1e-2, solver="exact", solver_options={"tol": 1e-14}),
        ElasticNetProbe(l1=1e-4, l2=1e-4, solver="adam", solver_options=CHECKED),
    ],
    expected_failed_checks=lambda estimator: LOOSE if estimator.solver_options is None else {},
)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_by_default_it_solves_exactly(planted):
    probe = ElasticNetProbe().fit(planted.X, planted.y)
    assert 0.0 <= probe.probe_.gap_ <= 1e-3 * probe.probe_.objective_
    assert (probe.coef_ == 0.0).any()
    weights = np.repeat([1.0, 2.0], 300)
    weighted = ElasticNetProbe(solver_options={"tol": 1e-8}).fit(planted.X, planted.y, sample_weight=weights)
    twice = np.r_[np.arange(600), np.arange(300, 600)]
    repeated = ElasticNetProbe(solver_options={"tol": 1e-8}).fit(planted.X[twice], planted.y[twice])
    # Gaps g bound the error of the weights by sqrt(g / l2) = 3e-3; those of float32 and of the scores are far below.
    np.testing.assert_allclose(weighted.decision_function(planted.X), repeated.decision_function(planted.X), atol=2e-2)


def test_is_the_engine(planted):
    probe = ElasticNetProbe(l1=1e-3, l2=1e-2, solver="adam", random_state=3, solver_options=QUICK).fit(
        planted.X, planted.y
    )
    spec = ProbeSpec(planted.y, l1=1e-3, l2=1e-2, random_state=3)
    engine = fit_probes(planted.X, [spec], solver="adam", **QUICK)[0]
    assert probe.coef_.tobytes() == engine.coef_.tobytes()
    assert probe.intercept_.tobytes() == engine.intercept_.tobytes()
    assert probe.classes_.tolist() == engine.classes_.tolist()
    assert probe.predict(planted.X).tolist() == engine.predict(planted.X).tolist()
    assert probe.n_iter_ == QUICK["epochs"]
    assert probe.n_features_in_ == 24


def test_probabilities_are_the_softmax_of_the_scores(planted):
    probe = ElasticNetProbe(0.0, 0.0, solver="adam", solver_options=QUICK).fit(planted.X, planted.y)
    scores = probe.decision_function(planted.X).astype(float)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probe.predict_proba(planted.X), expected, rtol=1e-9)


def test_two_labels_have_one_score(planted):
    y = planted.y == "label0"
    probe = ElasticNetProbe(0.0, 0.0, solver="adam", solver_options=QUICK).fit(planted.X, y)
    scores = probe.decision_function(planted.X)
    assert scores.shape == (600,)
    assert np.array_equal(scores > 0, probe.predict(planted.X))
    assert probe.coef_.shape == (2, 24)


def test_sample_weight_and_standardize_reach_the_engine(planted):
    weights = np.random.default_rng(0).random(600)
    probe = ElasticNetProbe(0.0, 0.0, solver="adam", standardize=True, solver_options=QUICK).fit(
        planted.X, planted.y, sample_weight=weights
    )
    spec = ProbeSpec(planted.y, word_weights=weights)
    engine = fit_probes(planted.X, [spec], standardize=True, solver="adam", **QUICK)[0]
    assert probe.coef_.tobytes() == engine.coef_.tobytes()


def test_clone_grid_search_and_pipeline(planted):
    base = ElasticNetProbe(l1=1e-3, l2=0.0, solver="adam", solver_options=QUICK)
    assert clone(base).get_params() == base.get_params()
    search = GridSearchCV(base, {"l1": [1e-3, 0.3], "l2": [0.0, 1e-2]}, cv=3).fit(planted.X, planted.y)
    assert search.best_params_["l1"] == 1e-3  # 0.3 leaves no weight
    assert search.best_score_ > 0.8
    pipeline = make_pipeline(StandardScaler(), base).fit(planted.X[:400], planted.y[:400])
    assert pipeline.score(planted.X[400:], planted.y[400:]) > 0.8


def test_half_precision_stays_small(planted):
    X = planted.X.astype(np.float16)
    probe = ElasticNetProbe(0.0, 0.0, solver="adam", solver_options=QUICK).fit(X, planted.y)
    assert probe.coef_.dtype == np.float32
    assert probe.predict_proba(X).shape == (600, 4)


def test_unknown_solver_options_are_refused(planted):
    with pytest.raises(NeurosieveError, match="does not take"):
        ElasticNetProbe(solver_options={"tolerance": 1}).fit(planted.X, planted.y)
