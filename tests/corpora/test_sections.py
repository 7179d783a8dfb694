from __future__ import annotations

import pytest

from neurosieve.corpora import Sentence
from neurosieve.corpora.sections import by_section, section_label
from neurosieve.errors import CorpusError


def article(section: int) -> Sentence:
    return Sentence(("x",), source=f"wsj_{section:02d}00.mrg:1", sentence_labels=section_label(f"wsj_{section:02d}00"))


ALL = [article(section) for section in range(25)]


@pytest.mark.parametrize(
    ("scheme", "train", "dev", "test", "unused"),
    [
        ("tagging", range(19), [19, 20, 21], [22, 23, 24], []),
        ("parsing", range(2, 22), [22], [23], ["00", "01", "24"]),
        ("ccgbank", range(2, 22), [0], [23], ["01", "22", "24"]),
    ],
)
def test_the_usual_divisions(scheme, train, dev, test, unused) -> None:
    divided, left_out = by_section(ALL, scheme)
    for split, sections in (("train", train), ("dev", dev), ("test", test)):
        assert [int(s.sentence_labels["section"]) for s in divided if s.split == split] == list(sections)
    assert left_out == unused


def test_sections_come_from_the_names_of_articles() -> None:
    assert section_label("wsj_1234.mrg") == {"section": "12"}
    assert section_label("brown_cf01.mrg") == {}


def test_sentences_without_a_section_and_unknown_schemes_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"a\.mrg:3: nothing says in which section"):
        by_section([Sentence(("x",), source="a.mrg:3")], "tagging")
    with pytest.raises(
        CorpusError, match="'chunking' are not known; sections are divided as tagging, parsing, ccgbank"
    ):
        by_section(ALL, "chunking")
