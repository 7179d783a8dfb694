from __future__ import annotations

import pytest

from neurosieve.corpora import sentences
from neurosieve.errors import CorpusError


def test_a_labelled_sentence_a_line(lines) -> None:
    first, second = sentences.read(lines('Sentence·label\na "fine" film .·1\n\nno·_'))
    assert first.words == ("a", '"fine"', "film", ".")
    assert first.sentence_labels == {"label": "1"}
    assert first.labels == {}
    assert second.sentence_labels == {"label": None}
    assert second.source == "file:4"


@pytest.mark.parametrize("text", ["x·1·good film", "source·label·sentence\nx·1·good film"])
def test_columns_named_by_the_user(lines, text: str) -> None:
    (sentence,) = sentences.read(lines(text), ["source", "label", "sentence"])
    assert sentence.words == ("good", "film")
    assert sentence.sentence_labels == {"source": "x", "label": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text·label\nfine·1·2", "file:2: 3 columns where 2 are expected"),
        ("text·label\n·1", "file:2: the sentence is empty"),
        ("film·label\nfine·1", "no column is called sentence or text"),
    ],
)
def test_damage_is_refused(lines, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(sentences.read(lines(text)))
