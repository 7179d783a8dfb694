"""Texts and minimal pairs as a model reads them, with the places of which its head is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.asked import READINGS, Asked, AskedPair, first_difference
from neurosieve.models.huggingface.head import Head
from neurosieve.models.huggingface.subwords import SubwordTokenizer

Words = Sequence[str]


class Asker:
    """Asks a model's head about texts.

    Parameters
    ----------
    tokenizer : SubwordTokenizer
    head : Head
        Causal or masked.
    window : int or None
        Most sub-words that the model reads at once, special tokens included.
    """

    def __init__(self, tokenizer: SubwordTokenizer, head: Head, *, window: int | None) -> None:
        self._tokenizer = tokenizer
        self._head = head
        self._window = window

    def reading(self, wanted: str | None) -> str:
        """How pairs are read: what is wanted, or what the head can do.

        Raises
        ------
        ModelError
            If the head cannot read pairs in that way.
        """
        masked = self._head.kind == "masked"
        able = READINGS[3:] if masked else READINGS[:3]
        if wanted is None:
            return able[0]
        if wanted not in able:
            raise ModelError(f"a {self._head.kind} head cannot read pairs as {wanted!r}; choose {' or '.join(able)}")
        return wanted

    def pair(self, good: Words, bad: Words, *, paired: Words | None, reading: str) -> AskedPair | str:
        """How one pair is asked about, or why it cannot be."""
        if not good or not bad:
            return "a sentence has no words"
        if list(good) == list(bad):
            return "its sentences do not differ"
        try:
            if reading == "pseudo":
                asked: AskedPair | str = self._pseudo(good, bad)
            elif reading == "masked":
                asked = self._masked(good, bad)
            else:
                asked = self._causal(good, bad, paired, reading=reading)
        except ModelError as error:
            return str(error)
        if isinstance(asked, AskedPair) and self._window is not None:
            longest = max(len(asked.good.ids), len(asked.bad.ids))
            if longest > self._window:
                return f"it has {longest} sub-words, and the model reads {self._window} at once"
        return asked

    def text(self, words: Words) -> Asked | str:
        """A sentence of which every sub-word is asked (of a masked head: as it stands, nothing being hidden)."""
        ids, of_word = self._read(words)
        if self._head.kind == "masked":
            inside = np.flatnonzero(of_word >= 0)
            asked = Asked(ids, of_word, len(words), inside, ids[inside], asked_words=of_word[inside])
        elif len(ids) < 2:
            return "it has one sub-word, before which nothing was read"
        else:
            places = np.arange(len(ids) - 1)
            asked = Asked(ids[:-1], of_word[:-1], len(words), places, ids[1:], asked_words=of_word[1:])
        if self._window is not None and len(ids) > self._window:
            return f"it has {len(ids)} sub-words, and the model reads {self._window} at once"
        return asked

    def _read(self, words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sub-words with their special tokens, and the word of each; behind a causal text nothing is put."""
        unit = self._tokenizer([words])[0]
        before = self._tokenizer.prefix
        after = self._tokenizer.suffix if self._head.kind == "masked" else []
        ids = np.array([*before, *unit.ids, *after], dtype=np.int64)
        return ids, np.array([*[-1] * len(before), *unit.words, *[-1] * len(after)], dtype=np.int64)

    def _causal(self, good: Words, bad: Words, paired: Words | None, *, reading: str) -> AskedPair | str:
        (good_ids, good_words), (bad_ids, bad_words) = self._read(good), self._read(bad)
        start = first_difference(good_ids, bad_ids)
        if start == 0:
            return "its sentences differ at the first sub-word, before which nothing was read"
        if reading == "next":
            if start == min(len(good_ids), len(bad_ids)):
                return "one of its sentences begins with all of the other, so that no sub-word decides; read it as 'sentence'"
            read = good_words[:start]
            donor = None if paired is None else self._donor(paired, start)
            if isinstance(donor, str):
                return donor
            places, tokens = np.full(2, start - 1), np.array([good_ids[start], bad_ids[start]])
            asked = Asked(good_ids[:start], read, int(read.max(initial=-1)) + 1, places, tokens, donor)
            return AskedPair(asked, asked, slice(0, 1), slice(1, 2), normalised=False)
        if paired is not None:
            return "values are taken from a paired sentence only where pairs are read as 'next'"
        first = [start, start]
        if reading == "rest":
            same = first_difference(good_ids[start:][::-1], bad_ids[start:][::-1])
            if not same:
                return "its sentences share no end behind what differs; read it as 'sentence'"
            first = [len(good_ids) - same, len(bad_ids) - same]
        whole = [
            Asked(ids[:-1], words[:-1], n, np.arange(begin - 1, len(ids) - 1), ids[begin:])
            for ids, words, n, begin in zip(
                (good_ids, bad_ids), (good_words, bad_words), (len(good), len(bad)), first, strict=True
            )
        ]
        return AskedPair(whole[0], whole[1], slice(None), slice(None), normalised=True)

    def _donor(self, paired: Words, n: int) -> NDArray[np.int64] | str:
        ids, _ = self._read(paired)
        if len(ids) < n:
            return f"its paired sentence has {len(ids)} sub-words, where {n} stand before the difference"
        return ids[:n]

    def _pseudo(self, good: Words, bad: Words) -> AskedPair:
        """Hide each sub-word of a sentence in turn and ask for it: the pseudo-log-likelihood of Salazar et al., 2020."""
        if self._head.mask_id is None:
            raise ModelError("the tokenizer has no mask token, so that no word can be hidden")
        sides = []
        for words in (good, bad):
            ids, of_word = self._read(words)
            hidden = []
            for place in np.flatnonzero(of_word >= 0):
                masked = ids.copy()
                masked[place] = self._head.mask_id
                hidden.append(Asked(masked, of_word, len(words), np.array([place]), ids[[place]]))
            sides.append(hidden)
        (one, *more_good), (other, *more_bad) = sides
        everything = slice(None)
        return AskedPair(
            one, other, everything, everything, normalised=True, more_good=tuple(more_good), more_bad=tuple(more_bad)
        )

    def _masked(self, good: Words, bad: Words) -> AskedPair | str:
        """Hide the words that differ, and ask for their sub-words."""
        before = next((i for i, (a, b) in enumerate(zip(good, bad, strict=False)) if a != b), min(len(good), len(bad)))
        behind = 0
        while behind < min(len(good), len(bad)) - before and good[-1 - behind] == bad[-1 - behind]:
            behind += 1
        sides = []
        for words in (good, bad):
            ids, of_word = self._read(words)
            hidden = (of_word >= before) & (of_word < len(words) - behind)
            if not hidden.any():
                return "one of its sentences has no word where they differ; a masked head can hide none"
            if self._head.mask_id is None:
                raise ModelError("the tokenizer has no mask token, so that no word can be hidden")
            places = np.flatnonzero(hidden)
            sides.append((np.where(hidden, self._head.mask_id, ids), of_word, len(words), places, ids[places]))
        one, other = sides
        if np.array_equal(one[0], other[0]):
            n = len(one[3])
            both = Asked(*one[:3], np.concatenate([one[3], other[3]]), np.concatenate([one[4], other[4]]))
            return AskedPair(both, both, slice(0, n), slice(n, 2 * n), normalised=False)
        return AskedPair(Asked(*one), Asked(*other), slice(None), slice(None), normalised=True)
