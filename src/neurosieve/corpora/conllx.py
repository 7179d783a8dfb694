"""CoNLL-X (2006 and 2007): up to ten tab-separated columns, no comments, ids that count the words.

Properties: ``lemma``, ``cpos`` (coarse part of speech), ``pos``, ``feats`` (and features by their own name, where they
are written ``Key=Value``), ``deprel`` and ``pdeprel``. A file may stop after any column from the fifth on. HEAD and
PHEAD hold positions in the sentence, which are no labels, and are left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurosieve.corpora.conllu import features
from neurosieve.corpora.labelled import label, make_sentence, most
from neurosieve.corpora.source import TextFile, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

COLUMNS = ("id", "form", "lemma", "cpos", "pos", "feats", "head", "deprel", "phead", "pdeprel")
LEFT_OUT = "HEAD and PHEAD, which hold positions in the sentence and no labels"
_LEAST = COLUMNS.index("pos") + 1
_POSITIONS = ("id", "form", "head", "phead")
_NUMBER = re.compile(r"\d+")


def recognise(head: Sequence[str]) -> bool:
    """Five to ten tab-separated columns, the first a number; if ten, then some ninth cell is a number.

    In CoNLL-U, which has ten columns, the ninth holds ``head:relation``.
    """
    rows = [line.split("\t") for line in head]
    if any(len(row) == len(COLUMNS) for row in rows) and not any(
        len(row) == len(COLUMNS) and _NUMBER.fullmatch(row[8]) for row in rows
    ):
        return False
    return most(_LEAST <= len(row) <= len(COLUMNS) and bool(_NUMBER.fullmatch(row[0])) for row in rows)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read CoNLL-X.

    Raises
    ------
    CorpusError
        If the lines of a sentence differ in their number of columns, or the ids do not count the words from 1.
    """
    for block in blocks(file):
        rows = [text.split("\t") for _, text in block]
        width = len(rows[0])
        for at, ((line, _), row) in enumerate(zip(block, rows, strict=True), 1):
            if len(row) != width or not _LEAST <= width <= len(COLUMNS):
                raise file.error(
                    line,
                    f"{len(row)} tab-separated columns where CoNLL-X has {_LEAST} to {len(COLUMNS)}, "
                    "the same number in all lines of a sentence; mend the line",
                )
            if row[0] != str(at):
                raise file.error(
                    line,
                    f"id '{row[0]}' where {at} is expected; ids count words from 1, and a blank line ends "
                    "each sentence",
                )
            if not row[1].strip():
                raise file.error(line, "the form is empty; give every line a word")
        cells = dict(zip(COLUMNS, zip(*rows, strict=True), strict=False))
        named = {name: [label(cell) for cell in column] for name, column in cells.items() if name not in _POSITIONS}
        labels = [*named.items(), *features(cells.get("feats", ()))]
        yield make_sentence(file, block[0][0], cells["form"], labels=labels)
