from __future__ import annotations

import pytest

from neurosieve.corpora import load_corpus
from neurosieve.errors import CorpusError

datasets = pytest.importorskip("datasets", reason="the package datasets (extra `hf`) is not installed")


def dataset(n: int = 4, **columns):
    names = datasets.ClassLabel(names=["O", "B-PER"])
    data = {
        "id": [str(i) for i in range(n)],
        "tokens": [["Tom", f"left{i}"] for i in range(n)],
        "ner_tags": [[1, 0]] * n,
        "score": [[0.5, 1.5]] * n,
        "rank": [[1, 2]] * n,
        "genre": [i % 2 for i in range(n)],
        **columns,
    }
    features = {
        "id": datasets.Value("string"),
        "tokens": datasets.Sequence(datasets.Value("string")),
        "ner_tags": datasets.Sequence(names),
        "score": datasets.Sequence(datasets.Value("float32")),
        "rank": datasets.Sequence(datasets.Value("int64")),
        "genre": datasets.ClassLabel(names=["news", "mail"]),
    }
    return datasets.Dataset.from_dict(data, features=datasets.Features(features))


def test_names_of_classes_are_resolved_for_words_and_sentences() -> None:
    corpus = load_corpus(dataset(), dev_fraction=0, test_fraction=0)
    second = corpus.sentences[1]
    assert second.words == ("Tom", "left1")
    assert second.labels == {"ner_tags": ("B-PER", "O"), "score": (0.5, 1.5), "rank": ("1", "2")}
    assert second.sentence_labels == {"genre": "mail"}
    assert second.source == "dataset[train] row 1"
    assert corpus.sentence_properties == ("genre",)


def test_splits_come_from_the_dictionary_and_one_dataset_is_divided() -> None:
    both = datasets.DatasetDict({"train": dataset(20), "validation": dataset(2), "test": dataset(3)})
    corpus = load_corpus(both)
    assert [len(corpus.split(name)) for name in corpus.splits] == [20, 2, 3]
    assert [len(load_corpus(dataset(20)).split(name)) for name in ("train", "dev", "test")] == [16, 2, 2]
    taken = load_corpus(datasets.DatasetDict({"train": dataset(20), "test": dataset(3)}))
    assert taken.notes == (
        "no file gives dev: 2 of 20 sentences, from the end of train",
        "column 'id' left out: an identifier",
    )


def test_unlabelled_words_and_texts() -> None:
    unlabelled = load_corpus(dataset(ner_tags=[[-1, 1]] * 4), dev_fraction=0, test_fraction=0)
    assert unlabelled.sentences[0].labels["ner_tags"] == (None, "B-PER")
    texts = datasets.Dataset.from_dict({"text": [f"a fine film {i}" for i in range(4)], "label": [0, 1, 0, 1]})
    corpus = load_corpus(texts, dev_fraction=0, test_fraction=0, name="films")
    assert corpus.name == "films"
    assert corpus.sentences[0].words == ("a", "fine", "film", "0")
    assert corpus.sentences[1].sentence_labels == {"label": "1"}


def test_a_folder_that_was_saved(tmp_path) -> None:
    dataset(10).save_to_disk(str(tmp_path / "saved"))
    corpus = load_corpus(f"hf:{tmp_path / 'saved'}", properties=["ner_tags"])
    assert corpus.name == "saved"
    assert corpus.label_counts("ner_tags") == {"B-PER": 10, "O": 10}


def test_labels_of_another_length_are_refused_with_their_row() -> None:
    with pytest.raises(CorpusError, match=r"dataset\[train\] row 2: column 'ner_tags' has 1 labels for 2 words"):
        load_corpus(dataset(ner_tags=[[1, 0], [1, 0], [1], [1, 0]]))


def test_rows_without_words_and_datasets_without_a_column_of_words_are_refused() -> None:
    with pytest.raises(CorpusError, match="row 1: there are no words in column 'tokens'"):
        load_corpus(dataset(tokens=[["a", "b"], [], ["a", "b"], ["a", "b"]]))
    with pytest.raises(CorpusError, match="the dataset has columns x, none of words"):
        load_corpus(datasets.Dataset.from_dict({"x": [1]}))
    with pytest.raises(CorpusError, match="the dataset has no rows"):
        load_corpus(dataset(0))


def test_a_name_that_cannot_be_loaded_is_refused() -> None:
    with pytest.raises(CorpusError, match="dataset 'no-such/dataset' cannot be loaded"):
        load_corpus("hf:no-such/dataset")


def test_options_of_files_are_refused() -> None:
    with pytest.raises(CorpusError, match="'dataset' has its own format"):
        load_corpus(dataset(), format="tsv")
