"""What one pass over labelled activations says of each neuron: sums, squares and histograms by label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError

T = TypeVar("T")

_EXACT = 1 << 24
"""Whole numbers below this are exact in float32."""


@dataclass(frozen=True)
class LabelStatistics:
    """What one pass says of a range of neurons; words without label have no part in it.

    Attributes
    ----------
    labels : ndarray of shape (n_labels,)
    counts : ndarray of shape (n_labels,), float64
        Words of each label.
    center, scale : ndarray of shape (n_neurons,), float64
    sums : ndarray of shape (n_labels, n_neurons), float64
        Sums of ``z`` over the words of each label.
    constant : ndarray of shape (n_neurons,), bool
        Neurons that never change.
    ends : ndarray of shape (2, n_neurons), float64, or None
        Smallest and largest ``z``, if they were asked for.
    squared : ndarray of shape (n_labels, n_neurons), float64, or None
        Sums of the square of ``z``, if they were asked for.
    histogram : ndarray of shape (n_neurons, n_labels, N_BINS), int32, or None
        Words of each label in each bin, from the lowest ``z`` to the highest, if they were asked for.
    """

    labels: NDArray[np.generic]
    counts: NDArray[np.float64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    sums: NDArray[np.float64]
    constant: NDArray[np.bool_]
    ends: NDArray[np.float64] | None = None
    squared: NDArray[np.float64] | None = None
    histogram: NDArray[np.int32] | None = None

    def part(self, columns: slice) -> LabelStatistics:
        """The statistics of some of the neurons."""
        return replace(
            self,
            center=self.center[columns],
            scale=self.scale[columns],
            sums=self.sums[:, columns],
            constant=self.constant[columns],
            ends=None if self.ends is None else self.ends[:, columns],
            squared=None if self.squared is None else self.squared[:, columns],
            histogram=None if self.histogram is None else self.histogram[columns],
        )

    @property
    def n_words(self) -> float:
        """Labelled words."""
        return float(self.counts.sum())

    @property
    def low(self) -> NDArray[np.float64]:
        """Smallest ``z``, shape (n_neurons,)."""
        return np.asarray(_taken(self.ends, "ends")[0])

    @property
    def high(self) -> NDArray[np.float64]:
        """Largest ``z``, shape (n_neurons,)."""
        return np.asarray(_taken(self.ends, "ends")[1])

    @property
    def squares(self) -> NDArray[np.float64]:
        """Sums of the square of ``z``, shape (n_labels, n_neurons)."""
        return _taken(self.squared, "squares")

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Mean ``z`` of each label, shape (n_labels, n_neurons)."""
        return self.sums / self.counts[:, None]

    @cached_property
    def rest(self) -> NDArray[np.float64]:
        """Mean ``z`` of the words of all other labels, shape (n_labels, n_neurons)."""
        n = (self.n_words - self.counts)[:, None]
        return np.asarray((self.sums.sum(axis=0) - self.sums) / n)

    @cached_property
    def total_squares(self) -> NDArray[np.float64]:
        """Sum over words of the squared distance from the mean of all, shape (n_neurons,)."""
        return _spread(self.squares.sum(axis=0), self.sums.sum(axis=0), self.n_words)

    @cached_property
    def own_squares(self) -> NDArray[np.float64]:
        """The same within each label, shape (n_labels, n_neurons)."""
        return _spread(self.squares, self.sums, self.counts[:, None])

    @cached_property
    def rest_squares(self) -> NDArray[np.float64]:
        """The same within the words of all other labels, shape (n_labels, n_neurons)."""
        n = (self.n_words - self.counts)[:, None]
        return _spread(self.squares.sum(axis=0) - self.squares, self.sums.sum(axis=0) - self.sums, n)

    def binned(self) -> NDArray[np.int32]:
        """The histogram, shape (n_neurons, n_labels, N_BINS)."""
        return _taken(self.histogram, "histograms", "bins")

    @cached_property
    def joint(self) -> NDArray[np.floating]:
        """The histogram in floats that hold its numbers exactly and are multiplied fast, shape (n_neurons, n_labels, N_BINS)."""
        return self.binned().astype(np.float32 if self.n_words < _EXACT else np.float64, order="C")

    @cached_property
    def in_bin(self) -> NDArray[np.float64]:
        """Words of all labels in each bin, shape (n_neurons, N_BINS)."""
        in_bin: NDArray[np.float64] = self.joint.sum(axis=1).astype(np.float64)
        return in_bin

    @cached_property
    def up_to(self) -> NDArray[np.floating]:
        """Words of each label up to each bin, that bin included, shape (n_neurons, n_labels, N_BINS); exact as well."""
        n_bins = self.joint.shape[2]
        return self.joint @ np.triu(np.ones((n_bins, n_bins), dtype=self.joint.dtype))  # faster than a cumulative sum


def _taken(values: T | None, what: str, option: str | None = None) -> T:
    """`values`; an error where the pass took none."""
    if values is None:
        raise NeurosieveError(f"the pass took no {what}; declare the measure with {option or what}=True")
    return values


def _spread(
    squares: NDArray[np.float64], sums: NDArray[np.float64], n: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.maximum(squares - sums**2 / n, 0.0)
