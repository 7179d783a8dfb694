"""One way to read activations, wherever they lie: an array, a memory map or a store on disk."""

from __future__ import annotations

from bisect import bisect_right
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError

_FAR_ROWS = 64
"""Rows between two that are kept beyond which a read of its own costs less than reading them."""
_SPAN_BYTES = 1 << 25


@runtime_checkable
class ActivationSource(Protocol):
    """Anything that gives rows of a words x neurons matrix.

    Attributes
    ----------
    n_words, n_neurons : int
    dtype : numpy dtype
        What `read` returns: float16, float32 or float64.
    """

    n_words: int
    n_neurons: int
    dtype: np.dtype[np.floating]

    def read(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> NDArray[np.floating]:
        """Rows `start` to `stop` (exclusive), of all or the given columns, shape (stop - start, n_columns)."""


class ArraySource:
    """A numpy array (or memory map) of shape (n_words, n_neurons) as an `ActivationSource`."""

    def __init__(self, array: NDArray[np.floating]) -> None:
        array = np.asanyarray(array)
        if array.ndim != 2:
            raise NeurosieveError(f"activations have shape {array.shape}; expected (n_words, n_neurons)")
        if array.dtype not in (np.float16, np.float32, np.float64):
            raise NeurosieveError(f"activations are {array.dtype}; expected float16, float32 or float64")
        self.array = array
        self.n_words, self.n_neurons = array.shape
        self.dtype = array.dtype

    def read(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> NDArray[np.floating]:
        """Rows `start` to `stop`, of all or the given columns; a view where possible."""
        rows = self.array[start:stop]
        return rows if columns is None else np.take(rows, columns, axis=1)  # several times faster than indexing


class RowSource:
    """Some rows of another source, in ascending order, as an `ActivationSource`.

    Parameters
    ----------
    source : ActivationSource
    rows : ndarray of shape (n_words,), int
        Ascending numbers of the rows to keep.
    """

    def __init__(self, source: ActivationSource, rows: NDArray[np.intp]) -> None:
        self.source, self.rows = source, rows
        self.n_words, self.n_neurons, self.dtype = len(rows), source.n_neurons, source.dtype

    def read(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> NDArray[np.floating]:
        """Rows `start` to `stop` of the kept rows, of all or the given columns; rows that are not kept are held few at a time."""
        kept = self.rows[start:stop]
        width = self.n_neurons if columns is None else len(columns)
        out = np.empty((len(kept), width), dtype=self.dtype)
        most = max(1, _SPAN_BYTES // max(1, width * self.dtype.itemsize))
        gaps = np.flatnonzero(np.diff(kept) > _FAR_ROWS) + 1
        ends = [*gaps.tolist(), len(kept)]
        first = 0
        while first < len(kept):
            end = min(ends[bisect_right(ends, first)], int(np.searchsorted(kept, kept[first] + most)))
            block = self.source.read(int(kept[first]), int(kept[end - 1]) + 1, columns)
            out[first:end] = block[kept[first:end] - kept[first]]
            first = end
        return out


def as_source(activations: object) -> ActivationSource:
    """Return `activations` as an `ActivationSource`: a store or view as it is, an array wrapped."""
    if isinstance(activations, np.ndarray):
        return ArraySource(activations)
    if isinstance(activations, ActivationSource):
        return activations
    raise NeurosieveError(
        f"cannot read activations from {type(activations).__name__}; pass an array (n_words, n_neurons) or an ActivationStore"
    )


def same_rows(one: ActivationSource, other: ActivationSource) -> bool:
    """Whether two sources give the same rows of the same activations, as far as can be told without reading them."""
    if isinstance(one, RowSource) and isinstance(other, RowSource):
        return same_rows(one.source, other.source) and np.array_equal(one.rows, other.rows)
    if isinstance(one, ArraySource) and isinstance(other, ArraySource):
        return one.array is other.array
    return one is other
