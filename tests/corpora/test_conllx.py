from __future__ import annotations

import pytest

from neurosieve.corpora import conllx
from neurosieve.errors import CorpusError


def test_columns_up_to_the_last_one_present(lines) -> None:
    first, second = conllx.read(
        lines("1·The·_·DT·DT·sg|def·2·NMOD·2·X\n2·dog·dog·N·NN·Case=Nom·0·ROOT·_·_\n\n1·#·_·#·#")
    )
    assert first.words == ("The", "dog")
    assert first.labels == {
        "lemma": (None, "dog"),
        "cpos": ("DT", "N"),
        "pos": ("DT", "NN"),
        "feats": ("sg|def", "Case=Nom"),
        "deprel": ("NMOD", "ROOT"),
        "pdeprel": ("X", None),
        "Case": (None, "Nom"),
    }
    assert second.words == ("#",)
    assert second.labels == {"cpos": ("#",), "pos": ("#",)}
    assert second.source == "file:4"


def test_a_feature_called_like_a_column_does_not_replace_it(lines) -> None:
    (sentence,) = conllx.read(lines("1·dog·_·N·NN·pos=noun|num=s"))
    assert sentence.labels == {
        "cpos": ("N",),
        "pos": ("NN",),
        "feats": ("pos=noun|num=s",),
        "feats.pos": ("noun",),
        "num": ("s",),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1·a·_·D·D\n2·b·_·N", r"file:2: 4 tab-separated columns where CoNLL-X has 5 to 10"),
        ("1·a·_·D", r"file:1: 4 tab-separated columns"),
        ("1·a·_·D·D\n3·b·_·N·N", r"file:2: id '3' where 2 is expected"),
        ("1·a·_·D·D\n2· ·_·N·N", r"file:2: the form is empty"),
    ],
)
def test_damage_is_refused_with_its_line(lines, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(conllx.read(lines(text)))
