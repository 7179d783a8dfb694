"""Who gets which split: the rules by which `load_corpus` divides sentences, with a note on each rule applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import SPLITS
from neurosieve.corpora.sections import by_section, has_sections
from neurosieve.corpora.splits import by_fraction, check_fractions, take_from_train
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_FRACTION = 0.1


@dataclass(frozen=True)
class Division:
    """What the user asked of the division.

    Attributes
    ----------
    scheme : str, optional
        How sections of the Wall Street Journal are divided.
    dev_fraction, test_fraction : float, optional
        Share of a split that the files do not give; ``None`` is `DEFAULT_FRACTION`.
    random_state : int
        Of the random division.
    """

    scheme: str | None = None
    dev_fraction: float | None = None
    test_fraction: float | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        check_fractions(self.dev_fraction, self.test_fraction)

    @property
    def asked(self) -> dict[str, float]:
        """Fractions that the user gave."""
        given = {"test": self.test_fraction, "dev": self.dev_fraction}
        return {split: fraction for split, fraction in given.items() if fraction is not None}

    @property
    def fractions(self) -> dict[str, float]:
        """Fractions that the user gave, or the default."""
        return {"test": DEFAULT_FRACTION, "dev": DEFAULT_FRACTION, **self.asked}


def divide(
    sentences: list[Sentence], division: Division, *, named: bool, usual_scheme: str | None = None
) -> tuple[list[Sentence], list[str]]:
    """Give every sentence its split.

    The first rule that applies: the scheme that the user names; the splits that the sentences have, if `named`, with
    the end of train for a split that is missing; the format's usual scheme, if it fills all splits and the user gives
    no fraction; else at random by fraction.

    Parameters
    ----------
    sentences : list of Sentence
    division : Division
    named : bool
        Whether the splits that the sentences have were said by the user or by file names.
    usual_scheme : str, optional
        How sections of this format are divided unless the user says otherwise.

    Returns
    -------
    divided : list of Sentence
    notes : list of str
        How it was done, and what was left out.

    Raises
    ------
    CorpusError
        If a split has no words, or a fraction is given for a split that files give.
    """
    if division.scheme is not None:
        return _by_scheme(sentences, division)
    if named:
        return _complete(sentences, division)
    if usual_scheme is not None and not division.asked and has_sections(sentences):
        divided, unused = by_section(sentences, usual_scheme)
        if not _missing(divided):
            return divided, _scheme_notes(usual_scheme, unused, len(sentences) - len(divided))
    dev, test, seed = division.fractions["dev"], division.fractions["test"], division.random_state
    note = f"divided at random: dev {dev:g} and test {test:g} of the sentences, random_state {seed}"
    if dev == test == 0:
        note = "all sentences are train"
    return by_fraction(sentences, dev_fraction=dev, test_fraction=test, random_state=seed), [note]


def _by_scheme(sentences: list[Sentence], division: Division) -> tuple[list[Sentence], list[str]]:
    if division.asked:
        raise CorpusError(f"splits '{division.scheme}' divides by section; leave out dev_fraction and test_fraction")
    scheme = str(division.scheme)
    divided, unused = by_section(sentences, scheme)
    for split in _missing(divided):
        raise CorpusError(
            f"split '{split}' of '{scheme}' has no words: no file holds one of its sections; give all sections, or "
            "leave out splits to divide the sentences at random"
        )
    return divided, _scheme_notes(scheme, unused, len(sentences) - len(divided))


def _scheme_notes(scheme: str, unused: list[str], n_unused: int) -> list[str]:
    notes = [f"sections of the Wall Street Journal divided as for {scheme}"]
    if unused:
        notes.append(f"sections in no split: {', '.join(unused)} ({n_unused} sentences left out)")
    return notes


def _complete(sentences: list[Sentence], division: Division) -> tuple[list[Sentence], list[str]]:
    """Take the splits that no file gives from the end of train."""
    absent = _missing(sentences)
    if "train" in absent:
        raise CorpusError("no file gives split 'train'; name the files of each split: splits={'train': ..., ...}")
    for split in division.asked:
        if split not in absent:
            raise CorpusError(f"{split}_fraction is given, but files give split '{split}'; leave out one of the two")
    wanted: Mapping[str, float] = {split: f for split, f in division.fractions.items() if split in absent}
    n_train = sum(sentence.split == "train" for sentence in sentences)
    divided = take_from_train(sentences, wanted)
    taken = {split: sum(sentence.split == split for sentence in divided) for split in wanted}
    return divided, [
        f"no file gives {split}: {n} of {n_train} sentences, from the end of train" for split, n in taken.items()
    ]


def _missing(sentences: list[Sentence]) -> list[str]:
    present = {sentence.split for sentence in sentences}
    return [split for split in SPLITS if split not in present]
