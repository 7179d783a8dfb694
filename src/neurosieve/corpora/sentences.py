"""Labelled sentences: tab-separated, one sentence a line, with a column ``sentence`` or ``text``.

All other columns are labels of the sentence as a whole. Words are what white space divides, so give text that is
tokenised where labels are to be compared with those of words. No quoting and no comments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.labelled import WORD, check_columns, label
from neurosieve.corpora.source import TextFile, is_blank
from neurosieve.corpora.tsv import WORD_NAMES
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SENTENCE_NAMES = ("sentence", "text")
"""Headers (in any case) that name the column of sentences."""


def names_sentences(names: Sequence[str | None]) -> bool:
    """Say whether exactly one of the names means a column of sentences, and none a column of words."""
    lowered = [(name or "").strip().lower() for name in names]
    return sum(name in SENTENCE_NAMES for name in lowered) == 1 and not set(lowered) & set(WORD_NAMES)


def recognise(head: Sequence[str]) -> bool:
    """Look for a header of at least two columns that names one of sentences."""
    names = head[0].split("\t")
    return len(names) > 1 and names_sentences(names)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:
    """Read a sentence a line; with `columns` the file has no header (one that says the same is passed over).

    Raises
    ------
    CorpusError
        Without a header and without names, if a line has another number of columns, or a sentence is empty.
    """
    lines = [(number, line.split("\t")) for number, line in enumerate(file.lines, 1) if not is_blank(line)]
    names = _names(lines[0][1] if columns is None else columns)
    if names is None:
        raise CorpusError(
            f"{file.path}: no column is called {' or '.join(SENTENCE_NAMES)}; add a header, or name the columns: "
            "columns=['sentence', 'label']"
        )
    at = names.index(WORD)
    for number, cells in lines[1 if columns is None or _names(lines[0][1]) == names else 0 :]:
        if len(cells) != len(names):
            raise file.error(number, f"{len(cells)} columns where {len(names)} are expected; mend the line")
        words = tuple(cells[at].split())
        if not words:
            raise file.error(number, "the sentence is empty; give it words or remove the line")
        whole = {name: label(cell) for name, cell in zip(names, cells, strict=True) if name not in (None, WORD)}
        yield Sentence(words, source=file.where(number), sentence_labels={str(n): value for n, value in whole.items()})


def _names(given: Sequence[str | None]) -> tuple[str | None, ...] | None:
    """Return the names of columns with ``word`` for that of the sentences; ``None`` if there is none."""
    if not names_sentences(given):
        return None
    return check_columns([WORD if (name or "").strip().lower() in SENTENCE_NAMES else name for name in given])


def names_of(file: TextFile, columns: Sequence[str | None] | None) -> Sequence[str | None] | None:
    """Names of the columns: those given, else those of the header."""
    return _names(file.head(1)[0].split("\t") if columns is None else columns)
