"""How sure a share is: Wilson's intervals, of independent draws and of clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z = 1.959963984540054
"""Quantile of the normal distribution for 95 % intervals."""


def wilson(hits: ArrayLike, tries: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's 95 % interval of shares (n,): low and high; 0 to 1 where nothing was tried.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927); it keeps its level where shares are near 0 or 1, as those of rare labels and
    good probes are, and never leaves 0 to 1.

    Parameters
    ----------
    hits, tries : array_like of shape (n,)
        Tries need not be whole: an effective number of draws will do.
    """
    n = np.maximum(np.asarray(tries, dtype=np.float64), 1e-12)
    p = np.asarray(hits, dtype=np.float64) / n
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * np.sqrt(np.maximum(p * (1 - p), 0) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    none = np.asarray(tries) == 0
    return np.where(none, 0.0, np.clip(middle - half, 0, 1)), np.where(none, 1.0, np.clip(middle + half, 0, 1))


def of_share(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of one share of `n` independent draws."""
    low, high = wilson([share * n], [n])
    return float(low[0]), float(high[0])


def of_clusters(right: NDArray[np.bool_], clusters: NDArray[np.generic]) -> tuple[float, float, float]:
    """Share of `right` (n_words,), and its 95 % interval, clusters (n_words,) being drawn independently.

    Wilson's, with the number of independent words that would give the variance between clusters; where all are right, or none,
    there is no variance, and clusters are counted instead.
    """
    score = float(right.mean())
    _, numbers = np.unique(clusters, return_inverse=True)
    residuals = np.bincount(numbers, weights=right - score)
    n = len(residuals)
    variance = float((residuals**2).sum()) * n / max(1, n - 1) / len(right) ** 2
    effective = min(score * (1 - score) / variance, len(right)) if variance > 0 else n
    return (score, *of_share(score, effective))
