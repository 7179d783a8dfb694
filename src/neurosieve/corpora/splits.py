"""Which sentences train, choose (dev) and report (test): from file names, by fraction, or from the end of train.

A division by fraction orders the sentences by a hash of their words and `random_state`, so that it depends neither on
their order nor on the machine, and keeps equal sentences together: what is tested on is not trained on.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from neurosieve.corpora.annotated import Sentence

_SPLIT_OF_NAME = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "valid", "validation", "val", "testa"), "dev"),
    **dict.fromkeys(("test", "testing", "tst", "testb"), "test"),
    "eval": "eval",
}
_PART = re.compile(r"[a-z]+")


def split_name(name: str) -> str:
    """Return the split that a user's or owner's word means: ``validation`` is ``dev``; unknown words stay."""
    return _SPLIT_OF_NAME.get(name.lower(), name)


def split_in_name(name: str) -> str | None:
    """Return the split that the name of a file or folder says, ``None`` if it says none.

    CoNLL-2003's ``testa`` and ``testb`` are dev and test. Where a name says several, the last counts.
    """
    said = [_SPLIT_OF_NAME[part] for part in _PART.findall(name.lower()) if part in _SPLIT_OF_NAME]
    return said[-1] if said else None


def check_fractions(dev_fraction: float | None, test_fraction: float | None) -> None:
    """Raise a `CorpusError` unless both fractions lie in [0, 1) and leave something to train on."""
    for name, fraction in (("dev_fraction", dev_fraction), ("test_fraction", test_fraction)):
        if fraction is not None and not 0 <= fraction < 1:
            raise CorpusError(f"{name} is {fraction}; give a fraction of the sentences, at least 0 and below 1")
    if (dev_fraction or 0) + (test_fraction or 0) >= 1:
        raise CorpusError(f"dev_fraction {dev_fraction} and test_fraction {test_fraction} leave nothing to train on")


def by_fraction(
    sentences: Sequence[Sentence], *, dev_fraction: float, test_fraction: float, random_state: int = 0
) -> list[Sentence]:
    """Divide sentences at random into train, dev and test.

    Parameters
    ----------
    sentences : sequence of Sentence, length n_sentences
    dev_fraction, test_fraction : float
        Share of the sentences; each that is above 0 gets at least one.
    random_state : int
        Another number gives another division.

    Returns
    -------
    list of Sentence, length n_sentences
        The same sentences in the same order, with their split.

    Raises
    ------
    CorpusError
        If there are fewer different sentences than splits.
    """
    check_fractions(dev_fraction, test_fraction)
    counts: dict[str, int] = {}
    for sentence in sentences:
        text = _text(sentence)
        counts[text] = counts.get(text, 0) + 1
    wanted = {
        split: max(1, round(fraction * len(sentences)))
        for split, fraction in (("test", test_fraction), ("dev", dev_fraction))
        if fraction > 0
    }
    if len(counts) <= len(wanted):
        raise CorpusError(
            f"{len(counts)} different sentences cannot be divided into train, {' and '.join(reversed(wanted))}; "
            "give more text"
        )
    order = sorted(counts, key=lambda text: _hash(text, random_state))
    split_of = _fill(order, counts, wanted)
    return [replace(sentence, split=split_of.get(_text(sentence), "train")) for sentence in sentences]


def _fill(order: Sequence[str], counts: Mapping[str, int], wanted: Mapping[str, int]) -> dict[str, str]:
    """Give texts in order to the wanted splits until each has its number of sentences, and at least one text."""
    split_of: dict[str, str] = {}
    at = 0
    for n_left, (split, n_wanted) in enumerate(wanted.items(), 1):
        taken = 0
        last = len(order) - (len(wanted) - n_left) - 1  # leave one text to each split to come, train among them
        while taken < n_wanted and at < last:
            split_of[order[at]] = split
            taken += counts[order[at]]
            at += 1
    return split_of


def _text(sentence: Sentence) -> str:
    return "\t".join(sentence.words)


def _hash(text: str, random_state: int) -> bytes:
    return hashlib.sha256(f"{random_state}\n{text}".encode("utf-8", "surrogatepass")).digest()


def take_from_train(sentences: Sequence[Sentence], fractions: Mapping[str, float]) -> list[Sentence]:
    """Give the last sentences of train to other splits, as is usual where the owner gives no dev.

    Parameters
    ----------
    sentences : sequence of Sentence, length n_sentences
    fractions : mapping of str to float
        Share of train's sentences for each split, rounded; each that is above 0 gets at least one. The first split
        gets the very last sentences, the next those before them.

    Returns
    -------
    list of Sentence, length n_sentences
        The same sentences in the same order.

    Raises
    ------
    CorpusError
        If nothing would remain to train on.
    """
    train = [at for at, sentence in enumerate(sentences) if sentence.split == "train"]
    n_train = len(train)
    divided = list(sentences)
    for split, fraction in fractions.items():
        n = max(1, round(fraction * n_train)) if fraction > 0 else 0
        if n >= len(train):
            raise CorpusError(f"train has {n_train} sentences, too few to give {n} of them to {split}; give more text")
        for at in train[len(train) - n :]:
            divided[at] = replace(sentences[at], split=split)
        train = train[: len(train) - n]
    return divided
