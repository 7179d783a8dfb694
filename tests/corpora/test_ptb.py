from __future__ import annotations

import pytest

from neurosieve.corpora import ptb
from neurosieve.corpora.source import TextFile
from neurosieve.errors import CorpusError

TREES = """\

( (S
    (NP-SBJ-1 (NNP Vinken) (-LRB- -LRB-) (CD 1\\/2) (-RRB- -RRB-) )
    (VP (VBD was)
      (VP (VBN seen)
        (NP (-NONE- *-1) )
        (PP-CLR (IN at) (NP (NN home) ))))
    (. .) ))
( (NP (-NONE- *) ))
(S1 (X (NN|VB run)) ('' ''))
"""


def test_leaves_without_traces_and_with_escapes_undone(lines) -> None:
    first, second = ptb.read(lines(TREES))  # the second tree holds nothing but a trace
    assert first.words == ("Vinken", "(", "1/2", ")", "was", "seen", "at", "home", ".")
    assert first.labels == {"pos": ("NNP", "-LRB-", "CD", "-RRB-", "VBD", "VBN", "IN", "NN", ".")}
    assert first.source == "file:2"
    assert first.sentence_labels == {}
    assert second.words == ("run", "''")
    assert second.labels["pos"][0] == "NN|VB"


def test_the_section_is_read_off_the_name_of_the_article() -> None:
    (sentence,) = ptb.read(TextFile("/treebank/wsj/02/wsj_0205.mrg", ["( (NN dog) )"]))
    assert sentence.sentence_labels == {"section": "02"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("( (S (NN dog)\n\n", r"file:1: the tree that begins here lacks 2 closing brackets"),
        ("( (NN dog) ) )", r"file:1: '\)' stands outside of a tree"),
        ("( (NN dog) )\ndog", r"file:2: 'dog' stands outside of a tree"),
        ("( (NN hot dog) )", r"file:1: leaf '\(NN hot dog\)' holds two words"),
        ("( (S (NN) (NN dog)))", r"file:1: node '\(NN\)' is empty"),
        ("( )", r"file:1: node '\(\)' is empty"),
        ("( (S\n(NP a (NN dog))))", r"file:2: node 'NP a' holds a word and a node"),
    ],
)
def test_damage_is_refused_with_its_line(lines, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(ptb.read(lines(text)))


def test_escapes() -> None:
    words = ["-LRB-", "-RSB-", "-LCB-", "\\*\\*", "2\\/3", "--", "``"]
    assert [ptb.unescape(word) for word in words] == ["(", "]", "{", "**", "2/3", "--", "``"]
