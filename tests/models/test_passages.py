"""Which positions make which row."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.models.passages import SubwordSentence, needed_subwords, plan_reading

WORDS = np.array([-1, 0, 0, 2, 2, 2, -1, 3])


@pytest.mark.parametrize(
    ("pooling", "needed", "shares"),
    [
        ("last", [2, 5, 7], [1, 1, 1]),
        ("first", [1, 3, 7], [1, 1, 1]),
        ("mean", [1, 2, 3, 4, 5, 7], [1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3, 1]),
    ],
)
def test_needed_subwords(pooling, needed, shares):
    positions, weights = needed_subwords(WORDS, pooling)
    assert positions.tolist() == needed
    np.testing.assert_array_equal(weights, np.array(shares, dtype=np.float32))


@pytest.mark.parametrize("pooling", ["last", "first", "mean"])
def test_a_sentence_without_sub_words_needs_none(pooling):
    positions, weights = needed_subwords(np.array([], dtype=np.int64), pooling)
    assert positions.tolist() == weights.tolist() == []


def test_rows_follow_kept_words_of_all_sentences():
    sentences = [
        SubwordSentence(np.arange(10, 18), WORDS, 4, 0),
        SubwordSentence(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 1, 0),
        SubwordSentence(np.array([5]), np.array([0]), 1, 0),
    ]
    reading = plan_reading(sentences, pooling="last", capacity=4, causal=False)
    assert [kept.tolist() for kept in reading.kept] == [[True, False, True, True], [False], [True]]
    assert reading.n_windows == [3, 1, 1]
    pairs = sorted((row, p.ids[k]) for p in reading.passages for k, row in zip(p.positions, p.rows, strict=True))
    assert pairs == [(0, 12), (1, 15), (2, 17), (3, 5)]
