from __future__ import annotations

import pytest

from neurosieve.corpora import Corpus, Sentence
from neurosieve.corpora.numeric import parse_numbers
from neurosieve.errors import CorpusError


def corpus(*values: str | None, stars: str = "4") -> Corpus:
    words = tuple("abc"[: len(values)])
    return Corpus([Sentence(words, {"x": values, "pos": ("N",) * len(words)}, "train", "f:1", {"stars": stars})])


def test_labels_of_words_and_sentences_become_floats() -> None:
    (sentence,) = parse_numbers(corpus("1", None, "-2.5e-1", stars="4.5"), ["x", "stars"]).sentences
    assert sentence.labels == {"x": (1.0, None, -0.25), "pos": ("N", "N", "N")}
    assert sentence.sentence_labels == {"stars": 4.5}


@pytest.mark.parametrize("label", ["high", "nan", "inf", "1,5"])
def test_what_is_no_finite_number_is_refused_with_its_word(label: str) -> None:
    with pytest.raises(CorpusError, match=f"f:1: word 'b': label '{label}' of property 'x' is no finite number"):
        parse_numbers(corpus("1", label), ["x"])


def test_unknown_properties_are_refused() -> None:
    with pytest.raises(CorpusError, match="no property 'y'"):
        parse_numbers(corpus("1"), ["y"])
