"""What a probe has to beat, against definitions and scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from neurosieve.activations.source import ArraySource
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments import gaussian_probe
from neurosieve.experiments.baselines import RotatedSource, lookup, permuted, rotated
from neurosieve.experiments.cross_table import cross_table
from neurosieve.experiments.gaussian_probe import gaussian_codes
from neurosieve.intervals import of_clusters
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.memory import memory_limit
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.rank_all import rank_all


def make(*, n_words: int = 240, n_neurons: int = 6) -> Splits:
    generator = np.random.default_rng(0)
    X, y, words, sentences = [], [], [], []
    for _ in range(3):
        labels = generator.choice(np.array(["a", "b", "c"], dtype=object), n_words)
        X.append(generator.standard_normal((n_words, n_neurons)) + 1.5 * (labels[:, None] == ["a", "b", "c"] * 2))
        y.append(labels)
        words.append(generator.choice(np.array(["u", "v", "w"], dtype=object), n_words))
        sentences.append(np.arange(n_words) // 6)
    return Splits.from_arrays(X, y, words=words, sentences=sentences)


def test_a_table_of_words():
    y = [np.array([*labels], dtype=object) for labels in ("aabbbc", "abc", "bcba")]
    y[2][3] = None
    words = [[*"uuvuvw"], [*"uvw"], [*"uxvw"]]
    splits = Splits.from_arrays([np.zeros((len(labels), 1)) for labels in y], y, words=words)
    # u: a twice, b once; v: b; w: c; an unseen type: b
    assert lookup(splits)["dev"] == (1.0, 0.0)
    score, unseen = lookup(splits)["test"]
    assert (score, unseen) == pytest.approx((1 / 3, 1 / 3))
    values = splits.with_labels([1.0, 3.0, 5.0, 2.0, 7.0, 0.0], [2.0, 6.0, 0.0], [2.0, np.nan, 8.0, 0.0])
    assert lookup(values)["dev"] == (1.0, 0.0)
    gold, guess = np.array([2.0, 8.0, 0.0]), np.array([2.0, 6.0, 0.0])
    assert lookup(values)["test"][0] == pytest.approx(
        1 - ((gold - guess) ** 2).sum() / ((gold - gold.mean()) ** 2).sum()
    )
    with pytest.raises(NeurosieveError, match="pass words="):
        lookup(Splits.from_arrays([np.zeros((len(labels), 1)) for labels in y], y))


def test_permuted_labels_are_the_same_ones():
    splits = make()
    splits.train.y[:7] = None
    other = permuted(splits, random_state=1)
    assert sorted(other.train.y[7:].tolist()) == sorted(splits.train.y[7:].tolist())
    assert other.train.y[:7].tolist() == [None] * 7
    assert (other.train.y != splits.train.y).any()
    assert splits.test.y.tolist() == make().test.y.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_a_rotation_keeps_lengths_within_groups_and_reads_columns(dtype):
    X = np.random.default_rng(0).standard_normal((50, 7)).astype(dtype)
    groups = np.array([0, 1, 0, 1, 1, 0, 1])
    turned = RotatedSource(ArraySource(X), groups, random_state=3)
    whole = turned.read(10, 40)
    for group in (0, 1):
        own = np.linalg.norm(X[10:40, groups == group].astype(float), axis=1)
        np.testing.assert_allclose(np.linalg.norm(whole[:, groups == group], axis=1), own, rtol=1e-5)
    np.testing.assert_allclose(turned.read(10, 40, np.array([1, 2, 6])), whole[:, [1, 2, 6]], rtol=1e-5, atol=1e-6)
    assert not np.allclose(whole, X[10:40])


def test_few_directions_of_many_words_are_read_in_pieces(monkeypatch):
    asked = []

    class Watched(ArraySource):
        def read(self, start, stop, columns=None):
            asked.append(stop - start)
            return super().read(start, stop, columns)

    X = np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32)
    turned = RotatedSource(Watched(X), np.zeros(4))
    whole = turned.read(1, 10, np.array([3, 0]))
    monkeypatch.setattr("neurosieve.experiments.baselines._TURNED_ROWS", 4)
    np.testing.assert_allclose(turned.read(1, 12, np.array([3, 0])), whole, rtol=1e-6)
    assert asked == [9, 4, 4, 1]


def test_a_linear_probe_on_all_directions_does_as_well_as_on_all_neurons():
    splits = make()
    turned = rotated(splits, np.zeros(6))
    scores = [
        score_probes(
            s.test.activations, fit_probes(s.train.activations, [ProbeSpec(s.train.y, l2=1e-3)], "exact"), s.test.y
        )[0]
        for s in (splits, turned)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert scores[0] > 0.6


def test_the_gaussian_probe_is_quadratic_discriminant_analysis(monkeypatch):
    splits = make(n_words=900)
    monkeypatch.setattr(gaussian_probe, "PRIOR_WORDS", 0.0)
    monkeypatch.setattr(gaussian_probe, "_BLOCK", 100)
    found = gaussian_codes(splits.train, splits.test.activations, [[4, 0, 5]])[0]
    X, Z = (np.asarray(part.activations)[:, [4, 0, 5]] for part in (splits.train, splits.test))
    expected = QuadraticDiscriminantAnalysis().fit(X, splits.train.y.astype(str)).predict(Z)
    assert np.mean(np.array(["a", "b", "c"])[found] == expected) > 0.995  # scikit-learn divides by n - 1
    with pytest.raises(NeurosieveError, match="0 neurons"):
        gaussian_codes(splits.train, splits.test.activations, [[1], []])


def test_a_label_of_one_word_does_not_break_the_gaussian_probe():
    splits = make()
    splits.train.y[0] = "rare"
    X = splits.train.activations
    X[:, 2] = 1.0
    assert len(gaussian_codes(splits.train, splits.test.activations, [np.arange(6)])[0]) == 240


def test_the_cross_table():
    splits = make()
    found = rank_all(["probeless", "auroc", "random"], split=splits)
    table = cross_table(splits, found, sizes=(2, 6, 90), l2=1e-3)
    assert len(table) == 3 * 3 * 2
    of_all = table[table["k"] == 6].groupby("probe")["score"]
    assert of_all.nunique().tolist() == [1, 1, 1]  # all neurons are the same set, whatever the ranking
    row = table[(table["ranking"] == "auroc") & (table["probe"] == "exact") & (table["k"] == 2)].iloc[0]
    spec = ProbeSpec(splits.train.y, l2=1e-3, neurons=found["auroc"].top(2))
    probes = fit_probes(splits.train.activations, [spec], "exact")
    assert row["score"] == pytest.approx(score_probes(splits.test.activations, probes, splits.test.y)[0])
    assert row["low"] < row["score"] < row["high"]
    with pytest.raises(NeurosieveError, match="real values"):
        cross_table(splits.with_labels(*[np.arange(240.0)] * 3), found)


class Counted(ArraySource):
    """Counts how many words are read."""

    words = 0

    def read(self, start, stop, columns=None):
        self.words += stop - start
        return super().read(start, stop, columns)


def test_gaussian_probes_of_many_sets_read_train_and_test_once():
    splits = make()
    train, test = (Counted(np.asarray(part.activations)) for part in (splits.train, splits.test))
    counted = replace(
        splits, train=replace(splits.train, activations=train), test=replace(splits.test, activations=test)
    )
    found = rank_all(["probeless", "auroc", "random"], split=splits)
    table = cross_table(counted, found, sizes=(1, 2, 3), probes=["gaussian"])
    assert (train.words, test.words) == (240, 240)
    alone = gaussian_codes(splits.train, splits.test.activations, [found["auroc"].top(2)])[0]
    row = table[(table["ranking"] == "auroc") & (table["k"] == 2)].iloc[0]
    assert row["score"] == np.mean(np.array(["a", "b", "c"])[alone] == splits.test.y)
    with memory_limit(1):
        few = gaussian_codes(splits.train, splits.test.activations, [[0], [1, 2], [0]])
    assert [len(codes) for codes in few] == [240] * 3


def test_splits_without_a_labelled_word_are_refused():
    splits = make()
    none = np.full(240, None, dtype=object)
    for dev, test in ((none, splits.test.y), (splits.dev.y, none)):
        with pytest.raises(NeurosieveError, match="none of the 240 words has a label"):
            lookup(splits.with_labels(splits.train.y, dev, test))


def test_labels_that_are_numbers_are_sorted_as_numbers():
    y = [np.array(labels) for labels in ([10, 9, 9, 10], [9], [9])]
    splits = Splits.from_arrays([np.zeros((len(labels), 1)) for labels in y], y, words=[list("uuuu"), ["u"], ["v"]])
    assert lookup(splits)["dev"] == (1.0, 0.0)  # 9 and 10 are as frequent, and 9 comes first


def test_rotations_are_drawn_once_for_all_splits(monkeypatch):
    drawn = []
    qr = np.linalg.qr
    monkeypatch.setattr(np.linalg, "qr", lambda matrix: drawn.append(len(matrix)) or qr(matrix))
    turned = rotated(make(), np.array([0, 0, 0, 1, 1, 1]))
    assert drawn == [3, 3]
    np.testing.assert_allclose(turned.train.activations.parts[0][1], turned.test.activations.parts[0][1])


def test_the_interval_counts_sentences():
    right = np.repeat([True, False], 50)
    score, low, high = of_clusters(right, np.arange(100))
    z = 1.959963984540054

    def half(n: float) -> float:
        """Half the width of Wilson's interval of 0.5."""
        return z * np.sqrt(0.25 / n + z**2 / (4 * n**2)) / (1 + z**2 / n)

    # As many words as there are less one, since the variance between them is estimated from themselves.
    assert (score, low, high) == pytest.approx((0.5, 0.5 - half(99), 0.5 + half(99)))
    # Ten sentences, each right or wrong as a whole, are worth nine words.
    assert of_clusters(right, np.arange(100) // 10) == pytest.approx((0.5, 0.5 - half(9), 0.5 + half(9)))
    score, low, high = of_clusters(np.ones(100, dtype=bool), np.arange(100) // 10)  # all right, in ten sentences
    assert (score, high) == pytest.approx((1.0, 1.0))
    assert low == pytest.approx(10 / (10 + z**2))
