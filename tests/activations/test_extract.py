"""Extraction: complete, resumable to the byte, honest about what it could not store, and never over another store."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from neurosieve.activations.extract import extract
from neurosieve.activations.store import open_store
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import StoreError


def contents(folder):
    """Every file of a folder, by name."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- resuming -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shard", [0, 1, 2])
def test_an_interrupted_extraction_continues_to_the_same_bytes(corpus, fake_model, tmp_path, small_shards, shard):
    whole = fake_model()
    extract(corpus, whole, tmp_path / "whole")
    folder = tmp_path / "cut"
    with pytest.raises(RuntimeError, match="killed"):
        extract(corpus, fake_model(fail_at=shard), folder)
    with pytest.raises(StoreError, match="the extraction has not finished; repeat the `extract` or `run` command"):
        open_store(folder)
    # What a process killed while writing leaves behind.
    for number in (shard, 99):
        (folder / "shards" / f"{number:05d}.tmp").write_bytes(b"half a shard")
    finished = sorted((folder / "shards").glob("*.safetensors"))
    stamps = [path.stat().st_mtime_ns for path in finished]
    model = fake_model()
    extract(corpus, model, folder)
    assert model.n_calls == whole.n_calls - len(finished)  # nothing is computed twice
    assert len(finished) == shard
    assert [path.stat().st_mtime_ns for path in finished] == stamps
    assert contents(folder) == contents(tmp_path / "whole")


def test_interrupted_before_the_manifest(corpus, fake_model, tmp_path, small_shards):
    extract(corpus, fake_model(), tmp_path / "store")
    expected = contents(tmp_path / "store")
    (tmp_path / "store" / "manifest.json").unlink()
    (tmp_path / "store" / "words.parquet").write_bytes(b"half a table")
    model = fake_model()
    extract(corpus, model, tmp_path / "store")
    assert model.n_calls == 0
    assert contents(tmp_path / "store") == expected


def test_a_finished_extraction_is_opened_and_nothing_is_written(corpus, fake_model, tmp_path):
    extract(corpus, fake_model(), tmp_path / "store")
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("*")}
    model = fake_model()
    extract(corpus, model, tmp_path / "store")
    assert model.n_calls == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("*")} == stamps


def test_two_extractions_give_the_same_bytes(corpus, fake_model, tmp_path, small_shards):
    for name in "ab":
        extract(corpus, fake_model(), tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("place", [None, 8, 100, -1])
def test_a_damaged_shard_is_made_again_by_a_continued_extraction(
    corpus, fake_model, tmp_path, small_shards, place, caplog
):
    whole = extract(corpus, fake_model(), tmp_path / "whole")
    with pytest.raises(RuntimeError, match="killed"):
        extract(corpus, fake_model(fail_at=2), tmp_path / "store")
    shard = tmp_path / "store" / "shards" / "00000.safetensors"
    content = bytearray(shard.read_bytes())
    if place is not None:
        content[place] ^= 1
    shard.write_bytes(bytes(content if place is not None else content[:50]))
    extract(corpus, fake_model(), tmp_path / "store")
    assert "00000.safetensors: damaged, so it is made again" in caplog.text
    assert shard.read_bytes() == (whole.path / "shards" / "00000.safetensors").read_bytes()


# --- another store in the folder ------------------------------------------------------------------------------------


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("other", ["model", "corpus", "layers", "dtype"])
def test_activations_of_something_else_are_refused_and_kept(
    corpus, corpus_of, fake_model, tmp_path, small_shards, finished, other
):
    folder = tmp_path / "store"
    if finished:
        extract(corpus, fake_model(), folder)
    else:
        with pytest.raises(RuntimeError, match="killed"):
            extract(corpus, fake_model(fail_at=1), folder)
    before = contents(folder)
    model = (
        fake_model(digest="d2")
        if other == "model"
        else fake_model(widths=(4, 6))
        if other == "layers"
        else fake_model()
    )
    text = corpus_of(seed=1) if other == "corpus" else corpus
    with pytest.raises(
        StoreError, match=rf"holds activations of another {other} \(.*\); choose another output folder"
    ) as error:
        extract(text, model, folder, dtype="float32" if other == "dtype" else "float16")
    assert "\n" not in str(error.value)
    assert contents(folder) == before
    assert model.n_calls == 0


def test_a_folder_with_something_else_is_refused(corpus, fake_model, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="is not empty and holds no extraction; choose another output folder"):
        extract(corpus, fake_model(), tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"mine"}
    with pytest.raises(StoreError, match="not empty"):
        extract(corpus, fake_model(), tmp_path / "notes.txt")


def test_an_empty_folder_is_used(corpus, fake_model, tmp_path):
    assert extract(corpus, fake_model(), tmp_path).n_words == corpus.n_words


# --- precision ------------------------------------------------------------------------------------------------------


def test_a_layer_that_float16_cannot_hold_is_stored_as_float32(corpus, fake_model, vector_of, tmp_path, small_shards):
    word = corpus.split("dev").sentences[0].words[0]
    store = extract(corpus, fake_model(loud={(word, 1): 1e6}), tmp_path / "store")
    assert [layer["dtype"] for layer in store.manifest["layers"]] == ["float16", "float32", "float16"]
    assert store.dtype == np.float32
    X = store.read(0, store.n_words)
    rows = np.flatnonzero(store.words["word"] == word)
    assert np.array_equal(X[rows[0], 4:10], vector_of(word, 1, 6) * np.float32(1e6))
    quiet = np.flatnonzero(store.words["word"] != word)[0]
    first = vector_of(store.words["word"][quiet], 0, 4)
    assert np.array_equal(X[quiet, :4], first.astype(np.float16).astype(np.float32))
    assert not np.array_equal(X[quiet, :4], first)  # the other layers are as precise as ever, no more
    assert np.isfinite(X).all()


def test_float32_on_request(corpus, fake_model, vector_of, tmp_path):
    store = extract(corpus, fake_model(), tmp_path / "store", dtype="float32")
    assert {layer["dtype"] for layer in store.manifest["layers"]} == {"float32"}
    assert np.array_equal(store.read(0, 1)[0, :4], vector_of(store.words["word"][0], 0, 4))


@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(corpus, fake_model, tmp_path, factor):
    word = corpus.sentences[0].words[0]
    with pytest.raises(
        StoreError, match="layer L2 of fake gives values that are not finite; load the model in float32"
    ):
        extract(corpus, fake_model(loud={(word, 2): factor}), tmp_path / "store")


def test_unknown_precision(corpus, fake_model, tmp_path):
    with pytest.raises(StoreError, match="dtype is 'int8'; expected 'float16' or 'float32'"):
        extract(corpus, fake_model(), tmp_path / "store", dtype="int8")
    assert not (tmp_path / "store").exists()


def test_a_full_disk_is_told_before_anything_is_computed(corpus, fake_model, tmp_path, monkeypatch):
    import shutil

    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: real._replace(free=100))
    model = fake_model()
    with pytest.raises(StoreError, match=r"the store needs 29.4 kB and the disk has 100 bytes free"):
        extract(corpus, model, tmp_path / "store")
    assert model.n_calls == 0


