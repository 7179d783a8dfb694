"""Train, dev and test of one property, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.extract import extract
from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.splits import Splits
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.control import ControlTask
from neurosieve.models.language_model import LanguageModel, Layer, ModelInfo
from neurosieve.models.vectors import VectorBatch, WordVectors


class Constant(LanguageModel):
    """Every word has the vector (1, 1)."""

    info = ModelInfo("constant", "fake", "Constant", "", "digest")
    layers = (Layer("L0", 2, 0),)

    def embed(self, sentences):
        each = [WordVectors((np.ones((len(w), 2), dtype=np.float32),), np.ones(len(w), dtype=bool)) for w in sentences]
        return VectorBatch.of(each)


def _store(folder, **labels):
    """One sentence a split, with the given labels of the property p; words are numbered."""
    sentences = [
        Sentence(tuple(f"w{i}" for i in range(len(values))), {"p": tuple(values)}, split)
        for split, values in labels.items()
    ]
    return extract(Corpus(sentences), Constant(), folder)


AB = ("a", "b", "a", "b")


def test_from_store(tmp_path):
    store = _store(tmp_path, train=AB, dev=("a", None, "c"), test=("b", "c", "d", None))
    splits = Splits.from_store(store, "p")
    assert splits.train.y.tolist() == list(AB)
    assert splits.dev.y.tolist() == ["a", None, "c"]
    assert splits.test.words.tolist() == ["w0", "w1", "w2", "w3"]
    assert splits.dev.activations.n_words == 3
    assert splits.unseen == {"dev": 1, "test": 2}
    assert (splits.n_neurons, splits.prop) == (2, "p")


@pytest.mark.parametrize(
    ("labels", "prop", "message"),
    [
        ({"train": AB, "dev": AB, "test": AB}, "q", "no property 'q'; the store has p"),
        ({"train": AB, "dev": AB}, "p", "no split 'test'; the store has train, dev"),
        ({"train": AB, "dev": (None,), "test": AB}, "p", "no word of the split 'dev' has a label of 'p'"),
        ({"train": ("a", "a"), "dev": AB, "test": AB}, "p", "only the label 'a' in train; a probe needs at least two"),
        (
            {"train": (*AB, "c"), "dev": AB, "test": AB},
            "p",
            r"1 of the 3 labels of 'p' occur only once in train \(20.0 %.*'c'\)",
        ),
    ],
)
def test_from_store_refuses(tmp_path, labels, prop, message):
    with pytest.raises(NeurosieveError, match=message) as error:
        Splits.from_store(_store(tmp_path, **labels), prop)
    assert "\n" not in str(error.value)


def test_rare_labels(tmp_path):
    store = _store(tmp_path, train=(*AB, "c"), dev=("c", "a"), test=("b", "c"))
    assert Splits.from_store(store, "p", rare_labels="keep").train.y.tolist() == [*AB, "c"]
    dropped = Splits.from_store(store, "p", rare_labels="drop")
    assert dropped.train.y.tolist() == [*AB, None]
    assert dropped.dev.y.tolist() == [None, "a"]
    assert dropped.test.y.tolist() == ["b", None]


@pytest.mark.parametrize("train", [("a", "a", "b"), ("a", "b", "c")])
def test_dropping_rare_labels_must_leave_two(tmp_path, train):
    store = _store(tmp_path, train=train, dev=AB, test=AB)
    with pytest.raises(NeurosieveError, match="a probe needs at least two labels"):
        Splits.from_store(store, "p", rare_labels="drop")


def test_a_few_rare_labels_are_no_obstacle(tmp_path):
    """0.5 % of the training words may have a label that occurs once."""
    store = _store(tmp_path, train=("a", "b") * 150 + ("c",), dev=AB, test=AB)
    assert len(Splits.from_store(store, "p").train.y) == 301


def test_from_arrays():
    X = [np.ones((n, 4), dtype=np.float32) for n in (3, 2, 1)]
    y = [["a", "b", "a"], ["a", "z"], ["b"]]
    splits = Splits.from_arrays(X, y)
    assert splits.unseen == {"dev": 1, "test": 0}
    assert splits.n_neurons == 4
    assert splits.train.words is None
    with pytest.raises(NeurosieveError, match="the splits have no words"):
        ControlTask(0).apply(splits)
    words = np.array([["u", "v"]] * 3)  # an array has no truth value
    two = Splits.from_arrays([x[[0, 0]] for x in X], [["a", "b"]] * 3, words=words)
    assert two.test.words.tolist() == ["u", "v"]


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_three_arrays_each(n):
    X, y = [np.ones((2, 2), dtype=np.float32)] * 3, [["a", "b"]] * 3
    for arguments in ((X[:1] * n, y), (X, y[:1] * n)):
        with pytest.raises(NeurosieveError, match="expected three arrays each: train, dev and test"):
            Splits.from_arrays(*arguments)
    with pytest.raises(NeurosieveError, match="expected three arrays each"):
        Splits.from_arrays(X, y, words=y[:1] * n)


def test_rows_labels_and_words_must_agree():
    with pytest.raises(
        NeurosieveError, match="3 rows of activations, 2 labels and 3 words; expected one label and one word"
    ):
        LabelledSplit(np.ones((3, 2), dtype=np.float32), np.array(["a", "b"]), np.array(["x", "y", "z"]))


def test_other_labels_for_the_same_words():
    X = [np.zeros((4, 2), dtype=np.float32)] * 3
    splits = Splits.from_arrays(X, [list("abab")] * 3)
    other = splits.with_labels(*(np.full(len(p.y), "x") for p in (splits.train, splits.dev, splits.test)))
    assert set(other.train.y) == {"x"}
    assert other.train.activations is splits.train.activations
    with pytest.raises(NeurosieveError, match="expected one label and one word for each row"):
        splits.with_labels(["x"], splits.dev.y, splits.test.y)
