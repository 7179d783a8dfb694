"""The list holds its rate on labels that say nothing, finds planted neurons, and leaves out those that know words only."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.discovery import (
    discover_neurons,
    excess_and_q_values,
    fewest_permutations,
    permuted_labels,
)

SETTINGS = {"l1": 1e-3, "l2": 1e-4, "epochs": 5, "batch_size": 64, "learning_rate": 1e-2}
TYPED, PLANTED = set(range(5)), set(range(10, 15))


def _splits(seed: int, *, signal: float, n_words: int = 300, n_neurons: int = 30) -> Splits:
    """Ambiguous word types with biased labels; neurons 0-4 know the type and its bias, 10-14 the label if `signal`."""
    rng = np.random.default_rng((seed, 11))
    types = rng.integers(20, size=n_words)
    bias = rng.uniform(0.1, 0.9, size=20)
    labels = (rng.random(n_words) < bias[types]).astype(int)
    X = 0.8 * rng.standard_normal((n_words, n_neurons)) + 0.6 * rng.standard_normal((n_words, 1))
    X[:, :5] += 3 * bias[types][:, None] + rng.standard_normal((20, 5))[types]
    X[:, 10:15] += signal * labels[:, None] * np.array([1, -1, 1, -1, 1])
    y = np.array(["no", "yes"])[labels]
    words = np.array([f"w{t}" for t in types])
    sentences = np.arange(n_words) // 6
    return Splits.from_arrays(
        [X.astype(np.float32)] * 3, [y] * 3, words=[words] * 3, sentences=[sentences] * 3, prop="casing"
    )


def _lists(splits: Splits, n: int, **options) -> list[set[int]]:
    return [
        set(discover_neurons(splits, random_state=seed, solver="adam", **{**SETTINGS, **options}).neurons.tolist())
        for seed in range(n)
    ]


@pytest.mark.parametrize("statistic", ["share", "weight"])
@pytest.mark.parametrize("control", ["fdr", "fwer"])
def test_the_rate_holds_on_labels_that_say_nothing_beyond_their_word(statistic: str, control: str) -> None:
    repetitions = 200
    lists = [
        _lists(_splits(seed, signal=0.0), 1, control=control, statistic=statistic, n_permutations=10)[0]
        for seed in range(repetitions)
    ]
    false = sum(bool(found) for found in lists)  # every entry is false, so the rate is that of any
    # At a rate of exactly 10 % more than 34 of 200 come once in 1000 times.
    assert false <= 34


@pytest.mark.parametrize("null", ["sentences", "words"])
def test_the_rate_holds_on_shuffled_labels(null: str) -> None:
    lists = []
    for seed in range(60):
        splits = _splits(seed, signal=1.0)
        y = np.random.default_rng(seed).permutation(splits.train.y)
        lists += _lists(splits.with_labels(y, y, y), 1, null=null, n_permutations=10)
    assert sum(bool(found) for found in lists) <= 13  # more than 13 of 60 come once in 1000 times


def test_planted_neurons_are_found_and_the_rate_holds_among_the_others() -> None:
    lists = [_lists(_splits(seed, signal=1.2, n_words=1500), 1, n_permutations=10)[0] for seed in range(12)]
    assert np.mean([len(found & PLANTED) for found in lists]) > 4.5
    # The mean share of false entries of twelve lists of five or six is known to about 3 points.
    assert np.mean([len(found - PLANTED) / max(1, len(found)) for found in lists]) < 0.1 + 0.06


def test_neurons_that_know_words_only_are_found_by_the_other_nulls_alone() -> None:
    splits = _splits(0, signal=0.0, n_words=3000)
    assert not _lists(splits, 1)[0] & TYPED
    for null in ("words", "sentences"):
        assert _lists(splits, 1, null=null)[0] & TYPED


def test_the_result_says_what_was_done() -> None:
    found = discover_neurons(_splits(0, signal=1.5, n_words=1000), n_permutations=9, solver="adam", **SETTINGS)
    frame = found.to_frame()
    assert list(frame.columns) == ["weight", "excess", "q_value", "discovered"]
    assert set(np.flatnonzero(frame["discovered"])) == set(found.neurons.tolist())
    assert (np.diff(found.excess[found.neurons]) <= 0).all()
    assert found.q_value.min() == pytest.approx(1 / 10)  # the least that nine permutations can show
    assert 0.2 < found.changed < 0.5  # of two labels, permuted within types of all biases
    again = discover_neurons(_splits(0, signal=1.5, n_words=1000), n_permutations=9, solver="adam", **SETTINGS)
    assert (again.q_value == found.q_value).all()


def test_real_values_can_be_listed() -> None:
    splits = _splits(0, signal=0.0, n_words=600)
    values = [splits.train.activations[:, 20].astype(float)] * 3
    found = discover_neurons(splits.with_labels(*values), solver="adam", **SETTINGS)
    assert 20 in found.neurons.tolist()


def test_permutations_keep_what_they_should() -> None:
    rng = np.random.default_rng(0)
    y = np.array(["a", "b", "b", None, "a", "c", "b", "a", "c", "a"], dtype=object)
    words = np.array(["x", "x", "x", "x", "z", "z", "z", "one", "one", "two"])
    sentences = np.array([7, 7, 7, 7, 3, 3, 3, 5, 5, 5])
    split = LabelledSplit(np.zeros((10, 2)), y, words, sentences)
    for null in ("type", "words", "sentences"):
        drawn = [permuted_labels(split, null=null, generator=rng) for _ in range(20)]
        assert all(row[3] is None for row in drawn)
        assert all(sorted(row[row != None]) == sorted(y[y != None]) for row in drawn)  # noqa: E711 (element by element)
        assert any((row != y).any() for row in drawn)
        if null == "type":
            for word in set(words):
                at = (words == word) & (y != None)  # noqa: E711
                assert all(sorted(row[at]) == sorted(y[at]) for row in drawn)
    blocks = [["a", "b", "b"], ["a", "c", "b"], ["a", "c", "a"]]
    for _ in range(20):
        row = permuted_labels(split, null="sentences", generator=rng)
        kept = row[row != None].tolist()  # noqa: E711
        assert sorted([kept[:3], kept[3:6], kept[6:]]) == sorted(blocks)


def test_q_values_by_hand() -> None:
    permuted = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 0.0], [2.0, 3.0, 0.0, 1.0], [3.0, 0.0, 1.0, 2.0]])
    observed = np.array([50.0, 1.5, 1.5, 1.5])
    excess, q = excess_and_q_values(observed, permuted)
    spread = permuted.std(axis=0, ddof=1)  # the same for all, so moderating doubles it
    np.testing.assert_allclose(excess, [48.5 / (2 * spread[0]), 0, 0, 0])
    # p of the first is 1 / 17, times 4 neurons; the largest of four permutations is beaten once in five times.
    assert q[0] == pytest.approx(max(4 / 17, 1 / 5))
    assert (q[1:] > 0.4).all()
    assert excess_and_q_values(observed, permuted, control="fwer")[1].tolist() == [0.2, 1.0, 1.0, 1.0]


def test_neurons_that_never_get_weight_by_chance() -> None:
    excess, q = excess_and_q_values(np.array([0.0, 2.0]), np.zeros((19, 2)))
    assert excess.tolist() == [0.0, np.inf]
    assert q[0] == 1.0
    assert q[1] == pytest.approx(2 / 39)


@pytest.mark.parametrize(("rate", "least"), [(0.1, 9), (0.05, 19), (0.5, 3), (0.3, 3)])
def test_fewest_permutations(rate: float, least: int) -> None:
    assert fewest_permutations(rate) == least


def test_refused() -> None:
    splits = _splits(0, signal=0.0)
    for wrong, message in (
        ({"rate": 0.0}, "rate is 0.0"),
        ({"null": "word"}, "null is 'word'; expected one of type, sentences, words"),
        ({"control": "none"}, "control is 'none'"),
        ({"statistic": "mass"}, "statistic is 'mass'"),
        ({"rate": 0.05, "n_permutations": 18}, "18 permutations cannot show a rate of 0.05; use at least 19"),
    ):
        with pytest.raises(NeurosieveError, match=message):
            discover_neurons(splits, solver="adam", **{**SETTINGS, **wrong})
    X, y = splits.train.activations, splits.train.y
    bare = Splits.from_arrays([X] * 3, [y] * 3)
    with pytest.raises(NeurosieveError, match="the splits have no words"):
        discover_neurons(bare, solver="adam", **SETTINGS)
    with pytest.raises(NeurosieveError, match="does not know its sentences"):
        discover_neurons(bare, null="sentences", solver="adam", **SETTINGS)
    settled = Splits.from_arrays([X] * 3, [y] * 3, words=[y] * 3, prop="casing")
    with pytest.raises(
        NeurosieveError, match="no permutation changes a label of 'casing', because each word type has one"
    ):
        discover_neurons(settled, solver="adam", **SETTINGS)
