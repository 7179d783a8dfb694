"""One block of the pass that rankings share: its words in tiles, and the bins that their values fall into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """

    rows: slice
    labels: NDArray[np.int64]
    members: sparse.csr_array

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
        return cls(slice(start, start + len(codes)), own[bounds[:-1]], members)


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
        return cls(rows, _tiles(codes)) if known.all() else cls(rows[known], _tiles(codes[known]))

    @classmethod
    def by_label(
        cls, read: Callable[[int, int], NDArray[np.floating]], start: int, codes: NDArray[np.int64]
    ) -> Block | None:
        """The labelled rows from `start` on in the order of their labels, which their counts need.

        Parameters
        ----------
        read : callable
            Gives rows ``first`` to ``last``, shape (n_rows, n_neurons).
        start : int
        codes : ndarray of shape (n_words,), int
            Label numbers, -1 for none.
        """
        order = np.argsort(codes, kind="stable")
        order = order[int((codes < 0).sum()) :]
        places = np.full(len(codes), -1)
        places[order] = np.arange(len(order))
        rows: NDArray[np.floating] | None = None
        for first in range(0, len(codes), _ROWS):
            into = places[first : first + _ROWS]
            some = read(start + first, start + first + len(into))
            if rows is None:
                rows = np.empty((len(order), some.shape[1]), dtype=some.dtype)
            known = into >= 0
            if known.all():
                rows[into] = some
            else:
                rows[into[known]] = some[known]
        return None if rows is None else cls(rows, _tiles(codes[order]))


def _tiles(codes: NDArray[np.int64]) -> list[Tile]:
    return [Tile.of(codes[start : start + TILE_WORDS], start) for start in range(0, len(codes), TILE_WORDS)]


class Room:
    """Memory for the values of one tile of some neurons, used for all tiles: memory that is new costs as much as a step.

    Parameters
    ----------
    width : int
        How many neurons.
    dtype : type
        float32, or float64 for values that are.
    """

    def __init__(self, width: int, dtype: type[np.floating]) -> None:
        shape = (TILE_WORDS, width)
        self.values, self.wide = np.empty(shape, dtype=dtype), np.empty(shape)
        self.z: NDArray[np.float32] = self.values if dtype == np.float32 else np.empty(shape, dtype=np.float32)
        self._numbers, self._spare = np.empty((2, *shape), dtype=np.int16)
        self._cells, self._ones = np.empty(shape, dtype=np.int32), np.ones(TILE_WORDS * width, dtype=np.uint16)
        self._first = np.arange(width, dtype=np.int16) * np.int16(N_BINS)

    def counts(self, tile: Tile, z: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Words of each label in each bin, shape (n_present, n_some_neurons, N_BINS).

        Parameters
        ----------
        tile : Tile
            Of words in the order of their labels.
        z : ndarray of shape (n_words, n_some_neurons)
            Overwritten.
        """
        n, width = z.shape
        numbers, cells = _numbered(z, self._numbers[:n], self._spare[:n]), self._cells[:n]
        numbers += self._first
        np.copyto(cells, numbers)
        # The dense form of a sparse array adds up what has the same place; a label's counts stay in the nearest cache.
        bounds = tile.members.indptr * np.int32(width)
        shape = (len(tile.labels), width * N_BINS)
        each = sparse.csr_array((self._ones[: cells.size], cells.ravel(), bounds), shape=shape)
        found: NDArray[np.uint16] = each.toarray().reshape(-1, width, N_BINS)
        return found


def bin_numbers(z: NDArray[np.float32]) -> NDArray[np.int16]:
    """The bin of each value: the sign and a quarter of the octave, which the upper bits of a float32 say."""
    z = np.array(z, dtype=np.float32)
    return _numbered(z, np.empty(z.shape, dtype=np.int16), np.empty(z.shape, dtype=np.int16))


def _numbered(z: NDArray[np.float32], out: NDArray[np.int16], spare: NDArray[np.int16]) -> NDArray[np.int16]:
    """`bin_numbers` written to `out`; `z` and `spare`, of the same shape, are overwritten."""
    bits = z.view(np.int32)
    bits >>= _UPPER
    np.copyto(out, bits, casting="unsafe")
    np.right_shift(out, 15, out=spare)  # -1 below zero, else 0
    out &= _MAGNITUDE
    np.clip(out, _LOWEST, _LOWEST + _LAST, out=out)
    out -= _LOWEST
    out ^= spare  # below zero the bins run the other way
    out += _LAST + 1
    return out
