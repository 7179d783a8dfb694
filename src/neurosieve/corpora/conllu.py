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

from neurosieve.corpora.labelled import label, make_sentence, most
from neurosieve.corpora.source import TextFile, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.corpus import Sentence

WIDTH = 10
_COLUMNS = frozenset(("lemma", "upos", "xpos", "cpos", "pos", "feats", "deprel", "pdeprel"))
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
    for line, text in block:
        cells = text.split("\t")
        if len(cells) != WIDTH:
            raise file.error(line, f"{len(cells)} tab-separated columns where CoNLL-U has {WIDTH}; mend the line")
        if cells[0] == str(len(rows) + 1):
            if not cells[1].strip():
                raise file.error(line, "the form is empty; CoNLL-U gives every word a form")
            rows.append(cells)
        elif not _NOT_A_WORD.fullmatch(cells[0]):
            raise file.error(
                line,
                f"id '{cells[0]}' where {len(rows) + 1} is expected; ids count words from 1, "
                "and a blank line ends each sentence",
            )
    return rows


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

    A key that is called like a column (some CoNLL-X treebanks have ``pos=``) is named ``feats.KEY``.
    """
    values = [dict(_pairs(cell)) for cell in cells]
    for key in dict.fromkeys(key for pairs in values for key in pairs):
        name = f"feats.{key}" if not prefix and key in _COLUMNS else prefix + key
        yield name, [pairs.get(key) for pairs in values]


@lru_cache(maxsize=1 << 14)
def _pairs(cell: str) -> tuple[tuple[str, str], ...]:
    parts = (part.partition("=") for part in cell.split("|")) if "=" in cell else ()
    return tuple((key.strip(), value) for key, equals, value in parts if equals and key.strip() and value)
