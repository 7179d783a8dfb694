"""Which neurons tell two labels apart: against the formula, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.analysis.label_pairs import LARGEST, label_pairs
from neurosieve.errors import NeurosieveError
from neurosieve.study import label_scores
from neurosieve.study.label_scores import telling_neurons


@pytest.fixture(scope="module")
def split() -> LabelledSplit:
    """Neuron 3 is higher on a than on b, neuron 5 lower on c; neuron 6 is the label a, neuron 7 never changes."""
    rng = np.random.default_rng(0)
    y = rng.choice(np.array(["a", "b", "c"], dtype=object), size=600)
    y[::50] = None
    X = rng.standard_normal((600, 8)).astype(np.float32) + 100
    X[:, 3] += 2 * (y == "a") - 2 * (y == "b")
    X[:, 5] -= 3 * (y == "c")
    X[:, 6], X[:, 7] = (y == "a"), 1
    return LabelledSplit(X, y)


def test_differences_are_cohens(split: LabelledSplit) -> None:
    found = label_pairs(split, [("b", "c")], n_neurons=8)
    X, y = np.asarray(split.activations).astype(np.float64), split.y
    b, c = X[y == "b"], X[y == "c"]
    within = np.sqrt(
        ((len(b) - 1) * b.var(axis=0, ddof=1) + (len(c) - 1) * c.var(axis=0, ddof=1)) / (len(b) + len(c) - 2)
    )
    expected = np.divide(b.mean(axis=0) - c.mean(axis=0), within, out=np.zeros(8), where=within > 0)
    assert found["index"].tolist()[:2] == [5, 3]
    assert found["place"].tolist() == list(range(8))
    np.testing.assert_allclose(found["d"], expected[found["index"]], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["mean_first"], b.mean(axis=0)[found["index"]], rtol=1e-6)
    np.testing.assert_allclose(found["mean_second"], c.mean(axis=0)[found["index"]], rtol=1e-6)


def test_a_pair_turned_round_has_the_other_sign(split: LabelledSplit) -> None:
    there, back = label_pairs(split, [("a", "b")]), label_pairs(split, [("b", "a")])
    assert there["index"].tolist() == back["index"].tolist()
    np.testing.assert_allclose(there["d"], -back["d"])
    assert there["d"].iloc[0] == LARGEST  # neuron 6 varies within neither
    assert there["index"].iloc[1] == 3


def test_rare_labels_are_left_out_of_all_pairs(split: LabelledSplit) -> None:
    y = split.y.copy()
    y[1:4] = "rare"
    found = label_pairs(LabelledSplit(split.activations, y), fewest=10)
    assert set(zip(found["first"], found["second"], strict=True)) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_unknown_labels_are_named(split: LabelledSplit) -> None:
    with pytest.raises(NeurosieveError, match=r"no word has the label 'x'; the labels are a, b, c"):
        label_pairs(split, [("a", "x")])


def test_of_many_pairs_the_most_confused_are_taken(split: LabelledSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    from neurosieve.activations.splits import Splits

    splits = Splits(train=split, dev=split, test=split)
    confused = pd.DataFrame({"gold": ["a", "c", "b", "a"], "predicted": ["b", "a", "b", "c"], "n": [9, 6, 99, 6]})
    assert len(telling_neurons(splits, confused)) == 3 * 5
    monkeypatch.setattr(label_scores, "MOST_PAIRS", 1)
    found = telling_neurons(splits, confused)
    assert set(zip(found["first"], found["second"], strict=True)) == {("a", "c")}  # 6 and 6 against 9
