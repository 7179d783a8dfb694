"""What leaves a model: the vectors of a batch of sentences as whole arrays, which can be looked at sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError


@dataclass(frozen=True, slots=True)
class WordVectors:
    """The vectors of one sentence.

    Attributes
    ----------
    layers : tuple of ndarray, each of shape (n_kept, width of the layer), float32
        One array a layer, one row for each word that has a vector.
    kept : ndarray of shape (n_words,), bool
        False for a word that yields no sub-word and so has no vector.
    n_windows : int
        1 if the sentence fitted the model's window, else the number of overlapping windows it was embedded in.
    n_subwords, n_unknown : int
        Number of sub-words of the sentence, and how many of them are the unknown token.
    """

    layers: tuple[NDArray[np.float32], ...]
    kept: NDArray[np.bool_]
    n_windows: int = 1
    n_subwords: int = 0
    n_unknown: int = 0


@dataclass(frozen=True, eq=False)
class VectorBatch(Sequence[WordVectors]):
    """The vectors of some sentences; as a sequence, those of each sentence, cut from the same arrays.

    Attributes
    ----------
    layers : tuple of ndarray, each of shape (n_kept, width of the layer), float32
        One array a layer, one row for each word of all sentences that has a vector, in order.
    kept : ndarray of shape (n_words,), bool
        False for a word that yields no sub-word and so has no vector.
    offsets : ndarray of shape (n_sentences + 1,), int64
        Place of each sentence's first word in `kept`, and at last n_words.
    n_windows, n_subwords, n_unknown : ndarray of shape (n_sentences,), int64
        For each sentence what `WordVectors` says of it.

    Raises
    ------
    ModelError
        If the sizes do not fit each other.
    """

    layers: tuple[NDArray[np.float32], ...]
    kept: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    n_windows: NDArray[np.int64]
    n_subwords: NDArray[np.int64]
    n_unknown: NDArray[np.int64]

    def __post_init__(self) -> None:
        n_rows, n_sentences = int(self.kept.sum()), len(self.offsets) - 1
        for number, layer in enumerate(self.layers):
            if len(layer) != n_rows:
                raise ModelError(
                    f"layer {number} has {len(layer)} rows, but {n_rows} words are kept; give each one row"
                )
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.kept) or bool((np.diff(self.offsets) < 0).any()):
            raise ModelError(f"offsets must rise from 0 to the number of words, {len(self.kept)}; got {self.offsets}")
        for name in ("n_windows", "n_subwords", "n_unknown"):
            if len(getattr(self, name)) != n_sentences:
                raise ModelError(
                    f"{name} has {len(getattr(self, name))} entries, but there are {n_sentences} sentences"
                )

    @classmethod
    def of(cls, sentences: Sequence[WordVectors]) -> VectorBatch:
        """Join the vectors of sentences, for a model that makes them one by one.

        Parameters
        ----------
        sentences : sequence of WordVectors
            Not empty.
        """
        lengths = [len(sentence.kept) for sentence in sentences]
        return cls(
            layers=tuple(np.concatenate(parts) for parts in zip(*(s.layers for s in sentences), strict=True)),
            kept=np.concatenate([s.kept for s in sentences]),
            offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
            n_windows=np.array([s.n_windows for s in sentences], dtype=np.int64),
            n_subwords=np.array([s.n_subwords for s in sentences], dtype=np.int64),
            n_unknown=np.array([s.n_unknown for s in sentences], dtype=np.int64),
        )

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Place of each sentence's first row in the layers, and at last n_kept: shape (n_sentences + 1,)."""
        return np.concatenate([[0], np.cumsum(self.kept, dtype=np.int64)])[self.offsets]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, number: int) -> WordVectors: ...
    @overload
    def __getitem__(self, number: slice) -> list[WordVectors]: ...
    def __getitem__(self, number: int | slice) -> WordVectors | list[WordVectors]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        i = range(len(self))[number]  # which also counts from the end, and refuses what is beyond
        return WordVectors(
            layers=tuple(layer[self.rows[i] : self.rows[i + 1]] for layer in self.layers),
            kept=self.kept[self.offsets[i] : self.offsets[i + 1]],
            n_windows=int(self.n_windows[i]),
            n_subwords=int(self.n_subwords[i]),
            n_unknown=int(self.n_unknown[i]),
        )

    def reduced(self, how: str) -> VectorBatch:
        """One row a sentence from the rows of its words.

        Parameters
        ----------
        how : {"mean", "first", "last"}

        Returns
        -------
        VectorBatch
            Whose `kept` has one entry a sentence, False if no word of it has a vector.
        """
        with_rows = np.diff(self.rows) > 0
        starts, stops = self.rows[:-1][with_rows], self.rows[1:][with_rows]
        if how == "mean":
            layers = tuple(_means(layer, starts, stops) for layer in self.layers)
        else:
            chosen = starts if how == "first" else stops - 1
            layers = tuple(layer[chosen] for layer in self.layers)
        return replace(self, layers=layers, kept=with_rows, offsets=np.arange(len(self) + 1, dtype=np.int64))


def _means(layer: NDArray[np.float32], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.float32]:
    means = np.empty((len(starts), layer.shape[1]), dtype=layer.dtype)
    for mean, start, stop in zip(means, starts, stops, strict=True):
        layer[start:stop].mean(axis=0, out=mean)
    return means
