"""Semantic tags in two tab-separated columns: ``word<TAB>TAG``, as the first releases of the tag set were distributed.

The property is ``sem``. Words joined with ``~`` are written with a space, as in the Parallel Meaning Bank.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import WORD, most, sentence_from_rows
from neurosieve.corpora.pmb import joined
from neurosieve.corpora.source import TextFile, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

_ROW = re.compile(r"[^\t]+\t[A-Z]{3}")


def recognise(head: Sequence[str]) -> bool:
    """Two tab-separated columns, the second three capital letters, from the first line on (there is no header)."""
    return bool(_ROW.fullmatch(head[0])) and most(bool(_ROW.fullmatch(line)) for line in head)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read two columns: the word and its semantic tag.

    Raises
    ------
    CorpusError
        If a line has another number of columns.
    """
    for block in blocks(file):
        rows = [(line, text.split("\t")) for line, text in block]
        yield sentence_from_rows(file, [(line, [joined(cells[0]), *cells[1:]]) for line, cells in rows], (WORD, "sem"))
