"""Batches keep to the budget, and hold every sequence once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neurosieve.models.batching import length_sorted_batches


def test_longest_first():
    assert length_sorted_batches([1, 5, 3, 5], 10) == [[1, 3], [2, 0]]


def test_padding_is_weighed_against_batches():
    assert length_sorted_batches([400] + [10] * 9, 10_000) == [[0], list(range(1, 10))]  # 3,510 tokens of padding saved
    assert length_sorted_batches([12] + [10] * 9, 10_000) == [list(range(10))]  # 18 tokens are not worth a batch
    assert length_sorted_batches([], 10) == []


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 200))
def test_every_sequence_once_within_the_budget(lengths, budget):
    batches = length_sorted_batches(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= max(budget, len(batch))
    ordered = [lengths[i] for batch in batches for i in batch]
    assert ordered == sorted(ordered, reverse=True)
