"""The usual divisions of the Wall Street Journal treebanks, by section."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from neurosieve.corpora.annotated import Sentence

SECTION = "section"
"""Sentence label in which readers of Wall Street Journal treebanks put the two digits of the section."""

SCHEMES: Mapping[str, Mapping[str, range]] = {
    "tagging": {"train": range(19), "dev": range(19, 22), "test": range(22, 25)},
    "parsing": {"train": range(2, 22), "dev": range(22, 23), "test": range(23, 24)},
    "ccgbank": {"train": range(2, 22), "dev": range(1), "test": range(23, 24)},
}
"""Sections that each scheme gives to a split."""

_ARTICLE = re.compile(r"wsj_(\d\d)\d\d")


def section_label(name: str) -> dict[str, str]:
    """Return the sentence label ``section`` that an article's name such as ``wsj_0200`` says, if it says one."""
    found = _ARTICLE.search(name)
    return {SECTION: found.group(1)} if found else {}


def by_section(sentences: Sequence[Sentence], scheme: str) -> tuple[list[Sentence], list[str]]:
    """Divide sentences by the section that they stand in.

    Parameters
    ----------
    sentences : sequence of Sentence
        Each with the sentence label ``section``, two digits.
    scheme : str
        A key of `SCHEMES`.

    Returns
    -------
    divided : list of Sentence
        Those whose section the scheme uses, in order.
    unused : list of str
        Sections present that the scheme does not use, sorted.

    Raises
    ------
    CorpusError
        If the scheme is unknown or a sentence has no section.
    """
    if scheme not in SCHEMES:
        raise CorpusError(f"splits '{scheme}' are not known; sections are divided as {', '.join(SCHEMES)}")
    split_of = {f"{section:02d}": split for split, sections in SCHEMES[scheme].items() for section in sections}
    divided: list[Sentence] = []
    unused: set[str] = set()
    for sentence in sentences:
        section = sentence.sentence_labels.get(SECTION)
        if section is None:
            raise CorpusError(
                f"{sentence.source}: nothing says in which section of the Wall Street Journal this sentence stands "
                "(articles are named like wsj_0200); give the files of each split: splits={'train': ..., 'test': ...}"
            )
        if section in split_of:
            divided.append(replace(sentence, split=split_of[str(section)]))
        else:
            unused.add(str(section))
    return divided, sorted(unused)


def has_sections(sentences: Sequence[Sentence]) -> bool:
    """Say whether every sentence has a section."""
    return all(SECTION in sentence.sentence_labels for sentence in sentences)
