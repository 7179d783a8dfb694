from __future__ import annotations

import pytest

from neurosieve.corpora import conllu
from neurosieve.errors import CorpusError

TEXT = """\
# sent_id = 1
1-2·don't·_·_·_·_·_·_·_·SpaceAfter=No
1·do·do·AUX·VBP·Mood=Ind|Tense=Pres·4·aux·4:aux·_
2·n't·not·PART·RB·_·4·advmod·4:advmod·_
3·New York·New York·PROPN·NNP·Number=Sing·4·obj·4:obj·_
4·_·_·SYM·NFP·_·0·root·0:root·Cxn=rc|SpaceAfter=No|odd
4.1·left·leave·VERB·VBD·Tense=Past·_·_·4:x·_

1·ok·ok·INTJ·_·_·0·root·0:root·_"""


def test_words_and_every_column(lines) -> None:
    first, second = conllu.read(lines(TEXT))
    assert first.words == ("do", "n't", "New York", "_")
    assert first.source == "file:2"
    assert first.labels == {
        "lemma": ("do", "not", "New York", "_"),
        "upos": ("AUX", "PART", "PROPN", "SYM"),
        "xpos": ("VBP", "RB", "NNP", "NFP"),
        "deprel": ("aux", "advmod", "obj", "root"),
        "feats": ("Mood=Ind|Tense=Pres", None, "Number=Sing", None),
        "Mood": ("Ind", None, None, None),
        "Tense": ("Pres", None, None, None),
        "Number": (None, None, "Sing", None),
        "misc.SpaceAfter": (None, None, None, "No"),
        "misc.Cxn": (None, None, None, "rc"),
    }
    assert set(second.labels) == {"lemma", "upos", "deprel"}  # `_` everywhere is no property


def test_a_missing_lemma_is_no_label(lines) -> None:
    (sentence,) = conllu.read(lines("1·ok·_·INTJ·UH·_·0·root·_·_\n2·so·so·ADV·RB·_·1·advmod·_·_"))
    assert sentence.labels["lemma"] == (None, "so")


def test_a_sentence_of_nothing_but_empty_nodes_is_no_sentence(lines) -> None:
    assert list(conllu.read(lines("0.1·left·leave·VERB·VBD·_·_·_·0:x·_"))) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1·a·a·DET·DT·_·0·root·_", r"file:1: 9 tab-separated columns where CoNLL-U has 10"),
        ("1·a·a·DET·DT·_·0·root·_·_\n\n3·b·b·X·X·_·0·root·_·_", r"file:3: id '3' where 1 is expected"),
        ("1·a·a·DET·DT·_·0·root·_·_\n1·b·b·X·X·_·0·root·_·_", r"file:2: id '1' where 2 is expected"),
        ("1·a·a·DET·DT·_·0·root·_·_\nx·b·b·X·X·_·0·root·_·_", r"file:2: id 'x' where 2 is expected"),
        ("# c\n1··a·DET·DT·_·0·root·_·_", r"file:2: the form is empty"),
    ],
)
def test_damage_is_refused_with_its_line(lines, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(conllu.read(lines(text)))
