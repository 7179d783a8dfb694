"""The values of asked neurons, read batch by batch in one pass over the store, and how the neurons go with each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.half import as_float32
from neurosieve.activations.source import ActivationSource

BATCH_WORDS = 4096


def held_values(
    source: ActivationSource, neurons: NDArray[np.intp], held_bytes: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float64] | None]]:
    """Yield the asked neurons with all of their values, as many at once as may be held: mostly all, in one pass.

    Parameters
    ----------
    source : ActivationSource
    neurons : ndarray of shape (n_asked,), int
    held_bytes : int
        What the values of a part may take.

    Yields
    ------
    numbers : ndarray of shape (n_part,), int
    values : ndarray of shape (n_part, n_words), float32
    correlated : ndarray of shape (n_asked, n_asked), float64, or None
        Correlations of all asked neurons, with the first part; they need no values but those of a batch.
    """
    n_part = max(1, held_bytes // (4 * source.n_words))
    for first in range(0, len(neurons), n_part):
        part = slice(first, first + n_part)
        values = np.empty((len(neurons[part]), source.n_words), dtype=np.float32)
        gram = Gram(len(neurons)) if first == 0 else None
        for start in range(0, source.n_words, BATCH_WORDS):
            stop = min(start + BATCH_WORDS, source.n_words)
            block = as_float32(source.read(start, stop, neurons if gram is not None else neurons[part]))
            if gram is not None:
                gram.add(block)
                block = block[:, part]
            values[:, start:stop] = block.T
        yield neurons[part], values, None if gram is None else gram.correlations()


class Gram:
    """Sums of products of columns, added to batch by batch.

    Parameters
    ----------
    n_columns : int
    """

    def __init__(self, n_columns: int) -> None:
        self.n = 0
        self.shift: NDArray[np.float64] | None = None
        self.sums = np.zeros(n_columns)
        self.products = np.zeros((n_columns, n_columns))

    def add(self, block: NDArray[np.floating]) -> None:
        """Add rows (n_rows, n_columns)."""
        rows = block.astype(np.float64)
        if self.shift is None:  # near the mean: products of values far from zero would lose their differences
            self.shift = rows.mean(axis=0)
        rows -= self.shift
        self.n += len(rows)
        self.sums += rows.sum(axis=0)
        self.products += rows.T @ rows

    def correlations(self) -> NDArray[np.float64]:
        """Pearson's correlations (n_columns, n_columns); 0 where a column does not vary."""
        covariance = self.products - np.outer(self.sums, self.sums) / max(1, self.n)
        sizes = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
        scale = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        found: NDArray[np.float64] = (covariance * scale * scale[:, None]).clip(-1.0, 1.0)
        return found
