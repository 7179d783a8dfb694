from __future__ import annotations

from collections import Counter

import pytest

from neurosieve.corpora import load_corpus
from neurosieve.corpora.builtin import read_sample
from neurosieve.errors import CorpusError

HEADER = "word·pos·chunk·sem\n"


@pytest.fixture
def folder(write, tmp_path):
    for genre, n in (("news", 40), ("fiction", 23)):
        write(f"{genre}.tsv", HEADER + "\n".join(f'"·``·O·QUO\n{genre}{i}·NN·B-NP·CON\n' for i in range(n)))
    write("GUIDE.md", "no corpus")
    return tmp_path


def test_all_genres_in_sorted_order_with_their_names(folder) -> None:
    sentences = list(read_sample(folder))
    assert [s.sentence_labels["genre"] for s in sentences] == ["fiction"] * 23 + ["news"] * 40
    assert sentences[0].words == ('"', "fiction0")
    assert sentences[0].labels == {"pos": ("``", "NN"), "chunk": ("O", "B-NP"), "sem": ("QUO", "CON")}
    assert sentences[0].source == "sample/fiction.tsv:2"


def test_every_genre_is_divided_70_15_15(folder) -> None:
    sentences = list(read_sample(folder))
    news = Counter(s.split for s in sentences if s.sentence_labels["genre"] == "news")
    assert news == {"train": 28, "dev": 6, "test": 6}
    assert {s.split for s in sentences if s.sentence_labels["genre"] == "fiction"} == {"train", "dev", "test"}


def test_a_folder_without_files_is_refused(tmp_path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(CorpusError, match="the built-in corpus is not there"):
            list(read_sample(folder))


@pytest.mark.parametrize(
    "options", [{"format": "tsv"}, {"columns": ["word"]}, {"splits": {"train": "x"}}, {"dev_fraction": 0.1}]
)
def test_the_sample_takes_no_options_of_files(options) -> None:
    with pytest.raises(CorpusError, match=r"'sample' has its own .*leave them out.*'./sample'"):
        load_corpus("sample", **options)


def test_every_genre_of_the_package_is_in_every_split() -> None:
    corpus = load_corpus("sample")
    assert corpus.splits == ("train", "dev", "test")
    assert set(corpus.properties) == {"pos", "chunk", "sem"}
    genres = set(corpus.label_counts("genre"))
    assert len(genres) > 1
    for name in corpus.splits:
        assert set(corpus.split(name).label_counts("genre")) == genres
    assert load_corpus(["sample"], properties=["pos"]).properties == ("pos",)
