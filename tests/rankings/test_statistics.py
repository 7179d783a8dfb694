"""The shared pass gives sums, squares, ends and histograms as taken literally, whatever the type, the labels and the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.rankings import block, statistics
from neurosieve.rankings.registry import rank
from neurosieve.rankings.statistics import N_BINS, LabelStatistics, bin_numbers, label_statistics


def make(dtype: type, *, n_labels: int, n_words: int = 700, n_neurons: int = 9) -> LabelledSplit:
    generator = np.random.default_rng(n_labels)
    y = generator.integers(0, n_labels, n_words).astype(object)
    y[generator.random(n_words) < 0.2] = None
    X = generator.standard_normal((n_words, n_neurons)) * generator.uniform(0.01, 20, n_neurons) + 3
    X[:, 2] = 4.0
    return LabelledSplit(X.astype(dtype), y)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_labels", [2, 5, 90])
def test_they_are_what_they_say(dtype, n_labels, monkeypatch):
    monkeypatch.setattr(block, "TILE_WORDS", 48)
    monkeypatch.setattr(block, "_ROWS", 50)
    monkeypatch.setattr(statistics, "_COLUMNS", 4)
    split = make(dtype, n_labels=n_labels)
    whole = next(label_statistics(split, name="x", bins=True))
    monkeypatch.setattr(statistics, "_BLOCK_BYTES", 1)
    parts = next(label_statistics(split, name="x", bins=True))
    X, y = np.asarray(split.activations), split.y
    known = np.array([label is not None for label in y])
    narrow = X.dtype.type if dtype == np.float64 else np.float32
    for s in (whole, parts):
        z = (X.astype(narrow) - s.center.astype(narrow)).astype(np.float32) * (1 / s.scale).astype(np.float32)
        exact = (X.astype(np.float64) - s.center) / s.scale
        np.testing.assert_array_equal(s.low, z[known].min(axis=0))
        np.testing.assert_array_equal(s.high, z[known].max(axis=0))
        assert s.constant.tolist() == [j == 2 for j in range(9)]
        for i, label in enumerate(s.labels):
            own = known & (y == label)
            np.testing.assert_allclose(s.sums[i], exact[own].sum(axis=0), rtol=1e-6, atol=1e-5)
            np.testing.assert_allclose(s.squares[i], (exact[own] ** 2).sum(axis=0), rtol=1e-6, atol=1e-5)
            for j in range(9):
                counts = np.bincount(bin_numbers(z[own, j]), minlength=N_BINS)
                assert s.binned()[j, i].tolist() == counts.tolist()
        np.testing.assert_array_equal(s.up_to, np.cumsum(s.binned(), axis=2))
        np.testing.assert_array_equal(s.in_bin, s.binned().sum(axis=1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["probeless", "mean-select", "f-statistic", "iou"])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_found_at_labelled_words_alone(dtype, name, bad):
    split = make(dtype, n_labels=3)
    X, y = np.array(split.activations), split.y
    at = next(i for i, label in enumerate(y) if label is None)
    X[at, 7] = bad
    there = rank(name, split=split)
    np.testing.assert_array_equal(rank(name, split=LabelledSplit(X, y)).label_scores, there.label_scores)
    X[next(i for i, label in enumerate(y) if label is not None), 7] = bad
    with pytest.raises(NeurosieveError, match=r"neuron 7 has activations that are not finite \(1 neurons do\)"):
        rank(name, split=LabelledSplit(X, y))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_neurons_that_never_change_are_told_without_their_ends(dtype):
    split = make(dtype, n_labels=4)
    X = np.array(split.activations)
    X[:, 0] = 0.1  # which sums to what is not quite a multiple of it
    X[:, 1] = 0.0
    known = np.array([label is not None for label in split.y])
    X[~known, 0] = 7.0
    X[:, 3] = np.where(np.arange(len(X)) % 2, 1.0, -1.0)
    for i in range(4):  # its means are equal, and it changes
        own = np.flatnonzero(split.y == i)
        X[own, 3] = np.where(np.arange(len(own)) % 2, 1.0, -1.0)
        X[own[-1], 3] *= len(own) % 2 == 0
    s = next(label_statistics(LabelledSplit(X, split.y), name="x", squares=False, ends=False))
    assert s.constant.tolist() == [j < 3 for j in range(9)]
    assert not s.means[:, 3].any()


def test_what_was_not_taken_is_refused():
    s: LabelStatistics = next(label_statistics(make(np.float32, n_labels=2), name="x", squares=False, ends=False))
    for what, of in (("ends", lambda: s.low), ("squares", lambda: s.own_squares), ("bins", s.binned)):
        with pytest.raises(NeurosieveError, match=rf"the pass took no .*; declare the measure with {what}=True"):
            of()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_neuron_that_hardly_varies_is_no_reason_for_a_warning(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 3)).astype(dtype)
    X[:, 1] *= 1e-41 if dtype == np.float32 else 1e-60
    y = np.where(rng.random(500) < 0.5, "a", "b")
    split = LabelledSplit(X, y)
    assert all(rank(name, split=split).n_neurons == 3 for name in ("auroc", "iou", "mutual-information", "f-statistic"))
