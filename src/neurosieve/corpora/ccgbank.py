"""CCGbank derivations (``.auto``): a line ``ID=wsj_0001.1 ...``, then the derivation on one line.

Each leaf ``(<L category modified-POS original-POS word predicate-argument-category>)`` gives the properties ``ccg``
and ``pos`` (the original part of speech). Escapes are undone as in the Penn Treebank. The id says the section.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import make_sentence
from neurosieve.corpora.ptb import unescape
from neurosieve.corpora.sections import section_label
from neurosieve.corpora.source import TextFile, is_blank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence

LEFT_OUT = "the modified part of speech and the predicate-argument category, which repeat the others"
_ID = "ID="
_OPEN = "(<L "
_LEAF = re.compile(r"\(<L (\S+) (\S+) (\S+) (\S+?)(?: [^ <>]+)+>\)")


def recognise(head: Sequence[str]) -> bool:
    """Look for an id or a derivation in the first line, and a derivation in the first two."""
    return head[0].startswith((_ID, "(<")) and any(line.startswith(("(<T ", _OPEN)) for line in head[:2])


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read derivations; the sentence label ``section`` comes from the id.

    Raises
    ------
    CorpusError
        If a line is neither id nor derivation, or a leaf does not have its five parts.
    """
    section: dict[str, str] = {}
    for line, text in enumerate(file.lines, 1):
        if text.startswith(_ID):
            section = section_label(text.split(" ", 1)[0])
        elif not is_blank(text):
            yield _sentence(file, line, text, section)


def _sentence(file: TextFile, line: int, text: str, section: dict[str, str]) -> Sentence:
    leaves = _LEAF.findall(text)
    if not leaves or len(leaves) != text.count(_OPEN):
        raise file.error(
            line,
            f"{len(leaves)} of {text.count(_OPEN)} leaves are whole; a derivation is one line of nodes '(<T ...> ...)' "
            "and leaves '(<L category POS POS word category>)'",
        )
    categories, _, tags, words = zip(*leaves, strict=True)
    return make_sentence(
        file, line, map(unescape, words), labels=[("ccg", categories), ("pos", tags)], sentence_labels=section
    )
