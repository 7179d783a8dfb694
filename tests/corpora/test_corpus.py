from __future__ import annotations

from dataclasses import replace

import pytest

from neurosieve.corpora import Corpus, Sentence
from neurosieve.errors import CorpusError

FIRST = Sentence(("a", "dog"), {"pos": ("DT", "NN")}, "train", "f:1", {"genre": "news"})
SECOND = Sentence(("barks",), {"pos": ("VBZ",), "tense": ("Pres",)}, "test", "f:4")


@pytest.fixture
def corpus() -> Corpus:
    return Corpus([FIRST, SECOND], name="c", notes=["a note"])


def test_properties_of_words_and_of_sentences_are_told_apart(corpus: Corpus) -> None:
    assert corpus.properties == ("pos", "tense")
    assert corpus.sentence_properties == ("genre",)
    assert corpus.label_counts("pos") == {"DT": 1, "NN": 1, "VBZ": 1}
    assert corpus.label_counts("genre") == {"news": 1}


def test_one_name_for_words_and_sentences_is_refused() -> None:
    with pytest.raises(CorpusError, match="'pos' labels both words and sentences"):
        Corpus([FIRST, Sentence(("x",), sentence_labels={"pos": "N"})])


def test_a_split_keeps_properties_that_only_other_splits_label_and_the_notes(corpus: Corpus) -> None:
    train = corpus.split("train")
    assert train.properties == ("pos", "tense")
    assert train.label_counts("tense") == {}
    assert train.notes == ("a note",)


def test_select_fills_missing_labels_and_takes_sentence_properties(corpus: Corpus) -> None:
    chosen = corpus.select(["tense", "genre"])
    assert chosen.properties == ("tense",)
    assert chosen.sentences[0].labels == {"tense": (None, None)}
    assert chosen.sentences[1].sentence_labels == {"genre": None}
    assert chosen.notes == corpus.notes


def test_an_unknown_property_lists_those_there_are(corpus: Corpus) -> None:
    with pytest.raises(CorpusError, match=r"no property 'upos'; it has pos, tense, genre$"):
        corpus.select(["upos"])


def test_a_sentence_property_where_words_are_needed_is_refused(corpus: Corpus) -> None:
    with pytest.raises(CorpusError, match="'genre' labels sentences, not words"):
        corpus.require("genre")


@pytest.mark.parametrize(
    "other",
    [
        replace(FIRST, words=("a", "cat")),
        replace(FIRST, labels={"pos": ("DT", "JJ")}),
        replace(FIRST, split="dev"),
        replace(FIRST, sentence_labels={"genre": "fiction"}),
    ],
    ids=["words", "labels", "split", "sentence labels"],
)
def test_digest_differs_in_all_that_matters_and_only_in_that(corpus: Corpus, other: Sentence) -> None:
    assert Corpus([other, SECOND]).digest != corpus.digest
    assert Corpus([replace(FIRST, source="elsewhere:9"), SECOND], name="other").digest == corpus.digest


def test_frame_has_one_row_a_word(corpus: Corpus) -> None:
    frame = corpus.to_frame()
    assert list(frame.columns) == ["sentence", "position", "word", "split", "pos", "tense"]
    assert frame["word"].tolist() == ["a", "dog", "barks"]
    assert frame["tense"].isna().tolist() == [True, True, False]


def test_sentences_without_words_and_labels_of_other_length_are_refused() -> None:
    with pytest.raises(CorpusError, match="f:7: the sentence has no words"):
        Corpus([Sentence((), source="f:7")])
    with pytest.raises(CorpusError, match="property 'pos' has 1 labels for 2 words"):
        Corpus([Sentence(("a", "b"), {"pos": ("X",)})])


def test_a_corpus_is_a_sequence_of_its_sentences() -> None:
    corpus = Corpus([Sentence(("a",)), Sentence(("b",), split="dev")], name="c")
    assert list(corpus) == list(corpus.sentences)
    assert corpus[1] is corpus.sentences[1]
