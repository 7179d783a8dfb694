"""A batch is whole arrays, and the same sentence by sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosieve.errors import ModelError
from neurosieve.models.load import load_model
from neurosieve.models.vectors import VectorBatch, WordVectors


def sentence(*kept, first=0.0, **counts):
    """Two layers; row i of the first is (first + i, -i), the second has three columns."""
    n = sum(kept)
    layer = np.stack([first + np.arange(n), -np.arange(n)], axis=1).astype(np.float32)
    return WordVectors((layer, np.full((n, 3), first, np.float32)), np.array(kept, dtype=bool), **counts)


@pytest.fixture
def sentences():
    return [
        sentence(1, 0, 1, first=10.0, n_windows=2, n_subwords=4),
        sentence(0, n_unknown=1),
        sentence(1, 1, 1, first=20.0, n_subwords=3),
    ]


def same(found, wanted):
    assert len(found.layers) == len(wanted.layers)
    for a, b in zip(found.layers, wanted.layers, strict=True):
        np.testing.assert_array_equal(a, b)
    assert found.kept.tolist() == wanted.kept.tolist()
    assert (found.n_windows, found.n_subwords, found.n_unknown) == (
        wanted.n_windows,
        wanted.n_subwords,
        wanted.n_unknown,
    )


def test_sentences_joined_and_cut_again(sentences):
    batch = VectorBatch.of(sentences)
    assert [layer.shape for layer in batch.layers] == [(5, 2), (5, 3)]
    assert (batch.offsets.tolist(), batch.rows.tolist()) == ([0, 3, 4, 7], [0, 2, 2, 5])
    assert len(batch) == 3
    for found, wanted in zip(batch, sentences, strict=True):
        same(found, wanted)
        assert all(layer.base is not None for layer in found.layers)  # no copy
    same(batch[-1], sentences[-1])
    same(batch[::-1][0], sentences[-1])
    with pytest.raises(IndexError):
        batch[3]


@pytest.mark.parametrize(
    ("how", "rows"), [("mean", [[10.5, -0.5], [21, -1]]), ("first", [[10, 0], [20, 0]]), ("last", [[11, -1], [22, -2]])]
)
def test_reduced_to_one_row_a_sentence(sentences, how, rows):
    reduced = VectorBatch.of(sentences).reduced(how)
    assert reduced.layers[0].tolist() == rows
    assert reduced.kept.tolist() == [True, False, True]
    assert [len(s.layers[0]) for s in reduced] == [1, 0, 1]
    assert reduced.n_windows.tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kept": np.ones(7, bool)}, "layer 0 has 5 rows, but 7 words are kept"),
        ({"offsets": np.array([0, 3, 4, 6])}, "offsets must rise from 0 to the number of words, 7; got"),
        ({"offsets": np.array([0, 4, 3, 7])}, "offsets must rise"),
        ({"n_unknown": np.zeros(2, np.int64)}, "n_unknown has 2 entries, but there are 3 sentences"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sentences, change, message):
    with pytest.raises(ModelError, match=message):
        replace(VectorBatch.of(sentences), **change)


def test_no_sentences(tiny_model):
    batch = load_model(tiny_model("bert")).embed([])
    assert (len(batch), list(batch)) == (0, [])
    assert [layer.shape for layer in batch.layers] == [(0, 32)] * 4
