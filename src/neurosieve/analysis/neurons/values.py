"""The values of one neuron over a text: by group, by bin, and how much of their variance lies between groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.analysis.neurons.text import Groups

TAIL = 0.001
"""Share of the words beyond each end of the axis: a few values of a network are many times as large as all others."""


@dataclass(frozen=True)
class ByGroup:
    """Values of several neurons in groups.

    Attributes
    ----------
    mean : ndarray of shape (n_neurons, n_groups), float64
        NaN for a group without rows.
    share : ndarray of shape (n_neurons,), float64
        Share of the variance that lies between groups: eta squared, less what as many groups drawn at random would have
        (epsilon squared). 0 where that is negative, NaN where every row is a group of its own.
    """

    mean: NDArray[np.float64]
    share: NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Values of several neurons, prepared to be summed by group.

    Attributes
    ----------
    center : ndarray of shape (n_neurons,), float64
        Means; the squares of values far from zero would lose their differences.
    squares : ndarray of shape (n_neurons,), float64
        Sums of the squares of what they are less the center.
    centred, squared : ndarray of shape (n_words, n_neurons), float64
        Values less the center, and their squares.
    """

    center: NDArray[np.float64]
    squares: NDArray[np.float64]
    centred: NDArray[np.float64]
    squared: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Columns:
        """Take `values` (n_neurons, n_words)."""
        center = values.mean(axis=1)
        around = values - center[:, None]
        centred = np.ascontiguousarray(around.T)
        return cls(center, np.einsum("ij,ij->i", around, around), centred, centred * centred)

    @property
    def sd(self) -> NDArray[np.float64]:
        """Standard deviations, shape (n_neurons,)."""
        return np.asarray(np.sqrt(self.squares / len(self.centred)))


def by_group(columns: Columns, groups: Groups) -> ByGroup:
    """Means of each neuron in each group, and how much of its variance lies between groups; rows of no group are left out.

    Sums are products with the sparse matrix of who is in which group: one for all neurons, and each neuron's sum in the order of
    its rows, whichever others are with it.
    """
    n_neurons, n, k = len(columns.center), int(groups.counts.sum()), int((groups.counts > 0).sum())
    counts = groups.counts.astype(np.float64)[:, None]
    sums = groups.members @ columns.centred
    with np.errstate(invalid="ignore", divide="ignore"):  # groups without rows
        mean = sums / counts
        whole = sums.sum(axis=0) / n  # 0 up to rounding, where every row is in a group
    squares = columns.squares if n == len(columns.squared) else columns.squared[groups.known].sum(axis=0)
    total = squares - n * whole**2
    between = np.nansum(counts * (mean - whole) ** 2, axis=0)
    if k < 2:
        share = np.zeros(n_neurons)
    elif n <= k:
        share = np.where(total > 0, np.nan, 0.0)
    else:
        of_total = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
        share = np.where(total > 0, np.clip(1 - (1 - of_total) * (n - 1) / (n - k), 0.0, None), 0.0)
    return ByGroup((mean + columns.center).T, share)


def sd_by_group(columns: Columns, groups: Groups, found: ByGroup) -> NDArray[np.float64]:
    """Standard deviations (n_neurons, n_groups) around the means that were found; NaN for a group without rows."""
    counts = groups.counts.astype(np.float64)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):  # groups without rows
        variance = (groups.members @ columns.squared) / counts - (found.mean.T - columns.center) ** 2
        return np.asarray(np.sqrt(np.clip(variance, 0.0, None)).T)


def sd_of(values: NDArray[np.float64], groups: Groups, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
    """Standard deviations (n_chosen,) of one neuron's values in some of the groups, none of which is empty."""
    if not len(chosen):
        return np.zeros(0)
    ends, rows = groups.members.indptr, groups.members.indices
    counts = groups.counts[chosen]
    starts = np.cumsum(counts) - counts
    held = values[np.concatenate([rows[ends[group] : ends[group + 1]] for group in chosen.tolist()])]
    held -= np.repeat(np.add.reduceat(held, starts) / counts, counts)
    found: NDArray[np.float64] = np.sqrt(np.add.reduceat(held**2, starts) / counts)
    return found


def inner(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Sum of products of two columns, without threads: for one column they cost more than they save, most on a busy machine."""
    return float(np.einsum("i,i->", a, b))


def explained(v: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Squared correlation with real values; 0 where one of the two does not vary."""
    known = ~np.isnan(values)
    a, b = v[known] - v[known].mean(), values[known] - values[known].mean()
    size = inner(a, a) * inner(b, b)
    return inner(a, b) ** 2 / size if size > 0 else 0.0


def quantiles(ordered: NDArray[np.floating], shares: Sequence[float]) -> NDArray[np.float64]:
    """Quantiles of values that are in ascending order, by linear interpolation, as numpy has them by default."""
    at = np.asarray(shares, dtype=np.float64) * (len(ordered) - 1)
    low = np.floor(at).astype(np.intp)
    below = ordered[low].astype(np.float64)
    above = ordered[np.minimum(low + 1, len(ordered) - 1)].astype(np.float64)
    found: NDArray[np.float64] = below + (above - below) * (at - low)
    return found


def edges_of(ordered: NDArray[np.floating], n_bins: int) -> NDArray[np.float64]:
    """Edges of `n_bins` equally wide bins (n_bins + 1,) that hold all of the ascending values but `TAIL` at each end."""
    low, high = quantiles(ordered, (TAIL, 1 - TAIL))
    if low == high:  # nearly constant
        low, high = float(ordered[0]), float(ordered[-1])
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges: NDArray[np.float64] = np.linspace(low, high, n_bins + 1)
    return edges


def histogram(
    values: NDArray[np.float64], codes: NDArray[np.intp], *, edges: NDArray[np.float64], n_groups: int
) -> NDArray[np.intp]:
    """Count the rows of each group in each bin; the first and the last bin also hold what lies beyond them.

    Parameters
    ----------
    values : ndarray of shape (n_words,), float64
    codes : ndarray of shape (n_words,), int
        Group of each row.
    edges : ndarray of shape (n_bins + 1,), float64
        Equally wide.
    n_groups : int

    Returns
    -------
    ndarray of shape (n_groups, n_bins), int
    """
    n_bins = len(edges) - 1
    scaled = (values - edges[0]) * (n_bins / (edges[-1] - edges[0]))
    place = np.clip(scaled, 0, n_bins - 1, out=scaled).astype(np.intp)  # rounds down, as all are positive now
    place += codes * n_bins
    return np.bincount(place, minlength=n_groups * n_bins).reshape(n_groups, n_bins)
