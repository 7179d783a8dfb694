"""Correlation with real values, the Gaussian search, the L1 path, chance, and attributions made elsewhere."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from tests.rankings.test_measures import make

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings import gaussian
from neurosieve.rankings.attributions import attribution_ranking
from neurosieve.rankings.registry import method_named, rank


def test_correlation_with_real_values():
    generator = np.random.default_rng(0)
    X = generator.standard_normal((200, 5)) + 100
    X[:, 3] = 7.0
    y = X[:, 1] - X[:, 4] + generator.standard_normal(200)
    y[::7] = np.nan
    known = ~np.isnan(y)
    found = rank("correlation", split=LabelledSplit(X, y))
    expected = [0.0 if j == 3 else np.corrcoef(X[known, j], y[known])[0, 1] for j in range(5)]
    np.testing.assert_allclose(found.label_scores[0], expected, atol=1e-9)
    assert set(found.order[:2].tolist()) == {1, 4}
    X[3, 0] = np.inf
    with pytest.raises(NeurosieveError, match="neuron 0 has activations that are not finite"):
        rank("correlation", split=LabelledSplit(X, y))


def literal_gaussian(X: np.ndarray, y: np.ndarray, n: int) -> list[int]:
    """The greedy search with whole covariance matrices, refitted for every candidate."""
    labels = sorted(set(y))
    within = sum(((X[y == label] - X[y == label].mean(axis=0)) ** 2).sum(axis=0) for label in labels) / len(X)
    taken: list[int] = []
    for _ in range(n):
        fits = {}
        for j in set(range(X.shape[1])) - set(taken):
            some = [*taken, j]
            joint = []
            for label in labels:
                own = X[y == label][:, some]
                centered = own - own.mean(axis=0)
                prior = gaussian.PRIOR_WORDS
                covariance = (centered.T @ centered + prior * np.diag(within[some])) / (len(own) + prior)
                density = multivariate_normal(own.mean(axis=0), covariance).logpdf(X[:, some])
                joint.append(density + np.log(len(own) / len(X)))
            log_q = np.array(joint) - np.logaddexp.reduce(joint, axis=0)
            fits[j] = np.mean([log_q[labels.index(label), i] for i, label in enumerate(y)])
        taken.append(max(fits, key=fits.get))
    return taken


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_gaussian_search_is_the_one_with_whole_matrices(seed):
    split = make(seed, n_words=250)
    X = np.array(split.activations)
    X[:, 6] = X[:, 0] + 0.3 * X[:, 1]  # a neuron that adds nothing once two others are taken
    found = rank("gaussian", split=LabelledSplit(X, split.y), n_neurons=5)
    assert found.order[:5].tolist() == literal_gaussian(X.astype(np.float64), split.y, 5)
    assert (np.diff(found.score[found.order]) <= 0).all()
    assert found.params["n_neurons"] == 5


def test_the_gaussian_search_leaves_out_neurons_that_never_change(monkeypatch):
    monkeypatch.setattr(gaussian, "_CANDIDATES_AT_ONCE", 2)
    split = make(4)
    X, y = np.array(split.activations), split.y.copy()
    X[:, 2] = 1.0
    y[:30] = None
    found = rank("gaussian", split=LabelledSplit(X, y), n_neurons=20)
    assert found.order[-1] == 2
    assert found.params["n_neurons"] == 6
    alone = rank("gaussian", split=LabelledSplit(X[30:], y[30:]), n_neurons=20)
    assert found.order.tolist() == alone.order.tolist()
    with pytest.raises(NeurosieveError, match="n_candidates=0"):
        rank("gaussian", split=split, n_candidates=0)


def test_the_l1_path_is_that_of_scikit_learn():
    split = make(5, n_words=200, n_labels=2)
    found = rank("l1-path", split=split, n_steps=5, tol=1e-6)
    X = np.asarray(split.activations, dtype=np.float64)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    steps = np.zeros(7)
    for l1 in found.params["l1"]:  # our two rows w and -w cost 2 |w|, their one row is 2 w
        fitted = LogisticRegression(
            l1_ratio=1.0, C=1 / (len(Z) * l1), solver="saga", tol=1e-9, max_iter=20_000, fit_intercept=True
        )
        steps += fitted.fit(Z, split.y).coef_[0] != 0
    assert np.floor(found.score).tolist() == steps.tolist()
    assert 0 < steps.max() == 5
    assert (found.label_scores[0] == 0)[steps == 0].all()
    with pytest.raises(NeurosieveError, match="last=2"):
        rank("l1-path", split=split, last=2)
    same = LabelledSplit(np.ones((6, 2)), np.array(list("ababab"), dtype=object))
    with pytest.raises(NeurosieveError, match="no neuron differs"):
        rank("l1-path", split=same)


def planted_split(seed: int = 0) -> LabelledSplit:
    """Sixty neurons, of which 7 and 31 tell three labels and 12 says what 7 says, less clearly."""
    generator = np.random.default_rng(seed)
    y = generator.choice(np.array(["a", "b", "c"], dtype=object), 600)
    X = generator.standard_normal((600, 60)).astype(np.float32)
    X[:, 7] += 3.0 * (y == "a")
    X[:, 31] -= 3.0 * (y == "b")
    X[:, 12] = X[:, 7] + 1.5 * X[:, 12]
    return LabelledSplit(X, y, None, np.arange(600) // 6)


def test_stability_counts_halves_of_the_text():
    split = planted_split()
    split.y[:9] = None
    found = rank("stability", split=split, n_resamples=6, share=0.3)
    assert set(found.order[:2].tolist()) == {7, 31}
    assert found.params["n_resamples"] == 6
    assert (found.score[[7, 31]] >= 1.0).all()
    assert found.label_scores[0, 7] == 1.0
    assert found.label_scores[1, 31] == -1.0
    frequency = np.floor(found.score * 6 + 1e-9) / 6
    assert (frequency[np.setdiff1d(np.arange(60), [7, 31])] < 1).all()
    again = rank("stability", split=split, n_resamples=6, share=0.3)
    assert again.order.tolist() == found.order.tolist()
    with pytest.raises(NeurosieveError, match="n_resamples=0"):
        rank("stability", split=split, n_resamples=0)


def test_the_poisson_probe_takes_what_adds_to_what_it_has():
    split = planted_split()
    split.y[:9] = None
    X = np.array(split.activations)
    X[:, 3] = 2.0
    found = rank("poisson", split=LabelledSplit(X, split.y), n_neurons=5, epochs=20)
    assert set(found.order[:2].tolist()) == {7, 31}  # and not 12, which tells more than 31's rivals but nothing new
    assert found.order[-1] == 3
    assert found.params["n_neurons"] == 5
    assert (np.diff(found.score[found.order]) <= 0).all()
    assert found.label_scores[0, 7] > 0 > found.label_scores[1, 31]
    again = rank("poisson", split=LabelledSplit(X, split.y), n_neurons=5, epochs=20)
    assert again.order.tolist() == found.order.tolist()
    with pytest.raises(NeurosieveError, match="epochs=0"):
        rank("poisson", split=split, epochs=0)


def literal_best_subset(split: LabelledSplit, k: int) -> set[int]:
    """The set of `k` neurons whose probe has the lowest objective, all sets being tried."""
    X = np.asarray(split.activations, dtype=np.float64)
    sets = list(itertools.combinations(range(X.shape[1]), k))
    specs = [ProbeSpec(split.y, l2=1e-3, neurons=chosen) for chosen in sets]
    probes = fit_probes((X - X.mean(axis=0)) / X.std(axis=0), specs, "exact", tol=1e-6)
    return set(sets[int(np.argmin([probe.objective_ for probe in probes]))])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_subset_is_the_best_of_all_where_all_can_be_tried(seed):
    split = make(seed, n_words=250)
    for k in (2, 3):
        found = rank("best-subset", split=split, n_neurons=k, tol=1e-4)
        assert set(found.top(k).tolist()) == literal_best_subset(split, k)


def test_the_best_subset_is_not_fooled_by_two_that_say_the_same():
    split = planted_split()
    split.y[:9] = None
    X = np.array(split.activations)
    X[:, 31] += 1.5 * (split.y == "b")  # which leaves it half of what it told
    X[:, 12] = X[:, 7] + 0.1 * (X[:, 12] - X[:, 7])
    X[:, 3] = 2.0
    split = LabelledSplit(X, split.y)
    assert set(rank("f-statistic", split=split).top(2).tolist()) == {7, 12}
    found = rank("best-subset", split=split, n_neurons=2, n_screened=20)
    assert set(found.top(2).tolist()) == {7, 31}
    assert found.order[-1] == 3
    assert found.params["n_neurons"] == 2
    assert (np.diff(found.score[found.order]) <= 0).all()
    assert np.count_nonzero(found.score >= 1) == 2
    assert np.count_nonzero(found.score) == found.params["n_screened"] == 20
    assert found.label_scores[0, 7] > 0 > found.label_scores[1, 31]
    assert (found.label_scores[:, found.order[2:]] == 0).all()
    # Twelve of fewer than twelve that differ: all of these.
    assert rank("best-subset", split=split, n_neurons=30, n_screened=12).params["n_neurons"] == 12
    with pytest.raises(NeurosieveError, match="n_screened=0"):
        rank("best-subset", split=split, n_screened=0)
    same = LabelledSplit(np.full((3000, 2), 0.1), np.array(list("ab") * 1500, dtype=object))
    with pytest.raises(NeurosieveError, match="no neuron changes"):
        rank("best-subset", split=same)


def test_random_and_reversed():
    split = make(6)
    assert rank("random", split=split).order.tolist() == rank("random", split=split).order.tolist()
    other = rank("random", split=split, random_state=1)
    assert sorted(other.order.tolist()) == list(range(7))
    assert other.order.tolist() != rank("random", split=split).order.tolist()
    assert rank("random", split=LabelledSplit(split.activations, np.arange(300.0))).labels.tolist() == ["value"]
    turned = rank("reversed-auroc", split=split)
    assert turned.order.tolist() == rank("auroc", split=split).order[::-1].tolist()
    assert (np.diff(turned.score[turned.order]) <= 0).all()
    assert turned.method == "reversed-auroc"
    assert method_named("reversed-weight-mass").needs == "probe"
    with pytest.raises(NeurosieveError, match="or reversed-NAME"):
        rank("reversed-nothing", split=split)


def test_attributions(tmp_path):
    neurons = pd.DataFrame({"neuron": ["L0N0", "L0N1", "L1N0"]})
    path = tmp_path / "a.csv"
    path.write_text("neuron,score,NN\nL1N0,-3,-1\nL0N0,1,2\nL0N1,2,0.5\n")
    found = rank("attributions", path=path, neurons=neurons)
    assert found.order.tolist() == [2, 1, 0]
    assert found.label_scores.tolist() == [[2.0, 0.5, -1.0]]
    assert found.per_label("NN").tolist() == [0, 2, 1]
    for text, message in (
        ("neuron,value\nL0N0,1\n", "score lacking"),
        ("neuron,score\nL0N0,1\nL0N0,2\n", "named twice, such as L0N0"),
        ("neuron,score\nL0N0,1\nL0N1,2\n", "named not, such as L1N0"),
        ("neuron,score\nL0N0,1\nL0N1,2\nL1N0,2\nL9N9,1\n", "but not in the store, such as L9N9"),
        ("neuron,score\nL0N0,1\nL0N1,\nL1N0,2\n", "not a finite number"),
        ("neuron,score\nL0N0,1\n,2\n1,2\n", "named not, such as L0N1"),
        ("neuron,score\nL0N0,1\nL0N1,2,3,4\n", "cannot be read as CSV .*Expected 2 fields"),
    ):
        path.write_text(text)
        with pytest.raises(NeurosieveError, match=message):
            attribution_ranking(path, neurons=neurons)
    with pytest.raises(NeurosieveError, match="cannot be read as CSV"):
        attribution_ranking(tmp_path / "none.csv", neurons=neurons)
