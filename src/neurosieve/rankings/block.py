"""One block of the pass that rankings share: its words in tiles, and the bins that their values fall into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

N_BINS = 64
_LAST = N_BINS // 2 - 1
_LOWEST = (127 - 3) << 2  # 1/8: the float's exponent is biased by 127, and two bits of the mantissa follow it
_UPPER = 21  # bits of a float32 below these
_MAGNITUDE = (1 << 10) - 1
TILE_WORDS = 1024
"""Words that are added together: with some of the neurons they fit into a cache, and counts of them into 16 bits."""
WIDER = 4
"""How many times more neurons are taken at once, of as many times fewer words, where nothing is counted: rows are read faster."""
_FEW_LABELS = 16  # in a tile: their words are added faster label by label than as a sparse product
_ROWS = 1024  # that are read at a time to be put in order


@dataclass(frozen=True)
class Tile:
    """Words of a block that are added together.

    Attributes
    ----------
    rows : slice
        Of the block.
    labels : ndarray of shape (n_present,), int
        Labels that occur, ascending.
    members : sparse array of shape (n_present, n_words)
        1 where a word has the label.
    runs : list of slice
        The words of each label, where these lie together and labels are few; else none.
    """

    rows: slice
    labels: NDArray[np.int64]
    members: sparse.csr_array
    runs: list[slice]

    @classmethod
    def of(cls, codes: NDArray[np.int64], start: int) -> Tile:
        """Words whose labels are `codes`, from row `start` on."""
        order = np.argsort(codes, kind="stable")
        own = codes[order]
        bounds = np.concatenate([[0], np.flatnonzero(own[1:] != own[:-1]) + 1, [len(own)]])
        members = sparse.csr_array(
            (np.ones(len(own)), order.astype(np.int32), bounds.astype(np.int32)),
            shape=(len(bounds) - 1, len(codes)),
        )
        together = len(bounds) <= _FEW_LABELS and np.array_equal(order, np.arange(len(order)))
        runs = [slice(a, b) for a, b in pairwise(bounds.tolist())] if together else []
        return cls(slice(start, start + len(codes)), own[bounds[:-1]], members, runs)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums of `values` (n_words, n_some_neurons) over the words of each label, shape (n_present, n_some_neurons)."""
        found: NDArray[np.float64] = self._of_runs("ij->j", values) if self.runs else self.members @ values
        return found

    def squares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of their squares; `values` may be overwritten."""
        if self.runs:
            return self._of_runs("ij,ij->j", values, values)
        values *= values
        return self.sums(values)

    def _of_runs(self, what: str, *values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.einsum(what, *(v[run] for v in values)) for run in self.runs])


@dataclass(frozen=True)
class Block:
    """Words that are in memory together.

    Attributes
    ----------
    rows : ndarray of shape (n_words, n_neurons)
    tiles : list of Tile
    """

    rows: NDArray[np.floating]
    tiles: list[Tile]

    @classmethod
    def as_read(cls, rows: NDArray[np.floating], codes: NDArray[np.int64]) -> Block:
        """The labelled rows in the order in which they are; `codes` (n_words,) are label numbers, -1 for none."""
        known = codes >= 0
        rows, codes = (rows, codes) if known.all() else (rows[known], codes[known])
        return cls(rows, _tiles(codes, TILE_WORDS // WIDER))

    @classmethod
    def by_label(
        cls, read: Callable[[int, int], NDArray[np.floating]], codes: NDArray[np.int64], out: NDArray[np.floating]
    ) -> Block:
        """The labelled rows in the order of their labels, which their counts need.

        Parameters
        ----------
        read : callable
            Gives rows ``first`` to ``last``, shape (n_rows, n_neurons).
        codes : ndarray of shape (n_words,), int
            Label numbers, -1 for none.
        out : ndarray of shape (n_labelled, n_neurons)
            Room for the rows.
        """
        order = np.argsort(codes, kind="stable")[len(codes) - len(out) :]
        places = np.full(len(codes), -1)
        places[order] = np.arange(len(order))
        for first in range(0, len(codes), _ROWS):
            into = places[first : first + _ROWS]
            some, known = read(first, first + len(into)), into >= 0
            if known.all():
                out[into] = some
            else:
                out[into[known]] = some[known]
        return cls(out, _tiles(codes[order], TILE_WORDS))


def _tiles(codes: NDArray[np.int64], n_words: int) -> list[Tile]:
    return [Tile.of(codes[start : start + n_words], start) for start in range(0, len(codes), n_words)]


class Room:
    """Memory for the values of one tile of some neurons, used for all tiles: memory that is new costs as much as a step.

    Parameters
    ----------
    n_words, width : int
        Words of the largest tile, and neurons.
    dtype : type
        float32, or float64 for values that are.
    """

    def __init__(self, n_words: int, width: int, dtype: type[np.floating]) -> None:
        n = n_words * width
        self.values, self._wide = np.empty((n_words, width), dtype=dtype), np.empty(n)
        self._narrow = None if dtype == np.float32 else np.empty(n, dtype=np.float32)
        # Numbers and cells lie where the wide values were, which are done with by then: all stays in the cache.
        self._cells, halves = self._wide.view(np.int32)[:n], self._wide.view(np.int16)[2 * n :]
        self._numbers, self._spare = halves[:n], halves[n:]
        self._middle = np.arange(width, dtype=np.int16) * np.int16(N_BINS) + np.int16(_LAST + 1)

    @cached_property
    def _ones(self) -> NDArray[np.uint16]:
        return np.ones(len(self._wide), dtype=np.uint16)

    def wide(self, n_words: int) -> NDArray[np.float64]:
        """Room for as many values in float64; `counts` overwrites it."""
        return self._wide[: n_words * len(self._middle)].reshape(n_words, -1)

    def narrow(self, x: NDArray[np.floating]) -> NDArray[np.float32]:
        """`x` in float32: itself, or a copy."""
        if self._narrow is None:
            return x.astype(np.float32, copy=False)
        out = self._narrow[: x.size].reshape(x.shape)
        np.copyto(out, x, casting="same_kind")
        return out

    def counts(self, tile: Tile, z: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Words of each label in each bin, shape (n_present, n_some_neurons, N_BINS).

        Parameters
        ----------
        tile : Tile
            Of words in the order of their labels.
        z : ndarray of shape (n_words, n_some_neurons)
            Overwritten.
        """
        n, width = z.size, z.shape[1]
        numbers = _from_center(z, self._numbers[:n].reshape(z.shape), self._spare[:n].reshape(z.shape))
        numbers += self._middle
        cells = self._cells[:n]
        np.copyto(cells, numbers.ravel())
        # The dense form of a sparse array adds up what has the same place; a label's counts stay in the nearest cache.
        bounds = tile.members.indptr * np.int32(width)
        shape = (len(tile.labels), width * N_BINS)
        each = sparse.csr_array((self._ones[:n], cells, bounds), shape=shape)
        found: NDArray[np.uint16] = each.toarray().reshape(-1, width, N_BINS)
        return found


def bin_numbers(z: NDArray[np.float32]) -> NDArray[np.int16]:
    """The bin of each value: the sign and a quarter of the octave, which the upper bits of a float32 say."""
    z = np.array(z, dtype=np.float32)
    return _from_center(z, np.empty(z.shape, dtype=np.int16), np.empty(z.shape, dtype=np.int16)) + np.int16(_LAST + 1)


def _from_center(z: NDArray[np.float32], out: NDArray[np.int16], spare: NDArray[np.int16]) -> NDArray[np.int16]:
    """How many bins above the first that is not negative, written to `out`; `z` and `spare`, of its shape, are overwritten."""
    bits = z.view(np.int32)
    bits >>= _UPPER
    np.copyto(out, bits, casting="unsafe")
    np.right_shift(out, 15, out=spare)  # -1 below zero, else 0
    out &= _MAGNITUDE
    np.clip(out, _LOWEST, _LOWEST + _LAST, out=out)
    out -= _LOWEST
    out ^= spare  # below zero the bins run the other way
    return out
