"""Stores whose rows are sentences."""

from __future__ import annotations

import json
import logging

import numpy as np
import pandas as pd
import pytest

from neurosieve.activations.extract import extract
from neurosieve.activations.splits import Splits
from neurosieve.activations.store import open_store
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import ModelError, StoreError


def labelled(n=60, *, silent=()):
    """Sentences with a label and a number each; splits alternate."""
    generator = np.random.default_rng(0)
    made = []
    for number in range(n):
        words = tuple(f"w{i}" for i in generator.integers(40, size=generator.integers(1, 9)))
        if number in silent:
            words = ("silent",)
        split = ("train", "dev", "test")[number % 3]
        made.append(
            Sentence(
                words,
                {"pos": tuple("A" for _ in words)},
                split,
                sentence_labels={"mood": "up" if number % 2 else "down", "stars": float(number % 5)},
            )
        )
    return Corpus(made, name="moods")


@pytest.mark.parametrize("how", ["mean", "first", "last"])
def test_a_row_is_a_sentence(tmp_path, fake_model, vector_of, how):
    corpus = labelled()
    store = extract(corpus, fake_model(), tmp_path / "s", unit="sentence", sentence_vector=how, dtype="float32")
    assert (store.n_words, store.unit, store.properties) == (60, "sentence", ["mood", "stars"])
    table = store.words
    assert list(table.columns) == ["sentence", "position", "word", "split", "mood", "stars"]
    assert table["split"].tolist() == ["train"] * 20 + ["dev"] * 20 + ["test"] * 20
    assert set(table["position"]) == {0}
    for row, values in zip(table.itertuples(), store.read(0, 60), strict=True):
        words = corpus.sentences[row.sentence].words
        assert row.word == " ".join(words)
        assert (row.mood, row.stars) == tuple(corpus.sentences[row.sentence].sentence_labels.values())
        vectors = np.array([np.concatenate([vector_of(w, i, n) for i, n in enumerate((4, 6, 4))]) for w in words])
        wanted = {"mean": vectors.mean(0), "first": vectors[0], "last": vectors[-1]}[how]
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-7)  # a mean in float32, by two ways
    assert "60 sentences x 14 neurons" in repr(store)


def test_splits_know_their_unit_and_both_kinds_of_labels(tmp_path, fake_model):
    store = extract(labelled(), fake_model(), tmp_path / "s", unit="sentence")
    assert (Splits.from_store(store, "mood").unit, Splits.from_store(store, "mood").loss) == ("sentence", "softmax")
    assert Splits.from_store(store, "stars").loss == "squared"
    with pytest.raises(StoreError, match="no property 'pos'; the store has mood, stars"):
        Splits.from_store(store, "pos")


def test_several_shards_and_an_interruption_give_the_same_bytes(tmp_path, fake_model, small_shards):
    corpus = labelled(300)
    extract(corpus, fake_model(), tmp_path / "whole", unit="sentence")
    with pytest.raises(RuntimeError, match="killed"):
        extract(corpus, fake_model(fail_at=2), tmp_path / "cut", unit="sentence")
    extract(corpus, fake_model(), tmp_path / "cut", unit="sentence")
    files = [
        {str(p.relative_to(f)): p.read_bytes() for p in f.rglob("*") if p.is_file()}
        for f in (tmp_path / "whole", tmp_path / "cut")
    ]
    assert files[0] == files[1]
    assert len(list((tmp_path / "whole" / "shards").iterdir())) > 3


def test_sentences_without_a_vector_are_listed(tmp_path, fake_model, caplog):
    model = fake_model(silent=["silent"])
    with caplog.at_level(logging.WARNING, "neurosieve"):
        store = extract(labelled(silent=[4, 9]), model, tmp_path / "s", unit="sentence")
    assert store.n_words == 58
    assert store.manifest["left_out"] == [
        {"sentence": 9, "position": 0, "word": "silent"},
        {"sentence": 4, "position": 0, "word": "silent"},
    ]
    assert "2 sentences yield no sub-word" in caplog.text


def test_the_size_is_told_in_sentences_and_a_readable_unit(tmp_path, fake_model, caplog):
    with caplog.at_level(logging.INFO, "neurosieve"):
        extract(labelled(), fake_model(), tmp_path / "s", unit="sentence")
    assert "the store takes 1.7 kB on disk: 60 sentences x 14 neurons in float16" in caplog.text


def test_one_folder_holds_one_unit_and_one_kind_of_vector(tmp_path, fake_model):
    corpus = labelled()
    extract(corpus, fake_model(), tmp_path / "s", unit="sentence")
    with pytest.raises(StoreError, match="holds activations of another unit \\('sentence' instead of 'word'\\)"):
        extract(corpus, fake_model(), tmp_path / "s")
    with pytest.raises(StoreError, match="another sentence_vector \\('mean' instead of 'last'\\)"):
        extract(corpus, fake_model(), tmp_path / "s", unit="sentence", sentence_vector="last")
    assert extract(corpus, fake_model(), tmp_path / "s", unit="sentence").n_words == 60


def test_a_store_from_before_there_were_units_holds_words(tmp_path, fake_model):
    extract(labelled(), fake_model(), tmp_path / "s")
    path = tmp_path / "s" / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for key in ("unit", "sentence_vector", "special_token", "sha256"):
        del content[key]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert open_store(tmp_path / "s").unit == "word"
    model = fake_model()
    extract(labelled(), model, tmp_path / "s")
    assert model.n_calls == 0


def test_what_cannot_be_made_is_refused_before_anything_is_written(tmp_path, fake_model):
    with pytest.raises(StoreError, match="unit is 'page'; expected 'word' or 'sentence'"):
        extract(labelled(), fake_model(), tmp_path / "s", unit="page")
    with pytest.raises(ModelError, match="'fake' \\(fake\\) has no special token"):
        extract(labelled(), fake_model(), tmp_path / "s", unit="sentence", sentence_vector="special")
    assert not (tmp_path / "s").exists()


def test_the_table_can_be_read_without_us(tmp_path, fake_model):
    extract(labelled(), fake_model(), tmp_path / "s", unit="sentence")
    table = pd.read_parquet(tmp_path / "s" / "words.parquet")
    assert table["stars"].dtype == np.float64
    assert table["mood"].isin(["up", "down"]).all()
