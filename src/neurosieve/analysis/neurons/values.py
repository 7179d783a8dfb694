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
    mean, sd : ndarray of shape (n_neurons, n_groups), float64
        NaN for a group without rows.
    share : ndarray of shape (n_neurons,), float64
        Share of the variance that lies between groups: eta squared, less what as many groups drawn at random would have
        (epsilon squared). 0 where that is negative, NaN where every row is a group of its own.
    """

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    share: NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Values of several neurons, prepared to be summed by group.

    Attributes
    ----------
    center : ndarray of shape (n_neurons,), float64
        Means; the squares of values far from zero would lose their differences.
    stacked : ndarray of shape (n_words, 2 n_neurons), float64
        Values less the center, and their squares.
    """

    center: NDArray[np.float64]
    stacked: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Columns:
        """Take `values` (n_neurons, n_words)."""
        n = len(values)
        center = values.mean(axis=1)
        stacked = np.empty((values.shape[1], 2 * n))
        stacked[:, :n] = (values - center[:, None]).T
        np.multiply(stacked[:, :n], stacked[:, :n], out=stacked[:, n:])
        return cls(center, stacked)


def by_group(columns: Columns, groups: Groups) -> ByGroup:
    """Means and standard deviations of each neuron in each group; rows of no group are left out.

    Sums are products with the sparse matrix of who is in which group: one for all neurons, and each neuron's sum in the order of
    its rows, whichever others are with it.
    """
    n_neurons, n, k = len(columns.center), int(groups.counts.sum()), int((groups.counts > 0).sum())
    sums = groups.members @ columns.stacked
    first, second = sums[:, :n_neurons], sums[:, n_neurons:]
    counts = groups.counts.astype(np.float64)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):  # groups without rows
        mean = first / counts
        sd = np.sqrt(np.clip(second / counts - mean**2, 0.0, None))
        whole = first.sum(axis=0) / n  # 0 up to rounding, where every row is in a group
    total = second.sum(axis=0) - n * whole**2
    between = np.nansum(counts * (mean - whole) ** 2, axis=0)
    if k < 2:
        share = np.zeros(n_neurons)
    elif n <= k:
        share = np.where(total > 0, np.nan, 0.0)
    else:
        of_total = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
        share = np.where(total > 0, np.clip(1 - (1 - of_total) * (n - 1) / (n - k), 0.0, None), 0.0)
    return ByGroup((mean + columns.center).T, sd.T, share)


def inner(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Sum of products of two columns, without threads: for one column they cost more than they save, most on a busy machine."""
    return float(np.einsum("i,i->", a, b))


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
