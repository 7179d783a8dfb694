from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.corpora import tsv
from neurosieve.corpora.source import TextFile
from neurosieve.errors import CorpusError


def test_quotes_hashes_and_spaces_are_ordinary(lines) -> None:
    first, second = tsv.read(lines('word·pos·sem\n"·``·QUO\n#·SYM·_\n\nNew York··GPE'))
    assert first.words == ('"', "#")
    assert first.labels == {"pos": ("``", "SYM"), "sem": ("QUO", None)}
    assert second.words == ("New York",)
    assert second.labels == {"sem": ("GPE",)}
    assert second.source == "file:5"


def test_any_usual_header_names_the_words_and_they_may_stand_anywhere(lines) -> None:
    (sentence,) = tsv.read(lines("Tag·FORM\nDT·a"))
    assert sentence.words == ("a",)
    assert sentence.labels == {"Tag": ("DT",)}


@pytest.mark.parametrize("text", ["a·DT", "word·pos\na·DT", "word·pos\n\na·DT"])
def test_with_names_a_header_that_says_the_same_is_no_word(lines, text: str) -> None:
    (sentence,) = tsv.read(lines(text), ["word", "pos"])
    assert sentence.words == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a·DT\nb·NN", "the first line is no header"),
        ("word·pos\na·DT\nb", "file:3: 1 columns where 2 are expected"),
        ("word·pos\na·DT\n ·NN", "file:3: the word is empty"),
        ("word·pos·pos\na·DT·X", "'pos' is there twice"),
    ],
)
def test_damage_is_refused(lines, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(tsv.read(lines(text)))


cells = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(lambda c: c.strip())
rows = st.lists(st.tuples(cells, cells.filter(lambda cell: cell != "_")), min_size=1, max_size=5)


@given(st.lists(rows, min_size=1, max_size=4))
def test_any_words_and_labels_come_back_as_written(sentences) -> None:
    text = "word\tpos\n" + "\n\n".join("\n".join("\t".join(row) for row in rows) for rows in sentences)
    read = list(tsv.read(TextFile("file", text.split("\n"))))
    assert [list(zip(s.words, s.labels["pos"], strict=True)) for s in read] == sentences
