"""Tab-separated values: one word a line, blank lines between sentences, a header line or named columns.

No quoting and no comments: ``"`` and ``#`` are ordinary words. An empty cell or ``_`` in a column of labels means that
the word has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import WORD, check_columns, most, sentence_from_rows
from neurosieve.corpora.source import TextFile, blocks
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

WORD_NAMES = ("word", "words", "token", "tokens", "form")
"""Headers (in any case) that name the column of words."""


def header(line: str) -> tuple[str | None, ...] | None:
    """Return the columns that a header line names, or ``None`` if it names no column of words."""
    names = [name.strip() for name in line.split("\t")]
    found = [at for at, name in enumerate(names) if name.lower() in WORD_NAMES]
    if len(names) < 2 or len(found) != 1:
        return None
    names[found[0]] = WORD
    return check_columns(names)


def recognise(head: Sequence[str]) -> bool:
    """Tab-separated lines under a header that names a column of words."""
    return header(head[0]) is not None and most(line.count("\t") == head[0].count("\t") for line in head)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:
    """Read tab-separated values; with `columns` the file has no header (one that says the same is passed over).

    Raises
    ------
    CorpusError
        Without a header and without names, or if a line has another number of columns.
    """
    names = header(file.head(1)[0]) if columns is None else check_columns(columns)
    if names is None:
        raise CorpusError(
            f"{file.path}: the first line is no header (no column is called {', '.join(WORD_NAMES)}); "
            "add one, or name the columns: columns=['word', 'pos', ...]"
        )
    passed_header = False
    for block in blocks(file):
        rows = [(line, text.split("\t")) for line, text in block]
        if not passed_header:
            passed_header = True
            if columns is None or header(block[0][1]) == names:
                rows = rows[1:]
        if rows:
            yield sentence_from_rows(file, rows, names)


def names_of(file: TextFile, columns: Sequence[str | None] | None) -> Sequence[str | None] | None:
    """Names of the columns: those given, else those of the header."""
    return header(file.head(1)[0]) if columns is None else check_columns(columns)