# --- what could not be stored ---------------------------------------------------------------------------------------


def test_words_without_vector_are_listed_and_left_out_with_their_labels(
    corpus, fake_model, vector_of, tmp_path, caplog
):
    with caplog.at_level(logging.WARNING):
        store = extract(corpus, fake_model(silent={"w7", "w20"}), tmp_path / "store")
    gone = [
        {"sentence": i, "position": j, "word": w}
        for i, s in enumerate(corpus.sentences)
        for j, w in enumerate(s.words)
        if w in ("w7", "w20")
    ]
    listed = store.manifest["left_out"]
    assert sorted(listed, key=lambda e: (e["sentence"], e["position"])) == gone
    assert len(gone) > 5
    assert f"{len(gone)} words yield no sub-word" in caplog.text
    assert store.n_words == corpus.n_words - len(gone) == len(store.words)
    assert not store.words["word"].isin(["w7", "w20"]).any()
    assert store.labels("rare").tolist() == [None] * store.n_words  # only w7 had one
    expected = np.array([vector_of(w, 0, 4) for w in store.words["word"]]).astype(np.float16)
    assert np.array_equal(store.read(0, store.n_words)[:, :4], expected)  # rows and words still belong together
    for name, (start, stop) in store.manifest["splits"].items():
        assert set(store.words["split"][start:stop]) == {name}


@pytest.mark.parametrize(("n_unknown", "warns"), [(0, False), (1, True)])
def test_many_unknown_tokens_warn(corpus, fake_model, tmp_path, caplog, n_unknown, warns):
    """One unknown token in each sentence of 6.5 words on average is 15 %, above the 5 % that warn."""
    with caplog.at_level(logging.WARNING):
        store = extract(corpus, fake_model(n_unknown=n_unknown), tmp_path / "store")
    assert ("of the sub-words are the unknown token" in caplog.text) == warns
    assert store.manifest["unknown_share"] == pytest.approx(n_unknown * len(corpus) / corpus.n_words)


def test_long_sentences_are_listed(fake_model, tmp_path):
    sentences = [Sentence(("a",) * n, {"p": ("x",) * n}) for n in (3, 30, 4)]
    store = extract(Corpus(sentences), fake_model(), tmp_path / "store")
    assert store.manifest["windowed"] == [{"sentence": 1, "n_windows": 2}]
    assert store.n_words == 37


# --- manifest, order, progress --------------------------------------------------------------------------------------


def test_the_manifest_says_what_made_the_store(corpus, fake_model, tmp_path, small_shards):
    store = extract(corpus, fake_model(), tmp_path / "store")
    manifest = json.loads((store.path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["format_version"] == 1
    assert manifest["model"]["digest"] == "d1"
    assert manifest["model"]["settings"] == {"pooling": "last"}
    assert manifest["corpus"]["digest"] == corpus.digest
    assert sum(shard["n_words"] for shard in manifest["shards"]) == manifest["n_words"] == corpus.n_words
    assert manifest["n_subwords"] == corpus.n_words
    assert str(tmp_path) not in json.dumps(manifest)  # a store can be moved


def test_a_moved_store_still_opens(corpus, fake_model, tmp_path, matrix):
    extract(corpus, fake_model(), tmp_path / "a").path.rename(tmp_path / "b")
    moved = open_store(tmp_path / "b")
    moved.verify()
    assert np.array_equal(moved.read(0, moved.n_words), matrix[0])


def test_other_splits_follow_the_usual_ones(corpus_of, fake_model, tmp_path):
    corpus = corpus_of(30, splits=("extra", "test", "train"))
    store = extract(corpus, fake_model(), tmp_path / "store")
    assert list(store.manifest["splits"]) == ["train", "test", "extra"]
    for name in store.manifest["splits"]:
        assert store.split(name).n_words == corpus.split(name).n_words


def test_progress_counts_all_words(corpus, fake_model, tmp_path, small_shards):
    seen = []
    extract(corpus, fake_model(), tmp_path / "store", progress=lambda done, total: seen.append((done, total)))
    assert [total for _, total in seen] == [corpus.n_words] * len(seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == corpus.n_words
