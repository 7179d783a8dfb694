"""One block of the pass that rankings share: its rows by label, and the bins that their values fall into."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

N_BINS = 64
_LOWEST_OCTAVE = (127 - 3) << 2  # 1/8: the float's exponent is biased by 127, and two bits of the mantissa follow it
_LAST = N_BINS // 2 - 1
_UPPER = 1 if sys.byteorder == "little" else 0  # where the upper half of a float32 lies


@dataclass(frozen=True)
class Block:
    """Some rows of the pass, in the order of their labels: what is counted together then lies together.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_neurons)
    order : ndarray of shape (n_words,), int
        The labelled rows by label.
    labels : slice, or ndarray of shape (n_present,), int
        All labels, or those that occur in the block where these are few.
    members : sparse array of shape (n_present, n_words)
        1 where a word has the label.
    places : ndarray of shape (n_words, n_columns), int32
        ``column * n_present + label``: where the counts of a value belong, the same for all neurons that are taken together.
    ones : ndarray of shape (n_words * n_columns,), int32
    """

    rows: NDArray[np.floating]
    order: NDArray[np.intp]
    labels: NDArray[np.int64] | slice
    members: sparse.csr_array
    places: NDArray[np.int32]
    ones: NDArray[np.int32]

    @classmethod
    def of(cls, rows: NDArray[np.floating], codes: NDArray[np.int64], *, n_labels: int, n_columns: int) -> Block:
        """Order the rows `rows` by their label numbers `codes` (-1 for none), for `n_columns` neurons at a time."""
        from scipy import sparse

        order = np.argsort(codes, kind="stable")
        order = order[int((codes < 0).sum()) :]
        own = codes[order]
        present = np.unique(own)
        labels: NDArray[np.int64] | slice = slice(None)
        n_present = n_labels
        if 2 * len(present) <= n_labels:
            own, labels, n_present = np.searchsorted(present, own), present, len(present)
        bounds = np.searchsorted(own, np.arange(n_present + 1))
        members = sparse.csr_array((np.ones(len(own)), np.arange(len(own)), bounds), shape=(n_present, len(own)))
        columns = np.arange(n_columns, dtype=np.int32) * np.int32(n_present)
        places = own.astype(np.int32)[:, None] + columns
        return cls(rows, order, labels, members, places, np.ones(places.size, dtype=np.int32))

    def counts(self, z: NDArray[np.float32]) -> NDArray[np.int32]:
        """Words of each label of the block in each bin, shape (n_some_neurons, n_present, N_BINS)."""
        from scipy import sparse

        n_present, n_some = self.members.shape[0], z.shape[1]
        places = self.places[:, :n_some].ravel()
        # The dense form of a sparse array adds up what has the same place, without wider integers than these.
        each = sparse.coo_array(
            (self.ones[: z.size], (places, bin_numbers(z).ravel())), shape=(n_some * n_present, N_BINS)
        )
        found: NDArray[np.int32] = each.toarray().reshape(n_some, n_present, N_BINS)
        return found


def bin_numbers(z: NDArray[np.float32]) -> NDArray[np.int32]:
    """The bin of each value: the sign and a quarter of the octave, which the upper bits of a float32 say."""
    upper = np.ascontiguousarray(z, dtype=np.float32).view(np.int16)[..., _UPPER::2].copy()
    negative = upper >> 15  # -1 below zero, else 0
    upper &= 0x7FFF
    upper >>= 5
    upper -= _LOWEST_OCTAVE
    np.clip(upper, 0, _LAST, out=upper)
    upper ^= negative  # below zero the bins run the other way
    upper += _LAST + 1
    return upper.astype(np.int32)
