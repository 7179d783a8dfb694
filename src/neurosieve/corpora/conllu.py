"""CoNLL-U: ten tab-separated columns, as Universal Dependencies distributes them.

Every column but the form is a property: ``lemma``, ``upos``, ``xpos``, ``feats`` (all features as one label) and each
feature by its own name (``Number``), ``deprel``, and each key of the last column as ``misc.KEY``. HEAD and DEPS hold
positions in the sentence, which are no labels, and are left out. ``_`` means that the word has no label. Multiword
tokens (``1-2``) and empty nodes (``8.1``) are not words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from neurosieve.corpora.corpus import RESERVED
from neurosieve.corpora.labelled import label, make_sentence, most
from neurosieve.corpora.source import TextFile, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

WIDTH = 10
NAMES = ("lemma", "upos", "xpos", "feats", "deprel")
LEFT_OUT = "HEAD and DEPS, which hold positions in the sentence and no labels; what has no '=' in MISC"
_COLUMNS = frozenset((*NAMES, "cpos", "pos", "pdeprel", *RESERVED))
_NOT_A_WORD = re.compile(r"\d+[-.]\d+")
_NUMBERED = re.compile(r"\d+([-.]\d+)?\t")


def _comment(line: str) -> bool:
    return line.startswith("#")


def recognise(head: Sequence[str]) -> bool:
    """Ten tab-separated columns, the first a number; comments do not count."""
    rows = [line for line in head if not _comment(line)]
    return most(line.count("\t") == WIDTH - 1 and bool(_NUMBERED.match(line)) for line in rows)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read CoNLL-U.

    Raises
    ------
    CorpusError
        If a line does not have ten columns, or the ids do not count the words from 1.
    """
    for block in blocks(file, _comment):
        rows = _word_rows(file, block)
        if rows:
            yield _sentence(file, block[0][0], rows)


def _word_rows(file: TextFile, block: list[tuple[int, str]]) -> list[list[str]]:
    rows: list[list[str]] = []
    covered = 0  # words up to here belong to ranges such as 1-2
    ranges: list[tuple[int, str, int]] = []
    for line, text in block:
        cells = text.split("\t")
        if len(cells) != WIDTH:
            raise file.error(line, f"{len(cells)} tab-separated columns where CoNLL-U has {WIDTH}; mend the line")
        if cells[0] == str(len(rows) + 1):
            if not cells[1].strip():
                raise file.error(line, "the form is empty; CoNLL-U gives every word a form")
            rows.append(cells)
        elif _NOT_A_WORD.fullmatch(cells[0]):
            covered = _require_place(file, line, cells[0], n_words=len(rows), covered=covered)
            ranges.append((line, cells[0], covered))
        else:
            raise file.error(
                line,
                f"id '{cells[0]}' where {len(rows) + 1} is expected; ids count words from 1, "
                "and a blank line ends each sentence",
            )
    for line, name, last in ranges:
        if last > len(rows):
            raise file.error(
                line,
                f"the range '{name}' covers words up to {last}, but the sentence has {len(rows)}: lines are lost; restore "
                "them, or mend the range",
            )
    return rows


def _require_place(file: TextFile, line: int, name: str, *, n_words: int, covered: int) -> int:
    """Refuse a multiword token or an empty node that does not stand where its id says; return the last word covered."""
    first, last = (int(part) for part in re.split("[-.]", name))
    if "." in name:
        if first != n_words:
            raise file.error(
                line,
                f"the empty node '{name}' stands after word {n_words}, not {first}: lines are lost or out of order; mend them",
            )
        return covered
    if first != n_words + 1 or last < first or first <= covered:
        raise file.error(
            line,
            f"the range '{name}' where word {n_words + 1} is next; a range stands before its first word, and no word "
            "belongs to two; mend the line",
        )
    return last


def _sentence(file: TextFile, line: int, rows: list[list[str]]) -> Sentence:
    _, forms, lemmas, upos, xpos, feats, _, deprels, _, misc = zip(*rows, strict=True)
    columns = {
        "lemma": [None if lemma == "_" and form != "_" else lemma for form, lemma in zip(forms, lemmas, strict=True)],
        "upos": [label(cell) for cell in upos],
        "xpos": [label(cell) for cell in xpos],
        "deprel": [label(cell) for cell in deprels],
        "feats": [label(cell) for cell in feats],
    }
    labels = [*columns.items(), *features(feats), *features(misc, prefix="misc.")]
    return make_sentence(file, line, forms, labels=labels)


def features(cells: Sequence[str], *, prefix: str = "") -> Iterator[tuple[str, list[str | None]]]:
    """Yield each key of ``Key=Value|Key=Value`` cells with its value for each word; parts without ``=`` have no key.

    A key that is called like a column (some CoNLL-X treebanks have ``pos=``) is named ``feats.KEY``; the values of one that a
    word has twice are joined by a comma.
    """
    values = [dict(_pairs(cell)) for cell in cells]
    for key in dict.fromkeys(key for pairs in values for key in pairs):
        name = f"feats.{key}" if not prefix and key in _COLUMNS else prefix + key
        yield name, [pairs.get(key) for pairs in values]


@lru_cache(maxsize=1 << 14)
def _pairs(cell: str) -> tuple[tuple[str, str], ...]:
    parts = (part.partition("=") for part in cell.split("|")) if "=" in cell else ()
    found: dict[str, str] = {}
    for key, equals, value in parts:
        name = key.strip()
        if equals and name and value:
            found[name] = f"{found[name]},{value}" if name in found else value
    return tuple(found.items())
