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
    """Values in groups.

    Attributes
    ----------
    mean, sd : ndarray of shape (n_groups,), float64
        NaN for a group without rows.
    share : float
        Share of the variance that lies between groups: eta squared, less what as many groups drawn at random would have
        (epsilon squared). 0 where that is negative, NaN where every row is a group of its own.
    """

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    share: float


def by_group(values: NDArray[np.float64], groups: Groups) -> ByGroup:
    """Means and standard deviations of `values` (n_words,) in each group; rows of no group are left out."""
    known = groups.known
    codes, v = (groups.codes, values) if known.all() else (groups.codes[known], values[known])
    n, k = len(v), int((groups.counts > 0).sum())
    center = v.mean() if n else 0.0
    v = v - center  # the squares of values far from zero would lose their differences
    counts = groups.counts.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):  # groups without rows
        mean = np.bincount(codes, weights=v, minlength=len(counts)) / counts
        square = np.bincount(codes, weights=v * v, minlength=len(counts)) / counts
    sd = np.sqrt(np.clip(square - mean**2, 0.0, None))
    total = inner(v, v)
    between = float(np.nansum(counts * mean**2))
    share = 0.0 if total == 0 or k < 2 else np.nan if n <= k else 1 - (1 - between / total) * (n - 1) / (n - k)
    return ByGroup(mean + center, sd, max(0.0, float(share)) if share == share else np.nan)


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
    place = np.floor((values - edges[0]) * (n_bins / (edges[-1] - edges[0]))).clip(0, n_bins - 1).astype(np.intp)
    return np.bincount(codes * n_bins + place, minlength=n_groups * n_bins).reshape(n_groups, n_bins)
