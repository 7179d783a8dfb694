"""A store gives back what was extracted, whole or in views."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from neurosieve.activations.extract import extract
from neurosieve.activations.source import ActivationSource
from neurosieve.activations.store import open_store
from neurosieve.errors import StoreError


def test_round_trip(store, matrix, corpus):
    X, words = matrix
    assert (store.n_words, store.n_neurons) == X.shape == (corpus.n_words, 14)
    assert len(store.manifest["shards"]) > 2
    assert store.dtype == np.float16
    assert np.array_equal(store.read(0, store.n_words), X)
    assert store.words["word"].tolist() == words
    assert isinstance(store, ActivationSource)
    again = open_store(str(store.path))
    assert np.array_equal(again.read(0, again.n_words), X)


def test_table_of_words_has_the_labels_of_the_corpus(store, corpus):
    frame = corpus.to_frame().astype(object)
    merged = store.words.astype(object).merge(frame, on=["sentence", "position"], suffixes=("", "_corpus"))
    assert len(merged) == corpus.n_words
    for column in ("word", "split", "pos"):
        assert (merged[column] == merged[f"{column}_corpus"]).all()
    assert store.properties == ["pos", "rare"]


def test_table_of_neurons(store):
    table = store.neurons
    assert table.columns.tolist() == ["neuron", "layer", "index", "layer_name"]
    assert table["neuron"].tolist() == [f"L{layer}N{i}" for layer, width in enumerate((4, 6, 4)) for i in range(width)]
    assert table["layer"].tolist() == [0] * 4 + [1] * 6 + [2] * 4


@pytest.mark.parametrize("bounds", [(0, 0), (0, 1), (5, 5), (250, 260), (3, 700), (255, 256), (256, 257)])
def test_rows_across_shards(store, matrix, bounds):
    X, _ = matrix
    assert np.array_equal(store.read(*bounds), X[slice(*bounds)])
    columns = np.array([13, 0, 5, 5])
    assert np.array_equal(store.read(*bounds, columns), X[slice(*bounds)][:, columns])


@pytest.mark.parametrize("bounds", [(-1, 3), (3, 2), (0, 10**6)])
def test_rows_outside_are_refused(store, bounds):
    with pytest.raises(StoreError, match=f"rows {bounds[0]} to {bounds[1]} were asked for; this view has rows 0 to"):
        store.read(*bounds)


def test_split_views(store, matrix, corpus):
    X, _ = matrix
    start = 0
    for name in ("train", "dev", "test"):
        view = store.split(name)
        n = corpus.split(name).n_words
        assert view.n_words == len(view.words) == n
        assert set(view.words["split"]) == {name}
        assert np.array_equal(view.read(0, n), X[start : start + n])
        with pytest.raises(StoreError, match="rows"):
            view.read(0, n + 1)  # the next split's words are not this one's
        start += n
    assert store.split("dev").split("dev").n_words == corpus.split("dev").n_words
    assert store.split("dev").split("train").n_words == 0


@pytest.mark.parametrize(
    ("choice", "columns"),
    [
        ({"layers": [1]}, range(4, 10)),
        ({"layers": ["L2", "L0"]}, [0, 1, 2, 3, 10, 11, 12, 13]),
        ({"layers": np.array([0, 2])}, [0, 1, 2, 3, 10, 11, 12, 13]),
        ({"neurons": [12, 3]}, [12, 3]),
        ({"neurons": np.array([12, 3])}, [12, 3]),
        ({"neurons": ["L1N5", "L0N0"]}, [9, 0]),
    ],
)
def test_select_views(store, matrix, choice, columns):
    X, _ = matrix
    columns = list(columns)
    view = store.select(**choice)
    assert view.n_neurons == len(view.neurons) == len(columns)
    assert view.neurons["neuron"].tolist() == [store.neurons["neuron"][c] for c in columns]
    assert np.array_equal(view.read(0, view.n_words), X[:, columns])
    again = view.split("dev").select(neurons=[1])
    assert again.neurons["neuron"].tolist() == [store.neurons["neuron"][columns[1]]]
    rows = slice(*store.manifest["splits"]["dev"])
    assert np.array_equal(again.read(0, again.n_words), X[rows, columns[1] : columns[1] + 1])


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({}, "either layers or neurons"),
        ({"layers": [0], "neurons": [0]}, "either layers or neurons"),
        ({"layers": ["L9"]}, "no layer 'L9'; there are L0, L1, L2"),
        ({"layers": [3]}, "no layer 3"),
        ({"neurons": ["L9N1"]}, "no neuron 'L9N1'; there are 14, with names such as L0N0"),
        ({"neurons": [14]}, "no neuron 14"),
        ({"neurons": [True, False]}, "no neuron True"),
    ],
)
def test_select_refuses(store, choice, message):
    with pytest.raises(StoreError, match=message):
        store.select(**choice)


def test_labels_and_xy(store, matrix, corpus):
    X, words = matrix
    assert store.labels("pos").tolist() == ["ABC"[int(w[1:]) % 3] for w in words]
    assert store.labels("rare").tolist() == ["x" if w == "w7" else None for w in words]
    found, y = store.xy("rare")
    where = [i for i, w in enumerate(words) if w == "w7"]
    assert 0 < len(where) < len(words)
    assert y.tolist() == ["x"] * len(where)
    assert np.array_equal(found, X[where].astype(np.float32))
    assert found.dtype == np.float32
    whole, labels = store.split("dev").xy("pos")
    assert len(whole) == len(labels) == corpus.split("dev").n_words


def test_batches(store, matrix):
    X, _ = matrix
    parts = list(store.batches(100))
    assert [s.start for s, _ in parts] == list(range(0, len(X), 100))
    assert np.array_equal(np.concatenate([block for _, block in parts]), X)


def test_what_the_store_does_not_have(store):
    with pytest.raises(StoreError, match="no property 'xpos'; the store has pos, rare"):
        store.labels("xpos")
    with pytest.raises(StoreError, match="no split 'valid'; the store has train, dev, test"):
        store.split("valid")


def test_analyses_cannot_write_into_the_store(store):
    before = store.read(0, 10).copy()
    store.read(0, 10)[:] = 0
    assert np.array_equal(store.read(0, 10), before)


def test_probes_are_the_same_from_a_store_and_from_an_array(store, matrix):
    from neurosieve.probes.engine import fit_probes
    from neurosieve.probes.spec import ProbeSpec

    X, _ = matrix
    specs = [ProbeSpec(store.labels("pos")), ProbeSpec(store.labels("pos"), neurons=[2, 7])]
    for limit in (None, 1):
        pairs = zip(
            fit_probes(store, specs, memory_limit=limit, solver="adam"),
            fit_probes(X, specs, memory_limit=limit, solver="adam"),
            strict=True,
        )
        for a, b in pairs:
            assert a.coef_.tobytes() == b.coef_.tobytes()


def test_repr_tells_size_model_properties_and_splits(store):
    text = repr(store)
    for part in (f"{store.n_words} words x 14 neurons", "fake", "pos, rare", "train"):
        assert part in text


# --- opening and damage ---------------------------------------------------------------------------------------------


def test_open_what_is_not_there(tmp_path):
    with pytest.raises(StoreError, match=r"no activation store \(no manifest.json\); pass the folder"):
        open_store(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"manifest.json: damaged \(no JSON"),
        ("[]", "not the manifest of an activation store"),
        ('{"format": "other"}', "not the manifest of an activation store"),
        ('{"format": "neurosieve activations", "format_version": 99}', "format version 99 is later"),
    ],
)
def test_open_a_foreign_manifest(tmp_path, content, message):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(StoreError, match=message):
        open_store(tmp_path)


def test_a_missing_shard_is_named_and_made_again(store, corpus, fake_model, matrix):
    shard = store.path / "shards" / "00001.safetensors"
    whole = shard.read_bytes()
    shard.unlink()
    with pytest.raises(StoreError, match=r"00001.safetensors: missing; repeat the `extract` or `run` command"):
        open_store(store.path)
    model = fake_model()
    healed = extract(corpus, model, store.path)
    assert model.n_calls == 1
    assert shard.read_bytes() == whole
    assert np.array_equal(healed.read(0, healed.n_words), matrix[0])


def test_a_damaged_shard_is_named(store):
    shard = store.path / "shards" / "00001.safetensors"
    shard.write_bytes(shard.read_bytes()[:100])
    damaged = open_store(store.path)
    damaged.read(0, 10)  # the first shard is whole
    with pytest.raises(StoreError, match=r"00001.safetensors: cannot be read \(.*\); delete it"):
        damaged.read(0, damaged.n_words)
    with pytest.raises(StoreError, match=r"00001.safetensors: checksum differs"):
        damaged.verify()


def test_one_changed_bit_is_found(store):
    store.verify()
    shard = store.path / "shards" / "00002.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"00002.safetensors: checksum differs from the manifest; delete it"):
        open_store(store.path).verify()


@pytest.mark.parametrize("damage", ["delete", "overwrite"])
def test_a_table_of_words_that_is_gone_is_made_again(store, corpus, fake_model, damage):
    path = store.path / "words.parquet"
    whole = path.read_bytes()
    path.write_text("no table")
    with pytest.raises(
        StoreError, match=r"words.parquet: (cannot be read|damaged) \(.*\); delete it and run the same extraction"
    ):
        _ = open_store(store.path).words
    path.unlink()
    if damage == "delete":
        with pytest.raises(StoreError, match=r"words\.parquet: cannot be read"):
            _ = open_store(store.path).words
    model = fake_model()
    extract(corpus, model, store.path)
    assert model.n_calls == 0  # no vector is computed for it
    assert path.read_bytes() == whole


def test_anyone_can_read_it(store, matrix):
    """The format's promise: json, pandas and safetensors suffice."""
    from safetensors.numpy import load_file

    manifest = json.loads((store.path / "manifest.json").read_text(encoding="utf-8"))
    layers = [layer["name"] for layer in manifest["layers"]]
    shards = [load_file(store.path / shard["file"]) for shard in manifest["shards"]]
    X = np.concatenate([np.concatenate([shard[name] for name in layers], axis=1) for shard in shards])
    assert np.array_equal(X, matrix[0])
    words = pd.read_parquet(store.path / "words.parquet")
    assert words["word"].tolist() == matrix[1]
    for name, (start, stop) in manifest["splits"].items():
        assert set(words["split"][start:stop]) == {name}


def test_columns_of_mapped_files_are_those_of_whole_rows(store):
    whole = store.read(0, store.n_words)
    for columns in ([3], [13, 0, 5, 5], range(14)):
        asked = np.array(columns)
        found = store.read(1, store.n_words - 1, asked)
        assert found.dtype == whole.dtype
        assert np.array_equal(found, whole[1:-1][:, asked])


def test_columns_of_a_shard_that_is_gone_are_refused(store, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(store.path, copy)
    opened = open_store(copy)
    sorted((copy / "shards").iterdir())[0].unlink()
    with pytest.raises(StoreError, match="00000"):
        opened.read(0, 2, np.array([0]))
