"""Counts of labels, and how real values are spread."""

from __future__ import annotations

import numpy as np

from neurosieve.activations.splits import Splits
from neurosieve.study.counts import MOST_BINS, label_counts, labelled_counts, value_histogram, value_summary


def splits_of(train, dev, test) -> Splits:
    parts = [np.array(part, dtype=object) for part in (train, dev, test)]
    return Splits.from_arrays([np.zeros((len(part), 1), dtype=np.float32) for part in parts], parts)


def test_labels_are_counted() -> None:
    splits = splits_of(["a", "b", "a", None], ["a"], ["c", None])
    assert label_counts(splits).values.tolist() == [["a", 2, 1, 0], ["b", 1, 0, 0], ["c", 0, 0, 1]]
    assert labelled_counts(splits) == {"train": 3, "dev": 1, "test": 1}
    assert value_summary(splits).empty
    assert value_histogram(splits).empty


def test_values_are_summed_up() -> None:
    splits = splits_of([1.0, 2.0, 6.0, None], [2.0], [3.0, 5.0])
    assert label_counts(splits).empty
    summary = value_summary(splits).set_index("split")
    assert summary.loc["train", ["n", "mean", "min", "median", "max"]].tolist() == [3, 3.0, 1.0, 2.0, 6.0]
    assert summary.loc["test", "sd"] == 1.0


def test_values_on_few_steps_have_a_bin_each() -> None:
    table = value_histogram(splits_of([1.0, 2.0, 6.0, 2.0], [2.0], [3.0]))
    assert table["low"].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert table["high"].tolist() == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    assert table["train"].tolist() == [1, 2, 0, 0, 0, 1]
    assert table["test"].tolist() == [0, 0, 1, 0, 0, 0]


def test_many_values_have_bins_of_one_width() -> None:
    drawn = np.random.default_rng(0).standard_normal(500).tolist()
    table = value_histogram(splits_of(drawn[:300], drawn[300:400], drawn[400:]))
    assert len(table) == MOST_BINS
    assert [table[name].sum() for name in ("train", "dev", "test")] == [300, 100, 100]
    np.testing.assert_allclose(np.diff(table["low"]), table["high"].iloc[0] - table["low"].iloc[0])


def test_values_beside_the_steps_are_counted_too() -> None:
    table = value_histogram(splits_of([0.0, 1.0, 2.4], [3.7], [2.0]))
    assert table[["train", "dev", "test"]].to_numpy().sum() == 5
