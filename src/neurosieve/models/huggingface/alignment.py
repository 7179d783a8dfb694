"""Which word each sub-word belongs to, by character offsets, proven for every sentence.

The words of a sentence are joined by single blanks and tokenised as running text, as the model saw text in training.
Tokenizers differ in what their offsets cover: some count the blank before a word as part of its first sub-word, some
add a marker that stands for a blank that is not in the text, some drop characters when they normalise. So a sub-word is
placed by the characters of words that it covers, and the result is checked as a whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError

BLANK_MARKERS = "▁Ġ"
"""How SentencePiece and byte-level tokenizers write a blank inside a sub-word."""

NO_WORD = -1
"""Stands for the word of a sub-word that carries no character of any word."""


def join_words(words: Sequence[str]) -> str:
    """Text that is tokenised: the words, joined by single blanks."""
    return " ".join(words)


def align(
    words: Sequence[str],
    subwords: Sequence[str],
    offsets: Sequence[tuple[int, int]],
    *,
    vanishes: Callable[[str], bool],
    where: str = "sentence",
) -> NDArray[np.int64]:
    """Find the word of each sub-word and prove the result by a round trip.

    Parameters
    ----------
    words : sequence of str, length n_words
        They may hold blanks of their own, and may be empty.
    subwords : sequence of str, length n_subwords
        As the tokenizer writes them, special tokens left out.
    offsets : sequence of (int, int), length n_subwords
        Characters ``[start, end)`` of ``join_words(words)`` that each sub-word covers.
    vanishes : callable
        Tells whether a single character, tokenised alone, gives no sub-word.
    where : str
        Names the sentence in errors.

    Returns
    -------
    ndarray of shape (n_subwords,), int64
        Index of each sub-word's word, never falling from one sub-word to the next of those that have one; `NO_WORD`
        for a sub-word without characters.

    Raises
    ------
    ModelError
        If a sub-word covers characters of two words, if sub-words are not in the order of the words, or if the covered
        characters do not tell every word back: each character that no sub-word covers must be one that the tokenizer
        drops (white space, a combining mark that it strips or merges, or a character that vanishes alone).
    """
    owner = _owners(words)
    text = join_words(words)
    covered = bytearray(len(text))
    found = np.full(len(subwords), NO_WORD, dtype=np.int64)
    latest = 0
    for k, (subword, (start, end)) in enumerate(zip(subwords, offsets, strict=True)):
        if _is_bare_marker(subword, text[start:end]):
            continue
        while start < end and owner[start] < 0:
            start += 1
        while start < end and owner[end - 1] < 0:
            end -= 1
        if start == end:
            continue
        word = owner[start]
        if owner[end - 1] != word:
            raise ModelError(
                f"{where}: sub-word {subword!r} spans the words {words[word]!r} and {words[owner[end - 1]]!r}; every "
                "sub-word must lie in one word: use a model whose tokenizer splits at blanks"
            )
        if word < latest:
            raise ModelError(f"{where}: sub-word {subword!r} of word {words[word]!r} comes after a later word's")
        latest = word
        found[k] = word
        covered[start:end] = b"\x01" * (end - start)
    for i, is_covered in enumerate(covered):
        if not is_covered and owner[i] >= 0 and not _is_dropped(text[i], vanishes):
            raise ModelError(
                f"{where}: no sub-word covers the character {text[i]!r} of word {words[owner[i]]!r}, which the "
                "tokenizer does not drop; its character offsets cannot be trusted: use another tokenizer"
            )
    return found


def _owners(words: Sequence[str]) -> list[int]:
    """Return the word of each character of the joined text, `NO_WORD` for the blanks between words."""
    owner: list[int] = []
    for i, word in enumerate(words):
        owner.extend([i] * len(word))
        owner.append(NO_WORD)
    return owner[:-1]


def _is_bare_marker(subword: str, characters: str) -> bool:
    """Tell whether a sub-word is only the sign of a blank, whatever characters its offsets claim."""
    return not subword.strip(BLANK_MARKERS) and not any(marker in characters for marker in BLANK_MARKERS)


def _is_dropped(character: str, vanishes: Callable[[str], bool]) -> bool:
    return character.isspace() or unicodedata.category(character).startswith("M") or vanishes(character)
