r"""Penn Treebank bracketed trees (``.mrg``): the property ``pos`` from the leaves ``(NN word)``.

Traces (``-NONE-``) are no words. Escapes are undone, so that a model reads what the newspaper printed: ``-LRB-`` is
``(`` and ``1\/2`` is ``1/2``; quotes stay as the treebank writes them. Labels are kept as they are (``-LRB-``, and
``NN|VB`` where annotators left it open).
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from neurosieve.corpora.labelled import make_sentence
from neurosieve.corpora.sections import section_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neurosieve.corpora.annotated import Sentence
    from neurosieve.corpora.source import TextFile

TRACE = "-NONE-"
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
_TOKEN = re.compile(r"[()]|[^ \t()]+")
_LEAF = re.compile(r"\([^\s()<]+ +[^\s()]+\)")


def unescape(word: str) -> str:
    r"""Undo the treebank's escapes: bracket codes, ``\/`` and ``\*``."""
    return _BRACKETS.get(word) or word.replace("\\/", "/").replace("\\*", "*")


def recognise(head: Sequence[str]) -> bool:
    """Look for an opening bracket first, and a leaf ``(TAG word)`` somewhere."""
    return head[0].lstrip().startswith("(") and any(_LEAF.search(line) for line in head)


def read(file: TextFile, columns: Sequence[str | None] | None = None) -> Iterator[Sentence]:  # noqa: ARG001
    """Read bracketed trees; articles named like ``wsj_0200`` give their sentences the label ``section``.

    Raises
    ------
    CorpusError
        If brackets do not match, or a node is neither a leaf with one word nor made of nodes.
    """
    section = section_label(PurePath(file.path).name)
    for line, leaves in _trees(file):
        words = [(unescape(word), tag) for tag, word in leaves if tag != TRACE]
        if words:  # a tree may hold nothing but a trace
            forms, tags = zip(*words, strict=True)
            yield make_sentence(file, line, forms, labels=[("pos", tags)], sentence_labels=section)


def _trees(file: TextFile) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Yield (line, [(tag, word), ...]) for each tree; a node is open as the list of its label and word."""
    open_nodes: list[list[str]] = []
    leaves: list[tuple[str, str]] = []
    start, before = 0, ""
    for line, text in enumerate(file.lines, 1):
        for token in _TOKEN.findall(text):
            if token == "(":
                if not open_nodes:
                    start, leaves = line, []
                elif len(open_nodes[-1]) > 1:
                    raise file.error(line, f"node '{' '.join(open_nodes[-1])}' holds a word and a node; mend the tree")
                open_nodes.append([])
            elif not open_nodes:
                raise file.error(line, f"'{token}' stands outside of a tree; check the brackets of the tree before it")
            elif token == ")":
                node = open_nodes.pop()
                if len(node) < 2 and before != ")":
                    raise file.error(line, f"node '({''.join(node)})' is empty; a node holds a word or nodes")
                if len(node) > 1:
                    leaves.append((node[0], node[1]))
                if not open_nodes:
                    yield start, leaves
            else:
                open_nodes[-1].append(token)
                if len(open_nodes[-1]) > 2:
                    raise file.error(line, f"leaf '({' '.join(open_nodes[-1])})' holds two words; a leaf holds one")
            before = token
    if open_nodes:
        raise file.error(start, f"the tree that begins here lacks {len(open_nodes)} closing brackets; mend it")
