"""White-space columns: one word a line, blank lines between sentences, no comments (``#`` is a word).

CoNLL-2000 (``word POS chunk``) and CoNLL-2003 (``word POS chunk entity``, or five columns with a lemma) are
recognised; columns of any other file are named by the user.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import check_columns, most, sentence_from_rows
from neurosieve.corpora.source import TextFile, blocks, is_blank, never
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from neurosieve.corpora.corpus import Sentence

CONLL2000 = ("word", "pos", "chunk")
CONLL2003 = ("word", "pos", "chunk", "ner")
CONLL2003_LEMMA = ("word", "lemma", "pos", "chunk", "ner")

DOCUMENT = "-DOCSTART-"
_SPAN = re.compile(r"O|[BIESL]-\S+")
_SPACE = re.compile(r"[ \t]+")  # not str.split: a no-break space may be part of a word


def cells(line: str) -> list[str]:
    """Split a line at runs of spaces and tabs."""
    return _SPACE.split(line.strip(" \t"))


def _document(line: str) -> bool:
    return line.startswith(DOCUMENT)


def recognise_conll2000(head: Sequence[str]) -> bool:
    """Three columns, the last a chunk label such as ``B-NP``."""
    return most(len(row) == 3 and bool(_SPAN.fullmatch(row[2])) for row in map(cells, head))


def recognise_conll2003(head: Sequence[str]) -> bool:
    """Four or five columns, the last two chunk and entity labels; lines ``-DOCSTART-`` do not count."""
    rows = (cells(line) for line in head if not _document(line))
    return most(len(row) in (4, 5) and all(_SPAN.fullmatch(cell) for cell in row[-2:]) for row in rows)


def read_conll2000(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read ``word POS chunk``: properties ``pos`` and ``chunk``."""
    return read_columns(file, CONLL2000)


def read_conll2003(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read ``word POS chunk entity``: properties ``pos``, ``chunk`` and ``ner`` (and ``lemma``, with five columns)."""
    first = next((line for line in file.lines if not is_blank(line) and not _document(line)), "")
    names = CONLL2003_LEMMA if len(cells(first)) == len(CONLL2003_LEMMA) else CONLL2003
    return read_columns(file, names, drop=_document)


def read_columns(
    file: TextFile, columns: Sequence[str | None] | None, *, drop: Callable[[str], bool] = never
) -> Iterator[Sentence]:
    """Read white-space columns with names given by the user.

    Parameters
    ----------
    file : TextFile
    columns : sequence of str or None
        Names of all columns, ``"word"`` among them.
    drop : callable
        Says of a line whether to leave it out.

    Raises
    ------
    CorpusError
        Without names, or if a line has another number of columns.
    """
    if columns is None:
        width = len(cells(file.head(1)[0]))
        raise CorpusError(f"{file.path}: {width} columns without names; name them: columns=['word', 'pos', ...]")
    names = check_columns(columns)
    for block in blocks(file, drop):
        yield sentence_from_rows(file, [(line, cells(text)) for line, text in block], names)
