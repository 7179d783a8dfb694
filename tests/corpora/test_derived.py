from __future__ import annotations

import math
import re

import pytest

from neurosieve.corpora import Corpus, Sentence
from neurosieve.corpora.derived import casing, derive, label_by_function, label_by_list, label_by_regex, property_name
from neurosieve.errors import CorpusError


@pytest.fixture
def corpus() -> Corpus:
    return Corpus(
        [
            Sentence(("The", "dog", "was", "barking", "barking", "3"), split="train"),
            Sentence(("a", "Walking", "BARKING", "dog"), split="test"),
        ],
        notes=["kept"],
    )


def labels(corpus: Corpus, name: str) -> list[object]:
    return [label for sentence in corpus.sentences for label in sentence.labels[name]]


def test_a_function_sees_the_sentence_and_the_position(corpus: Corpus) -> None:
    made = label_by_function(corpus, "next", lambda words, at: words[at + 1] if at + 1 < len(words) else None)
    assert labels(made, "next") == ["dog", "was", "barking", "barking", "3", None, "Walking", "BARKING", "dog", None]
    assert made.notes == ("kept",)
    assert corpus.properties == ()  # the corpus given is not changed


def test_a_regular_expression_and_a_list(corpus: Corpus) -> None:
    made = label_by_regex(corpus, "ing", "ing$")
    assert labels(made, "ing") == ["no", "no", "no", "yes", "yes", "no", "no", "yes", "no", "no"]
    made = label_by_list(corpus, "listed", ["barking", " the ", ""])
    assert labels(made, "listed") == ["yes", "no", "no", "yes", "yes", "no", "no", "no", "yes", "no"]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("dog", "lower"),
        ("Dog", "title"),
        ("I", "title"),
        ("USA", "upper"),
        ("U.S.", "upper"),
        ("iPhone", "mixed"),
        ("3", "none"),
        ("...", "none"),
        ("'s", "lower"),
        ("3D", "upper"),
        ("犬", "none"),
        ("É", "title"),
    ],
)
def test_casing(word: str, kind: str) -> None:
    assert casing(word) == kind


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("casing", ["title", "lower", "lower", "lower", "lower", "none", "lower", "title", "upper", "lower"]),
        ("suffix", ["other", "other", "other", "ing", "ing", "other", "other", "ing", "ing", "other"]),
        ("suffix:2", ["he", "og", "as", "ng", "ng", "other", "other", "ng", "ng", "og"]),
        ("place", ["1", "2", "3", "4-6", "4-6", "4-6", "1", "2", "3", "4-6"]),
        ("place:number", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 4.0]),
        ("length", ["3", "3", "3", "6-8", "6-8", "1", "1", "6-8", "6-8", "3"]),
        ("length:number", [3.0, 3.0, 3.0, 7.0, 7.0, 1.0, 1.0, 7.0, 7.0, 3.0]),
        ("frequency", ["1", "1", "1", "2-9", "2-9", "1", "0", "0", "0", "1"]),
        ("regex:^[A-Z]", ["yes", "no", "no", "no", "no", "no", "no", "yes", "yes", "no"]),
    ],
)
def test_ready_made_properties(corpus: Corpus, spec: str, expected: list[object]) -> None:
    assert labels(derive(corpus, spec), spec) == expected


def test_frequency_as_a_number_counts_train_alone(corpus: Corpus) -> None:
    made = labels(derive(corpus, "frequency:number"), "frequency:number")
    assert made[3] == math.log10(3)
    assert made[6] == 0.0


def test_a_name_and_a_file_of_words(corpus: Corpus, write) -> None:
    path = write("words.txt", "dog\nWALKING\n")
    made = derive(corpus, f"mine=list:{path}")
    assert made.properties == ("mine",)
    assert labels(made, "mine") == ["no", "yes", "no", "no", "no", "no", "no", "yes", "no", "yes"]


@pytest.mark.parametrize(
    ("spec", "name"),
    [("casing", "casing"), ("regex:a=b", "regex:a=b"), ("x=regex:a=b", "x"), ("xpos", None), ("x=xpos", None)],
)
def test_names_of_properties(spec: str, name: str | None) -> None:
    assert property_name(spec) == name


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("xpos", "'xpos' describes no property; write casing"),
        ("regex:(", "'(' is no regular expression"),
        ("regex", "'regex' lacks its pattern"),
        ("list", "'list' lacks its file"),
        ("suffix:0", "suffix takes a number of letters"),
        ("casing:number", "casing takes nothing"),
        ("length:long", "length takes 'number'"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(corpus: Corpus, spec: str, message: str) -> None:
    with pytest.raises(CorpusError, match=re.escape(message)):
        derive(corpus, spec)


def test_a_name_that_is_taken_and_an_empty_list_are_refused(corpus: Corpus) -> None:
    with pytest.raises(CorpusError, match="has a property 'casing' already"):
        derive(derive(corpus, "casing"), "casing")
    with pytest.raises(CorpusError, match="the word list of property 'l' is empty"):
        label_by_list(corpus, "l", [" "])
