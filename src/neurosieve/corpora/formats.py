"""The formats of annotated text: how each is recognised, and what reads it.

To add a format, write a module with ``recognise(head)`` and ``read(file, columns)`` and add a line to `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from neurosieve.corpora import ccgbank, columns, conllu, conllx, pipe, pmb, ptb, semtag, sentences, tsv
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.source import TextFile
from neurosieve.errors import CorpusError

Names: TypeAlias = Sequence[str | None] | None
Recogniser: TypeAlias = Callable[[Sequence[str]], bool]
Reader: TypeAlias = Callable[[TextFile, Names], Iterator[Sentence]]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes
    ----------
    name : str
        What ``format=`` calls it.
    summary : str
        One line for messages and documents.
    recognise : callable
        From the first lines of a file that are not blank (at least one) to whether they are in this format.
    read : callable
        From a file and the names of its columns (or ``None``) to its sentences, without splits.
    takes_columns : bool
        Whether the user may name the columns.
    scheme : str, optional
        How sections of the Wall Street Journal are divided unless the user says otherwise.
    columns : tuple of str or callable
        Names of the properties that its columns are, or what tells them from a file and the names that the user gave.
    left_out : str
        Which columns are no properties, and why.
    """

    name: str
    summary: str
    recognise: Recogniser
    read: Reader
    takes_columns: bool = False
    scheme: str | None = None
    columns: tuple[str | None, ...] | Callable[[TextFile, Names], Sequence[str | None] | None] = ()
    left_out: str = ""

    def columns_of(self, file: TextFile, names: Names) -> Sequence[str | None]:
        """Names of the properties that the columns of a file are; ``None`` for a column that is left out."""
        return (self.columns(file, names) or ()) if callable(self.columns) else self.columns


def _never(head: Sequence[str]) -> bool:  # noqa: ARG001
    """Columns that the user must name are not recognised."""
    return False


FORMATS: dict[str, Format] = {
    fmt.name: fmt
    for fmt in (
        Format(
            "ccgbank",
            "CCGbank derivations (.auto)",
            ccgbank.recognise,
            ccgbank.read,
            scheme="ccgbank",
            left_out=ccgbank.LEFT_OUT,
        ),
        Format("ptb", "Penn Treebank bracketed trees (.mrg)", ptb.recognise, ptb.read, scheme="tagging"),
        Format("conllx", "CoNLL-X, five to ten columns", conllx.recognise, conllx.read, left_out=conllx.LEFT_OUT),
        Format(
            "conllu",
            "CoNLL-U of Universal Dependencies",
            conllu.recognise,
            conllu.read,
            columns=conllu.NAMES,
            left_out=conllu.LEFT_OUT,
        ),
        Format("pmb", "Parallel Meaning Bank, six or seven layers", pmb.recognise, pmb.read),
        Format("semtag", "word and semantic tag", semtag.recognise, semtag.read),
        Format(
            "sentences",
            "a labelled sentence a line",
            sentences.recognise,
            sentences.read,
            takes_columns=True,
            columns=sentences.names_of,
        ),
        Format(
            "tsv", "tab-separated words and labels", tsv.recognise, tsv.read, takes_columns=True, columns=tsv.names_of
        ),
        Format(
            "conll2000",
            "word POS chunk",
            columns.recognise_conll2000,
            columns.read_conll2000,
            columns=columns.CONLL2000,
        ),
        Format(
            "conll2002",
            "word POS entity",
            columns.recognise_conll2002,
            columns.read_conll2002,
            columns=columns.CONLL2002,
        ),
        Format("conll2003", "word POS chunk entity", columns.recognise_conll2003, columns.read_conll2003),
        Format("pipe", "word|POS|category", pipe.recognise, pipe.read),
        Format(
            "columns",
            "white-space columns named by the user",
            _never,
            columns.read_columns,
            takes_columns=True,
            columns=lambda _, names: names,
        ),
    )
}
"""Formats by name, in the order in which they are tried: the more specific first."""


def named_format(name: str) -> Format:
    """Return the format of that name.

    Raises
    ------
    CorpusError
        If there is none; the message lists all.
    """
    if name not in FORMATS:
        raise CorpusError(f"format '{name}' is not known; formats are {', '.join(FORMATS)}")
    return FORMATS[name]


def recognise(file: TextFile, *, column_names: Sequence[str | None] | None = None) -> Format:
    """Recognise the format from what the file holds.

    Raises
    ------
    CorpusError
        If no format fits.
    """
    head = file.head()
    if column_names is not None:
        if sentences.names_sentences(column_names):
            return FORMATS["sentences"]
        return FORMATS["tsv" if all("\t" in line for line in head) else "columns"]
    for fmt in FORMATS.values():
        if fmt.recognise(head):
            return fmt
    start = head[0] if len(head[0]) <= 60 else head[0][:57] + "..."
    raise CorpusError(
        f"{file.path}: the format is not recognised (the file begins {start!r}); name the columns, "
        f"columns=['word', 'pos', ...], or the format, one of {', '.join(FORMATS)}"
    )
