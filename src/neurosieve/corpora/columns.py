"""White-space columns: one word a line, blank lines between sentences, no comments (``#`` is a word).

CoNLL-2000 (``word POS chunk``), CoNLL-2002 (``word POS entity``) and CoNLL-2003 (``word POS chunk entity``, or five columns
with a lemma) are recognised; columns of any other file are named by the user.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import check_columns, sentence_from_rows
from neurosieve.corpora.source import TextFile, blocks, is_blank, never
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

CONLL2000 = ("word", "pos", "chunk")
CONLL2002 = ("word", "pos", "ner")
CONLL2003 = ("word", "pos", "chunk", "ner")
CONLL2003_LEMMA = ("word", "lemma", "pos", "chunk", "ner")

CHUNKS = frozenset(
    (
        "NP",
        "VP",
        "PP",
        "ADVP",
        "SBAR",
        "ADJP",
        "PRT",
        "CONJP",
        "INTJ",
        "LST",
        "UCP",
        "NC",
        "VC",
        "PC",
    )
)
"""Kinds of phrases, of English and German; spans of other kinds are hardly chunks."""
ENTITIES = frozenset(
    (
        "PER",
        "LOC",
        "ORG",
        "MISC",
        "PERSON",
        "LOCATION",
        "ORGANIZATION",
        "GPE",
        "NORP",
        "FAC",
        "FACILITY",
        "PRODUCT",
        "EVENT",
        "LAW",
        "LANGUAGE",
        "DATE",
        "TIME",
        "MONEY",
        "PERCENT",
        "QUANTITY",
        "ORDINAL",
        "CARDINAL",
        "WORK_OF_ART",
        "VEHICLE",
        "GROUP",
        "TITLE",
        "CORP",
        "PROD",
        "CW",
        "GRP",
    )
)
"""Kinds of entities, of CoNLL-2002 and 2003, OntoNotes and their kin."""

DOCUMENT = "-DOCSTART-"
_SPAN = re.compile(r"O|[BIESL]-\S+")
_SPACE = re.compile(r"[ \t]+")  # not str.split: a no-break space may be part of a word


def cells(line: str) -> list[str]:
    """Split a line at runs of spaces and tabs."""
    return _SPACE.split(line.strip(" \t"))


def _document(line: str) -> bool:
    return line.startswith(DOCUMENT)


def _kinds(spans: Iterable[str]) -> set[str]:
    """Kinds of spans, without the letter before them: B-NP and I-NP are NP."""
    return {span[2:].upper() for span in spans if span != "O"}


def _are_chunks(spans: Iterable[str]) -> bool:
    """Whether more kinds are those of chunks than are not."""
    kinds = _kinds(spans)
    return 2 * len(kinds & CHUNKS) > len(kinds)


def recognise_conll2000(head: Sequence[str]) -> bool:
    """Three columns, the last a chunk label such as ``B-NP``; spans of other kinds are not called chunks."""
    rows = [row for row in map(cells, head) if len(row) == 3 and _SPAN.fullmatch(row[2])]
    return len(rows) >= 0.8 * len(head) and _are_chunks(row[2] for row in rows)


def recognise_conll2002(head: Sequence[str]) -> bool:
    """Three columns, the last an entity label such as ``B-PER``; lines ``-DOCSTART-`` do not count."""
    lines = [line for line in head if not _document(line)]
    rows = [row for row in map(cells, lines) if len(row) == 3 and _SPAN.fullmatch(row[2])]
    return len(rows) >= 0.8 * len(lines) and bool(_kinds(row[2] for row in rows) & ENTITIES)


def recognise_conll2003(head: Sequence[str]) -> bool:
    """Four or five columns, the last two chunk and entity labels; lines ``-DOCSTART-`` do not count.

    Where the last but one has kinds of entities, the columns are others than these and must be named.
    """
    rows = [cells(line) for line in head if not _document(line)]
    fit = [row for row in rows if len(row) in (4, 5) and all(_SPAN.fullmatch(cell) for cell in row[-2:])]
    return bool(rows) and len(fit) >= 0.8 * len(rows) and not _kinds(row[-2] for row in fit) & ENTITIES


def read_conll2000(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read ``word POS chunk``: properties ``pos`` and ``chunk``."""
    return read_columns(file, CONLL2000)


def read_conll2002(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read ``word POS entity``: properties ``pos`` and ``ner``."""
    return read_columns(file, CONLL2002, drop=_document)


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
