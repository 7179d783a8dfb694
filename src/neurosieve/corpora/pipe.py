"""The pipe format of CCG supertaggers (``staggedGold``): a sentence a line, words as ``word|POS|category``.

Properties: ``pos`` and ``ccg``. Lines that begin with ``# `` are comments. Escapes are undone as in the Penn Treebank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import make_sentence, most
from neurosieve.corpora.ptb import unescape
from neurosieve.corpora.source import TextFile, is_blank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

_PARTS = 3


def _comment(line: str) -> bool:
    return line.startswith("# ")


def recognise(head: Sequence[str]) -> bool:
    """Every word of nearly every line has two bars and three parts."""
    lines = [line for line in head if not _comment(line)]
    return most(all(_parts(item) is not None for item in line.split()) for line in lines)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read a sentence a line.

    Raises
    ------
    CorpusError
        If a word does not have its three parts.
    """
    for line, text in enumerate(file.lines, 1):
        if not is_blank(text) and not _comment(text):
            yield _sentence(file, line, text)


def _parts(item: str) -> list[str] | None:
    parts = item.rsplit("|", _PARTS - 1)  # a bar may be a word, but not part of a label
    return parts if len(parts) == _PARTS and all(parts) else None


def _sentence(file: TextFile, line: int, text: str) -> Sentence:
    rows: list[list[str]] = []
    for item in text.split():
        parts = _parts(item)
        if parts is None:
            raise file.error(line, f"'{item}' is not word|POS|category; give every word three parts divided by bars")
        rows.append(parts)
    if not rows:  # white space that divides words and is not blank, such as no-break spaces
        raise file.error(line, "holds no word, only white space of other kinds; delete the line, or make it empty")
    words, tags, categories = zip(*rows, strict=True)
    return make_sentence(file, line, map(unescape, words), labels=[("pos", tags), ("ccg", categories)])
