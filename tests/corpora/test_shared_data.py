"""The real corpora load with the counts that their description gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosieve.corpora import Corpus, load_corpus


def counts(corpus: Corpus) -> dict[str, tuple[int, int]]:
    parts = {name: corpus.split(name) for name in corpus.splits}
    return {name: (len(part), part.n_words) for name, part in parts.items()}


def n_labels(corpus: Corpus, prop: str) -> int:
    return len(corpus.label_counts(prop))


def test_ewt(shared_data: Path) -> None:
    corpus = load_corpus(shared_data / "ud_english_ewt")
    assert counts(corpus) == {"train": (12544, 204577), "dev": (2001, 25147), "test": (2077, 25094)}
    train = corpus.split("train")
    assert n_labels(train, "xpos") == 49
    assert n_labels(train, "upos") == 17
    assert {"lemma", "deprel", "feats", "Number", "Tense"} <= set(corpus.properties)


def test_conll2000(shared_data: Path) -> None:
    corpus = load_corpus(shared_data / "conll2000", dev_fraction=0)
    assert counts(corpus) == {"train": (8936, 211727), "test": (2012, 47377)}
    train, test = corpus.split("train"), corpus.split("test")
    assert (n_labels(train, "chunk"), n_labels(test, "chunk"), n_labels(train, "pos")) == (22, 19, 44)
    assert [sum(s.words.count("#") for s in part.sentences) for part in (train, test)] == [36, 11]
    assert set(test.label_counts("chunk")) - set(train.label_counts("chunk")) == {"I-LST"}


def test_conll2000_takes_the_last_tenth_of_train_as_dev(shared_data: Path) -> None:
    whole = load_corpus(shared_data / "conll2000", dev_fraction=0)
    corpus = load_corpus(shared_data / "conll2000")
    assert counts(corpus) == {"train": (8042, 190717), "dev": (894, 21010), "test": (2012, 47377)}
    assert [s.words for s in corpus.split("dev").sentences] == [s.words for s in whole.split("train").sentences[8042:]]


def test_parallel_meaning_bank(shared_data: Path) -> None:
    corpus = load_corpus(shared_data / "pmb_english_4.0.0")
    assert counts(corpus) == {
        "train": (7745, 50408),
        "dev": (1174, 7368),
        "test": (1053, 6821),
        "eval": (841, 5710),
    }
    assert n_labels(corpus.split("train"), "sem") == 69
    assert n_labels(corpus, "ccg") == 317
    in_train, in_test = (set(corpus.split(name).label_counts("ccg")) for name in ("train", "test"))
    assert len(in_test - in_train) == 8
    words = {word for sentence in corpus.sentences for word in sentence.words}
    assert "Brad Pitt" in words
    assert not any("~" in word for word in words if word != "~")


@pytest.mark.parametrize(
    ("name", "n_sentences", "n_words", "properties"),
    [
        ("allennlp/ccgbank.txt", 2, 31, {"ccg", "pos"}),
        ("allennlp/conll2000.txt", 2, 64, {"pos", "chunk"}),
        ("allennlp/conll2003.txt", 2, 14, {"pos", "chunk", "ner"}),
        ("allennlp/dependencies.conllu", 4, 52, {"lemma", "upos", "xpos", "deprel", "feats", "Number"}),
        ("contextual-repr-analysis/ccgbank.txt", 2, 31, {"ccg", "pos"}),
        ("contextual-repr-analysis/conll.txt", 2, 64, {"pos", "chunk"}),
        ("contextual-repr-analysis/en_ewt-ud.conllu", 2, 47, {"lemma", "upos", "xpos", "deprel", "feats"}),
        ("contextual-repr-analysis/semtag.txt", 2, 59, {"sem"}),
        ("contextual-repr-analysis/wsj.conllx", 2, 31, {"cpos", "pos", "deprel"}),
    ],
)
def test_lines_that_other_tool_kits_read(shared_data: Path, name, n_sentences, n_words, properties) -> None:
    corpus = load_corpus(shared_data / "format_samples" / name, dev_fraction=0, test_fraction=0)
    assert (len(corpus), corpus.n_words) == (n_sentences, n_words)
    assert properties <= set(corpus.properties)
