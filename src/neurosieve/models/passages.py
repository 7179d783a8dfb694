"""What a sub-word model reads: windows of sentences with their special tokens, and which positions give which word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.models.windows import choose_windows, plan_windows


@dataclass(frozen=True, slots=True)
class SubwordSentence:
    """Sub-words of one sentence, special tokens left out.

    Attributes
    ----------
    ids : ndarray of shape (n_subwords,), int64
        Numbers in the tokenizer's vocabulary.
    words : ndarray of shape (n_subwords,), int64
        Word of each sub-word, -1 for a sub-word without characters.
    n_words : int
        Number of words of the sentence, those without sub-words included.
    n_unknown : int
        How many sub-words are the unknown token.
    """

    ids: NDArray[np.int64]
    words: NDArray[np.int64]
    n_words: int
    n_unknown: int


@dataclass(frozen=True, slots=True)
class Passage:
    """One window of one sentence.

    Attributes
    ----------
    ids : ndarray of shape (n_subwords,), int64
        Its sub-words, without special tokens.
    positions : ndarray of shape (n_needed,), int64
        Which of them are read. Numbers below 0 or from ``n_subwords`` on mean special tokens before or behind them.
    rows : ndarray of shape (n_needed,), int64
        Row of the result to which each of them belongs.
    shares : ndarray of shape (n_needed,), float32
        Weight with which it enters that row: 1, or 1 / sub-words of the word when they are averaged.
    words : ndarray of shape (n_subwords,), int64
        Word of each sub-word, -1 for none.
    n_words : int
        Number of words of the whole sentence.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    rows: NDArray[np.int64]
    shares: NDArray[np.float32]
    words: NDArray[np.int64]
    n_words: int


@dataclass(frozen=True, slots=True)
class Reading:
    """All passages of a list of sentences, and where each sentence's words lie in the result.

    Attributes
    ----------
    passages : list of Passage
    kept : list of ndarray of shape (n_words,), bool
        For each sentence the words that have a sub-word. The result holds a row for each of them, in order.
    n_windows : list of int
        For each sentence the number of its passages.
    """

    passages: list[Passage]
    kept: list[NDArray[np.bool_]]
    n_windows: list[int]


def plan_reading(
    sentences: Sequence[SubwordSentence],
    *,
    pooling: str,
    capacity: int | None,
    causal: bool,
) -> Reading:
    """Plan how sentences are read.

    Parameters
    ----------
    sentences : sequence of SubwordSentence
    pooling : {"last", "first", "mean"}
        Which sub-words make a word's vector.
    capacity : int or None
        Sub-words that fit into a window; None = any number.
    causal : bool
        See `neurosieve.models.windows.choose_windows`.
    """
    reading = Reading([], [], [])
    n_rows = 0
    for sentence in sentences:
        kept = np.zeros(sentence.n_words, dtype=np.bool_)
        kept[sentence.words[sentence.words >= 0]] = True
        needed, shares = needed_subwords(sentence.words, pooling)
        rows = n_rows + (np.cumsum(kept) - 1)[sentence.words[needed]]
        windows = plan_windows(len(sentence.ids), capacity)
        window_of = choose_windows(sentence.words, windows, causal=causal)[needed]
        for number, (start, stop) in enumerate(windows):
            here = window_of == number
            if here.any():
                reading.passages.append(
                    Passage(
                        sentence.ids[start:stop],
                        positions=needed[here] - start,
                        rows=rows[here],
                        shares=shares[here],
                        words=sentence.words[start:stop],
                        n_words=sentence.n_words,
                    )
                )
        reading.kept.append(kept)
        reading.n_windows.append(len(windows))
        n_rows += int(kept.sum())
    return reading


@dataclass(frozen=True, slots=True)
class SpecialPlace:
    """Where the token stands whose vector stands for a whole sentence.

    Attributes
    ----------
    name : str
        The token, as messages and manifests call it.
    offset : int
        Its distance from a window's first sub-word (-1 = directly before it), or, if `behind`, from the place directly
        behind the last one.
    behind : bool
    last_window : bool
        True if only the last window's token counts (that of a model which sees only what stands before); else a sentence
        of several windows has the mean over them, as each window's token has seen that window only.
    """

    name: str
    offset: int
    behind: bool
    last_window: bool


def whole_passage(sentence: SubwordSentence) -> Passage:
    """A sentence in one window, of which no vector is read."""
    none = np.zeros(0, dtype=np.int64)
    return Passage(sentence.ids, none, none, none.astype(np.float32), words=sentence.words, n_words=sentence.n_words)


def plan_special(sentences: Sequence[SubwordSentence], *, place: SpecialPlace, capacity: int | None) -> Reading:
    """Plan how the special token of each sentence is read.

    Parameters
    ----------
    sentences : sequence of SubwordSentence
    place : SpecialPlace
    capacity : int or None
        Sub-words that fit into a window; None = any number.

    Returns
    -------
    Reading
        A row for each sentence with a sub-word that belongs to a word.
    """
    reading = Reading([], [], [])
    n_rows = 0
    for sentence in sentences:
        kept = bool((sentence.words >= 0).any())
        windows = plan_windows(len(sentence.ids), capacity)
        read = windows[-1:] if place.last_window else windows
        for start, stop in read if kept else ():
            reading.passages.append(
                Passage(
                    sentence.ids[start:stop],
                    positions=np.array([place.offset + (stop - start if place.behind else 0)], dtype=np.int64),
                    rows=np.array([n_rows], dtype=np.int64),
                    shares=np.array([1.0 / len(read)], dtype=np.float32),
                    words=sentence.words[start:stop],
                    n_words=sentence.n_words,
                )
            )
        reading.kept.append(np.array([kept]))
        reading.n_windows.append(len(windows))
        n_rows += kept
    return reading


def needed_subwords(words: NDArray[np.int64], pooling: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the sub-words that make the words' vectors.

    Parameters
    ----------
    words : ndarray of shape (n_subwords,), int64
        Word of each sub-word, -1 for none.
    pooling : {"last", "first", "mean"}

    Returns
    -------
    needed : ndarray of shape (n_needed,), int64
        Positions of these sub-words.
    shares : ndarray of shape (n_needed,), float32
        Their weights in their words' vectors.
    """
    carrying = np.flatnonzero(words >= 0)
    owners = words[carrying]
    if pooling == "mean":
        _, member_of, counts = np.unique(owners, return_inverse=True, return_counts=True)
        return carrying, (1.0 / counts[member_of]).astype(np.float32)
    differs = np.diff(owners) != 0
    edge = np.append(differs, True) if pooling == "last" else np.append(True, differs)
    needed = carrying[edge[: len(carrying)]]
    return needed, np.ones(len(needed), dtype=np.float32)
