"""Every column of a data set becomes a property, or is named with the reason; texts of all of Arrow's kinds are texts."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from neurosieve.corpora import load_corpus
from neurosieve.errors import CorpusError

datasets = pytest.importorskip("datasets", reason="the package datasets (extra `hf`) is not installed")
N = 20


def of(**columns: pa.Array) -> object:
    return datasets.Dataset(pa.table(columns))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_texts_of_all_kinds_are_read(kind: pa.DataType) -> None:
    words = pa.array([[f"w{i}", "b"] for i in range(N)], pa.list_(pa.string()))
    labels = pa.array([["N", "V"]] * N, pa.list_(pa.string()))
    try:
        data = of(tokens=words, pos=labels.cast(pa.list_(kind)), genre=pa.array(["news"] * N, kind))
    except (ValueError, pa.ArrowNotImplementedError) as error:
        pytest.skip(f"the package itself does not take {kind}: {error}")
    corpus = load_corpus(data)
    assert dict(corpus.label_counts("pos")) == {"N": N, "V": N}
    assert dict(corpus.label_counts("genre")) == {"news": N}


def test_every_column_that_is_no_property_is_named() -> None:
    rows = [
        {"id": i, "sentence": f"w{i} b", "tokens": [f"w{i}", "b"], "pos": ["N", "V"], "meta": {"a": 1}, "deep": [[1]]}
        for i in range(N)
    ]
    corpus = load_corpus(datasets.Dataset.from_list(rows))
    assert corpus.properties == ("pos",)
    notes = " ".join(corpus.notes)
    assert "column 'id' left out: an identifier" in notes
    assert "column 'sentence' left out: the text again" in notes
    assert "column 'meta' left out: of type" in notes
    assert "column 'deep' left out: of type list of list of int64" in notes


@pytest.mark.parametrize("how", ["mapped", "generator"])
def test_streams_that_do_not_know_their_columns_are_read(how: str) -> None:
    rows = [{"tokens": [f"w{i}", "b"], "pos": ["N", "V"]} for i in range(N)]
    known = datasets.Dataset.from_list(rows).to_iterable_dataset()
    stream = (
        known.map(lambda row: row) if how == "mapped" else datasets.IterableDataset.from_generator(lambda: iter(rows))
    )
    assert stream.features is None
    assert dict(load_corpus(stream).label_counts("pos")) == {"N": N, "V": N}


def test_a_row_without_words_or_with_an_empty_one_is_named() -> None:
    for bad in ([], None, ["a", None], ["a", " "]):
        rows = [{"tokens": ["a"], "pos": ["N"]}, {"tokens": bad, "pos": ["N"]}]
        with pytest.raises(CorpusError, match=r"row 1: (there are no words|a word is empty) in column 'tokens'"):
            load_corpus(datasets.Dataset.from_list(rows))


def test_a_script_and_a_folder_without_data_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("import datasets\n\nclass X(datasets.GeneratorBasedBuilder):\n    pass\n")
    with pytest.raises(CorpusError, match="is a script, which the package no longer runs"):
        load_corpus(f"hf:{tmp_path / 'x.py'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="give a folder that `save_to_disk` wrote"):
        load_corpus(f"hf:{tmp_path / 'empty'}")
