"""Every measure equals its definition, taken literally or by scikit-learn, and keeps the invariants of a ranking."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_selection import f_classif
from sklearn.metrics import average_precision_score, jaccard_score, mutual_info_score, roc_auc_score

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import memory_limit
from neurosieve.rankings import measure, statistics
from neurosieve.rankings.iou import iou_ranking
from neurosieve.rankings.rank_all import rank_all
from neurosieve.rankings.registry import METHODS, rank
from neurosieve.rankings.statistics import bin_numbers, label_statistics

MEASURED = tuple(name for name, method in METHODS.items() if method.measure)
SCALE_FREE = tuple(name for name in MEASURED if name != "probeless")
BINNED = ("mutual-information", "average-precision", "auroc", "iou")


def make(seed: int = 0, *, n_words: int = 300, n_neurons: int = 7, n_labels: int = 4) -> LabelledSplit:
    generator = np.random.default_rng(seed)
    y = generator.choice(np.array([*"abcdefgh"][:n_labels], dtype=object), n_words)
    X = generator.standard_normal((n_words, n_neurons)) * generator.uniform(0.1, 30, n_neurons)
    X += 3 * generator.standard_normal((n_labels, n_neurons))[np.unique(y, return_inverse=True)[1]] + 5
    return LabelledSplit(X.astype(np.float32), y)


def literally(split: LabelledSplit) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Score (n_neurons,) and label scores (n_labels, n_neurons) of the measures, one neuron and one label at a time."""
    X, y = np.asarray(split.activations, dtype=np.float64), split.y
    labels = sorted(set(y))
    found = {name: (np.zeros(X.shape[1]), np.zeros((len(labels), X.shape[1]))) for name in MEASURED}
    found["f-statistic"][0][:] = f_classif(X, y)[0]
    s = next(label_statistics(split, name="test"))
    for j, x in enumerate(X.T):
        z = ((x.astype(np.float32) - s.center[j].astype(np.float32)) / s.scale[j].astype(np.float32)).astype(np.float32)
        bins = bin_numbers(z)
        means = [x[y == label].mean() for label in labels]
        found["probeless"][0][j] = sum(abs(a - b) for a, b in combinations(means, 2))
        found["mutual-information"][0][j] = mutual_info_score(bins, y) / np.log(2)
        shares = [np.mean(y == label) for label in labels]
        within = sum(((x[y == label] - mean) ** 2).sum() for label, mean in zip(labels, means, strict=True)) / len(x)
        with_prior = [
            (((x[y == label] - m) ** 2).sum() + within) / ((y == label).sum() + 1)
            for label, m in zip(labels, means, strict=True)
        ]
        bits = sum(p * np.log2(x.var() / v) for p, v in zip(shares, with_prior, strict=True)) / 2
        found["gaussian-information"][0][j] = max(bits, 0)
        for i, label in enumerate(labels):
            own, rest, is_label = x[y == label], x[y != label], y == label
            difference = own.mean() - rest.mean()
            sign = np.sign(difference)
            pooled = ((own - own.mean()) ** 2).sum() + ((rest - rest.mean()) ** 2).sum()
            found["probeless"][1][i, j] = difference
            found["mean-select"][1][i, j] = difference / (x.max() - x.min())
            found["mean-difference"][1][i, j] = difference / np.sqrt(pooled / (len(x) - 2))
            found["correlation"][1][i, j] = np.corrcoef(x, is_label)[0, 1]
            found["f-statistic"][1][i, j] = sign * f_classif(x[:, None], is_label)[0][0]
            found["mutual-information"][1][i, j] = sign * mutual_info_score(bins, is_label) / np.log(2)
            v_own = (((own - own.mean()) ** 2).sum() + pooled / len(x)) / (len(own) + 1)
            v_rest = (((rest - rest.mean()) ** 2).sum() + pooled / len(x)) / (len(rest) + 1)
            p = len(own) / len(x)
            of_pair = -(p * np.log2(v_own / x.var()) + (1 - p) * np.log2(v_rest / x.var())) / 2
            found["gaussian-information"][1][i, j] = sign * max(of_pair, 0)
            found["auroc"][1][i, j] = 2 * roc_auc_score(is_label, bins) - 1
            high, low = average_precision_score(is_label, bins), average_precision_score(is_label, -bins)
            found["average-precision"][1][i, j] = high if high >= low else -low
            below = np.array([np.mean(bins <= b) for b in range(statistics.N_BINS)])
            below[(below == 0) | (below == 1)] = np.inf
            first, last = np.argmin(abs(below - 0.95)) + 1, np.argmin(abs(below - 0.05))
            high, low = jaccard_score(is_label, bins >= first), jaccard_score(is_label, bins <= last)
            found["iou"][1][i, j] = high if high >= low else -low
    for name in ("mean-select", "mean-difference", "correlation", "auroc", "average-precision", "iou"):
        found[name][0][:] = abs(found[name][1]).mean(axis=0)
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_they_are_their_definitions(seed):
    split = make(seed)
    expected, found = literally(split), rank_all(split=split)
    assert tuple(found) == MEASURED
    for name, ranking in found.items():
        score, of_labels = expected[name]
        np.testing.assert_allclose(ranking.score, score, rtol=2e-4, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(ranking.label_scores, of_labels, rtol=2e-4, atol=1e-4, err_msg=name)
        assert ranking.order.tolist() == np.argsort(-ranking.score, kind="stable").tolist()
        assert ranking.method == name


def test_binned_values_are_near_the_values_themselves():
    split = make(3, n_words=900)
    X, y = np.asarray(split.activations), split.y
    auroc, precision = (
        rank_all(["auroc", "average-precision"], split=split)[n] for n in ("auroc", "average-precision")
    )
    for i, label in enumerate(auroc.labels):
        for j in range(X.shape[1]):
            exact = 2 * roc_auc_score(y == label, X[:, j]) - 1
            assert auroc.label_scores[i, j] == pytest.approx(exact, abs=0.02)
            exact = max(average_precision_score(y == label, sign * X[:, j]) for sign in (1, -1))
            assert abs(precision.label_scores[i, j]) == pytest.approx(exact, abs=0.05)


def test_the_bins_are_quarters_of_octaves():
    assert bin_numbers(np.array([0.0, 0.1, 0.155, 0.16], dtype=np.float32)).tolist() == [32, 32, 32, 33]
    assert bin_numbers(np.array([-0.1, -0.16, -1e9, 1e9, 29.0], dtype=np.float32)).tolist() == [31, 30, 0, 63, 63]
    grid = np.sort(np.random.default_rng(0).standard_cauchy(5000).astype(np.float32))
    assert (np.diff(bin_numbers(grid)) >= 0).all()


@given(st.integers(0, 1000), st.sampled_from(MEASURED))
@settings(max_examples=30, deadline=None)
def test_the_order_of_words_and_neurons_does_not_matter(seed, name):
    split, generator = make(seed, n_words=80), np.random.default_rng(seed)
    words, neurons = generator.permutation(80), generator.permutation(7)
    X = np.asarray(split.activations)
    there, moved = rank(name, split=split), rank(name, split=LabelledSplit(X[words][:, neurons], split.y[words]))
    np.testing.assert_allclose(moved.score, there.score[neurons], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(moved.label_scores, there.label_scores[:, neurons], rtol=1e-3, atol=1e-4)


@given(st.integers(0, 1000), st.sampled_from(SCALE_FREE), st.integers(-8, 8))
@settings(max_examples=30, deadline=None)
def test_scaling_a_neuron_changes_nothing(seed, name, power):
    split = make(seed, n_words=80)
    X = np.array(split.activations)
    X[:, 2] *= 2.0**power
    scaled = rank(name, split=LabelledSplit(X, split.y))
    there = rank(name, split=split)
    assert scaled.order.tolist() == there.order.tolist()
    np.testing.assert_array_equal(scaled.label_scores, there.label_scores)


@pytest.mark.parametrize("name", MEASURED)
def test_constant_neurons_come_last_and_ties_go_by_position(name):
    X = np.array(make(5).activations)
    X[:, 1] = 4.0
    X[:, 5] = X[:, 3]
    found = rank(name, split=LabelledSplit(X, make(5).y))
    assert found.order[-1] == 1
    assert not found.label_scores[:, 1].any()
    assert found.ranks[5] == found.ranks[3] + 1


@pytest.mark.parametrize("name", MEASURED)
def test_a_neuron_that_is_the_label_is_first_and_its_sign_is_kept(name):
    split = make(6, n_labels=2)
    X = np.array(split.activations)
    X[:, 4] = np.where(split.y == "a", -40.0, 40.0)
    found = rank(name, split=LabelledSplit(X, split.y))
    assert found.order[0] == 4
    assert found.label_scores[0, 4] < 0 < found.label_scores[1, 4]
    assert found.per_label("a")[0] == 4


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_words_without_label_blocks_and_several_passes(dtype, monkeypatch):
    monkeypatch.setattr(statistics, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(statistics, "_COLUMNS", 2)
    monkeypatch.setattr(statistics, "_FEWEST", 2)
    split = make(7, n_words=600)
    X, y = np.asarray(split.activations).astype(dtype), split.y.copy()
    gone = np.random.default_rng(0).random(600) < 0.3
    y[gone] = None
    alone = rank_all(split=LabelledSplit(X[~gone], y[~gone]))
    with memory_limit(2 * 4 * 4 * (16 + 4 * statistics.N_BINS)):
        assert len(list(label_statistics(LabelledSplit(X, y), name="x", bins=True))) == 4
        found = rank_all(split=LabelledSplit(X, y))
    for name, ranking in found.items():
        np.testing.assert_allclose(ranking.score, alone[name].score, rtol=1e-4, atol=1e-6, err_msg=name)


def test_iou_at_another_quantile():
    split = make(8)
    half = iou_ranking(split, quantile=0.5).score
    assert (half != iou_ranking(split).score).all()
    with pytest.raises(NeurosieveError, match=r"quantile 2: expected a share"):
        rank("iou", split=split, quantile=2)


@pytest.mark.parametrize("name", MEASURED)
def test_refused(name):
    X, y = np.ones((4, 2)), np.array(["a", "b", "a", "b"], dtype=object)
    if name != "correlation":
        with pytest.raises(NeurosieveError, match=f"real values, and '{name}' compares labels; rank by 'correlation'"):
            rank(name, split=LabelledSplit(X, np.arange(4.0)))
    with pytest.raises(NeurosieveError, match="found only the label 'a'"):
        rank(name, split=LabelledSplit(X, np.array(["a"] * 4, dtype=object)))
    X[2, 1] = np.inf
    with pytest.raises(NeurosieveError, match="neuron 1 has activations that are not finite"):
        rank(name, split=LabelledSplit(X, y))


def test_rank_all_takes_each_kind_what_it_needs():
    split = make(9)
    probe = np.random.default_rng(0).standard_normal((4, 7))
    found = rank_all(["random", "weight-mass", "f-statistic"], split=split, probe=probe)
    assert list(found) == ["random", "weight-mass", "f-statistic"]
    assert "weight-mass" in rank_all(split=split, probe=probe)
    assert list(rank_all(probe=probe)) == ["weight-mass"]
    with pytest.raises(NeurosieveError, match="nothing to rank by"):
        rank_all()
    with pytest.raises(NeurosieveError, match="'iou' needs labels"):
        rank_all(["iou"], probe=probe)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neurons_that_are_silent_at_most_words_are_ranked_by_their_values(size, dtype):
    generator = np.random.default_rng(0)
    y = generator.choice(np.array(["a", "b", "c"], dtype=object), 60_000, p=[0.005, 0.495, 0.5])
    X = np.zeros((60_000, 3), dtype=dtype)
    fires = np.flatnonzero(y == "a")[::2]  # at half of the words of a, and nowhere else: few are in any sample
    X[fires, 0] = size * generator.uniform(1, 2, len(fires))
    at_all = generator.choice(60_000, 2000, replace=False)
    X[at_all, 1] = size * generator.uniform(0.5, 1.0, 2000) * np.where(y[at_all] == "b", 2.0, 1.0)
    X[at_all, 2] = size * generator.uniform(0.5, 1.0, 2000)
    found = rank_all(split=LabelledSplit(X, y))
    is_a = y == "a"
    assert found["auroc"].label_scores[0, 0] == pytest.approx(2 * roc_auc_score(is_a, X[:, 0]) - 1, abs=1e-6)
    assert found["average-precision"].label_scores[0, 0] == pytest.approx(
        average_precision_score(is_a, X[:, 0]), abs=1e-6
    )
    assert found["mutual-information"].order[-1] == 2
    exact = max(average_precision_score(y == "b", sign * X[:, 1]) for sign in (1, -1))
    assert abs(found["average-precision"].label_scores[1, 1]) == pytest.approx(exact, abs=0.01)
    firing = X[at_all, 1]
    bits = mutual_info_score(np.digitize(firing, np.quantile(firing, np.linspace(0, 1, 12)[1:-1])), y[at_all]) / np.log(
        2
    )
    there = 2000 / 60_000
    assert found["mutual-information"].score[1] == pytest.approx(there * bits, rel=0.2)


def test_many_labels_cost_no_more_memory_and_give_the_same(monkeypatch):
    generator = np.random.default_rng(1)
    y = generator.integers(0, 300, 2000)
    X = (generator.standard_normal((2000, 3)) + y[:, None] / 100).astype(np.float16)
    whole = rank_all(split=LabelledSplit(X, y))
    monkeypatch.setattr(statistics, "_BLOCK_WORDS", 64)
    monkeypatch.setattr(statistics, "_BLOCK_BYTES", 1)
    for name, ranking in rank_all(split=LabelledSplit(X, y)).items():
        np.testing.assert_allclose(ranking.score, whole[name].score, rtol=1e-6, err_msg=name)


def test_reversed_rankings_share_the_pass(monkeypatch):
    split, passes = make(3), []
    taken = measure.label_statistics
    monkeypatch.setattr(measure, "label_statistics", lambda *a, **k: passes.append(1) or taken(*a, **k))
    found = rank_all(["reversed-auroc", "reversed-random", "auroc", "reversed-iou"], split=split)
    assert len(passes) == 1
    assert list(found) == ["reversed-auroc", "reversed-random", "auroc", "reversed-iou"]
    for name, ranking in found.items():
        assert ranking.method == name
        assert ranking.order.tolist() == rank(name, split=split).order.tolist()
    with pytest.raises(NeurosieveError, match="no ranking 'reversed-none'"):
        rank_all(["reversed-none"], split=split)
