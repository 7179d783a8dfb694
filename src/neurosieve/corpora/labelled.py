"""What all readers of one-word-a-line formats share: rows to `Sentence`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosieve.corpora.annotated import Label, Sentence
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from neurosieve.corpora.source import TextFile

WORD = "word"
UNLABELLED = frozenset(("", "_"))
"""Cells that mean "no label" in formats of columns."""


def make_sentence(
    file: TextFile,
    line: int,
    words: Iterable[str],
    *,
    labels: Iterable[tuple[str, Sequence[Label]]],
    sentence_labels: Mapping[str, Label] | None = None,
) -> Sentence:
    """Build a sentence; a property without a single label in it is left out of its mapping."""
    return Sentence(
        words=tuple(words),
        labels={name: tuple(column) for name, column in labels if any(label is not None for label in column)},
        source=file.where(line),
        sentence_labels=sentence_labels or {},
    )


def label(cell: str) -> str | None:
    """Read a cell of labels: empty and ``_`` mean that the word has none."""
    return None if cell in UNLABELLED else cell


def sentence_from_rows(
    file: TextFile, rows: Sequence[tuple[int, Sequence[str]]], columns: Sequence[str | None]
) -> Sentence:
    """Turn rows of cells into a sentence.

    Parameters
    ----------
    file : TextFile
    rows : sequence of (line number, cells)
        One row a word, all with ``len(columns)`` cells.
    columns : sequence of str or None
        Name of each column; exactly one is ``"word"``; ``None`` leaves a column out.

    Raises
    ------
    CorpusError
        If a row has another number of cells, or an empty word.
    """
    at = list(columns).index(WORD)
    for line, cells in rows:
        if len(cells) != len(columns):
            names = ", ".join(name or "(left out)" for name in columns)
            raise file.error(
                line, f"{len(cells)} columns where {len(columns)} are expected ({names}); mend the line or name columns"
            )
        if not cells[at].strip():
            raise file.error(line, "the word is empty; give every line a word or remove the line")
    values = zip(*(cells for _, cells in rows), strict=True)
    named = [(name, column) for name, column in zip(columns, values, strict=True) if name not in (None, WORD)]
    return make_sentence(
        file,
        rows[0][0],
        (cells[at] for _, cells in rows),
        labels=((str(name), [label(cell) for cell in column]) for name, column in named),
    )


def check_columns(columns: Sequence[str | None]) -> tuple[str | None, ...]:
    """Check names of columns: ``word`` exactly once, no name twice, ``None`` or ``_`` for columns to leave out.

    Raises
    ------
    CorpusError
        If they do not fit.
    """
    names = tuple(None if name in (None, "_", "") else str(name).strip() for name in columns)
    given = [name for name in names if name is not None]
    if given.count(WORD) != 1:
        raise CorpusError(f"columns are {', '.join(given) or 'none'}; exactly one of them must be called 'word'")
    doubled = sorted({name for name in given if given.count(name) > 1})
    if doubled:
        raise CorpusError(f"columns: '{doubled[0]}' is there twice; give every column a name of its own")
    return names


def most(fits: Iterable[bool]) -> bool:
    """Say whether at least 4 of 5 lines fit, so that one ragged line is reported where it stands by the reader.

    A recogniser that demanded all lines would only say that the format is unknown.
    """
    answers = list(fits)
    return bool(answers) and sum(answers) >= 0.8 * len(answers)
