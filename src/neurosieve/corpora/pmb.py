"""The Parallel Meaning Bank's column files: one word a line, layers in tab-separated columns.

A comment ``# tok:gold ... rol:gold`` names the layers; without it 7 columns are ``tok tok sym sem cat sns rol`` and 6
are ``tok sym sem cat sns rol``. Properties: ``sem`` (semantic tag), ``ccg`` (CCG category, the layer ``cat``), ``sym``,
``sns``, ``rol``. A document may hold several sentences, divided by blank lines.

The bank joins words that mean one thing with ``~`` (``Brad~Pitt``). They stay one word with one label, written with a
space (``Brad Pitt``), as a model reads the name in running text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import WORD, most, sentence_from_rows
from neurosieve.corpora.source import TextFile, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

_LAYERS = {
    7: (WORD, None, "sym", "sem", "ccg", "sns", "rol"),
    6: (WORD, "sym", "sem", "ccg", "sns", "rol"),
}
_NAMES = {"cat": "ccg"}
_COMMENT = re.compile(r"#+ ")  # words hold no spaces here, so `#` as a word is followed by a tab
_LAYER_NAMES = re.compile(r"# (tok:\w+(\t\w+:\w+)+)$")
_SEMANTIC_TAG = re.compile(r"[A-Z]{3}|\?")


def joined(word: str) -> str:
    """Write ``~`` inside a word as a space; a word that is nothing else stays."""
    return word.replace("~", " ").strip() or word


def recognise(head: Sequence[str]) -> bool:
    """Six or seven tab-separated columns, with the bank's layer comment or its semantic tags at their place."""
    rows = [line.split("\t") for line in head if not _COMMENT.match(line)]
    if any(_LAYER_NAMES.match(line) for line in head):
        return True
    return most(len(row) in _LAYERS and bool(_SEMANTIC_TAG.fullmatch(row[len(row) - 4])) for row in rows)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read the bank's 6- and 7-column releases.

    Raises
    ------
    CorpusError
        If a line has another number of columns than the file's layers.
    """
    names: tuple[str | None, ...] | None = None
    for block in blocks(file):
        rows: list[tuple[int, list[str]]] = []
        for line, text in block:
            layers = _LAYER_NAMES.match(text)
            if layers:
                names = _layers(layers.group(1))
            elif not _COMMENT.match(text):
                cells = text.split("\t")
                rows.append((line, [joined(cells[0]), *cells[1:]]))
        if rows:
            names = names or _LAYERS.get(len(rows[0][1]), _LAYERS[7])
            yield sentence_from_rows(file, rows, names)


def _layers(comment: str) -> tuple[str | None, ...]:
    """Read ``tok:gold<TAB>sem:gold``: the first ``tok`` is the word, another one repeats it."""
    layers = [layer.partition(":")[0] for layer in comment.split("\t")]
    return (WORD, *(None if name == "tok" else _NAMES.get(name, name) for name in layers[1:]))
