from __future__ import annotations

import pytest

from neurosieve.corpora import pmb, semtag
from neurosieve.errors import CorpusError

SEVEN = """\
### made by a script
# newdoc id = p00/d0001
# tok:gold·tok:gold·sym:gold·sem:gold·cat:gold·sns:gold·rol:gold
# raw sent = Brad Pitt left. #1!
Brad~Pitt·Brad~Pitt·brad~pitt·PER·n·male.n.02·[]
left·left·leave·EPS·s:dcl\\np·leave.v.01·[Theme]

#·#·#·NIL·.·O·[]
~·~·~·NIL·.·O·[]
"""
SIX = "# newdoc id = p00/d0002\nTom·tom·PER·n·male.n.02·[]\n"


def test_seven_columns_where_a_document_holds_two_sentences(lines) -> None:
    first, second = pmb.read(lines(SEVEN))
    assert first.words == ("Brad Pitt", "left")
    assert first.labels == {
        "sym": ("brad~pitt", "leave"),
        "sem": ("PER", "EPS"),
        "ccg": ("n", "s:dcl\\np"),
        "sns": ("male.n.02", "leave.v.01"),
        "rol": ("[]", "[Theme]"),
    }
    assert second.words == ("#", "~")
    assert second.source == "file:8"


def test_six_columns_without_names(lines) -> None:
    (sentence,) = pmb.read(lines(SIX))
    assert sentence.words == ("Tom",)
    assert sentence.labels["sem"] == ("PER",)
    assert sentence.labels["ccg"] == ("n",)


def test_the_comment_of_layers_decides_over_the_usual_order(lines) -> None:
    (sentence,) = pmb.read(lines("# tok:gold·sem:silver·cat:bronze\nTom·PER·n"))
    assert sentence.labels == {"sem": ("PER",), "ccg": ("n",)}


def test_ragged_lines_are_refused_with_their_line(lines) -> None:
    with pytest.raises(CorpusError, match=r"file:6: 2 columns where 7 are expected"):
        list(
            pmb.read(lines(SEVEN.replace("left·left·leave", "left").replace("·EPS·s:dcl\\np·leave.v.01·[Theme]", "·x")))
        )
    with pytest.raises(CorpusError, match=r"file:1: 5 columns where 7 are expected"):
        list(pmb.read(lines("Tom·tom·PER·n·[]")))


def test_semantic_tags_in_two_columns(lines) -> None:
    first, second = semtag.read(lines("Prime~Minister·UNK\n#·NIL\n\nsaid·PST"))
    assert first.words == ("Prime Minister", "#")
    assert first.labels == {"sem": ("UNK", "NIL")}
    assert second.source == "file:4"
    with pytest.raises(CorpusError, match=r"file:2: 1 columns where 2 are expected \(word, sem\)"):
        list(semtag.read(lines("a·DIS\nb")))
