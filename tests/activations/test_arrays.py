"""Arrays of the user's own become a store that gives them back and on which everything works."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosieve.activations.arrays import store_from_arrays
from neurosieve.activations.format import read_json
from neurosieve.activations.splits import Splits
from neurosieve.activations.store import open_store
from neurosieve.errors import StoreError

N = 90
SPLITS = np.array(["train", "dev", "test"] * (N // 3))
ORDER = np.concatenate([np.flatnonzero(name == SPLITS) for name in ("train", "dev", "test")])
POS = np.array(["ABC"[(i // 3) % 3] for i in range(N)])


def numbers(width=5, *, n=N, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal((n, width)).astype(dtype)


def made(out, arrays=None, **given):
    given = {"labels": {"pos": POS}, "splits": SPLITS, **given}
    return store_from_arrays(out, numbers() if arrays is None else arrays, **given)


def whole(store):
    return store.read(0, store.n_words)


# --- activations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("small", [True, False])
def test_one_array_comes_back(tmp_path, monkeypatch, dtype, small):
    n = 3000
    if small:
        monkeypatch.setattr("neurosieve.activations.arrays.SHARD_BYTES", 1)
    X, splits = numbers(n=n, dtype=dtype), np.random.default_rng(1).choice(["train", "dev", "test"], n)
    store = made(tmp_path / "s", X, labels={"pos": np.arange(n) % 3}, splits=splits)
    assert (len(store.manifest["shards"]) > 5) == small
    assert store.dtype == dtype
    rows = store.words["row"].to_numpy()
    assert sorted(rows) == list(range(n))
    assert (splits[rows] == store.words["split"]).all()
    assert np.array_equal(whole(store), X[rows])
    store.verify()
    for name in ("train", "dev", "test"):
        view = store.split(name)
        assert np.array_equal(whole(view), X[splits == name])
        assert view.labels("pos").tolist() == (np.flatnonzero(splits == name) % 3).tolist()


def test_float64_is_stored_as_float32_and_float16_on_request(tmp_path):
    X = numbers(dtype=np.float64)
    assert np.array_equal(whole(made(tmp_path / "a", X)), X[ORDER].astype(np.float32))
    half = made(tmp_path / "b", X, dtype="float16")
    assert half.dtype == np.float16
    assert np.array_equal(whole(half), X[ORDER].astype(np.float32).astype(np.float16))
    loud = made(tmp_path / "c", [X, X * 1e6], dtype="float16")
    assert [layer["dtype"] for layer in loud.manifest["layers"]] == ["float16", "float32"]


A, B = numbers(4), numbers(3, seed=1)


@pytest.mark.parametrize(
    ("arrays", "more", "names"),
    [
        ([A, B], {}, ["L0", "L1"]),
        ((A, B), {"layers": [3, "L7.mlp"]}, ["L3", "L7.mlp"]),
        ({2: A, "top": B}, {}, ["L2", "top"]),
        (np.hstack([A, B]), {"neurons": [1, 1, 1, 1, 4, 4, 4]}, ["L1", "L4"]),
        (np.hstack([A, B]), {"neurons": pd.DataFrame({"layer": [0] * 4 + [1] * 3})}, ["L0", "L1"]),
        (np.hstack([A[:, :2], B, A[:, 2:]]), {"neurons": np.array([5, 5, 6, 6, 6, 5, 5])}, ["L5", "L6"]),
        ([torch.from_numpy(A), pd.DataFrame(B)], {}, ["L0", "L1"]),
        ([pd.DataFrame(A).astype("Float32"), np.asfortranarray(B)], {}, ["L0", "L1"]),
    ],
)
def test_layouts(tmp_path, arrays, more, names):
    store = made(tmp_path / "s", arrays, **more)
    assert [layer["name"] for layer in store.manifest["layers"]] == names
    assert store.neurons["layer_name"].tolist() == [names[0]] * 4 + [names[1]] * 3
    assert np.array_equal(whole(store), np.hstack([A, B])[ORDER])
    assert np.array_equal(whole(store.select(layers=[names[1]])), B[ORDER])


def test_the_tables_of_a_store_make_it_again(tmp_path):
    blocks = np.repeat(["test", "train", "dev"], N // 3)
    first = made(tmp_path / "a", {1: A, 2: B}, words=POS, sentences=np.arange(N) // 6, splits=blocks)
    words = first.words
    again = made(
        tmp_path / "b", whole(first), neurons=first.neurons, labels=words[["pos"]], splits=words["split"],
        words=words["word"], sentences=words["sentence"],
    )  # fmt: skip
    assert np.array_equal(whole(again), whole(first))
    assert again.words.drop(columns="row").equals(words.drop(columns="row"))
    assert again.neurons.equals(first.neurons)
    assert again.manifest["model"]["digest"] == first.manifest["model"]["digest"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(["train", "dev", "test", None]), min_size=1, max_size=40),
    dtype=st.sampled_from([np.float16, np.float32]),
    seed=st.integers(0, 9),
)
def test_any_splits_come_back(tmp_path_factory, names, dtype, seed):
    names = ["test", "train", "dev", *names]
    X = numbers(2, n=len(names), dtype=dtype, seed=seed)
    store = made(tmp_path_factory.mktemp("a") / "s", X, labels={"p": list(range(len(names)))}, splits=names)
    rows = store.labels("p").astype(int)
    assert rows.tolist() == [i for name in ("train", "dev", "test") for i, given in enumerate(names) if given == name]
    assert np.array_equal(whole(store), X[rows])


# --- labels ---------------------------------------------------------------------------------------------------------


def filled(cells, dtype=object):
    return np.array((cells * N)[:N], dtype=dtype)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (filled(["a", "b"], "U1"), ["a", "b"]),
        (list(filled(["a", None])), ["a", None]),
        (filled(["a", np.nan]), ["a", None]),
        (pd.Series(filled(["a", pd.NA]), dtype="string"), ["a", None]),
        (pd.Series(filled(["a", None])).astype("category"), ["a", None]),
        (pd.Categorical(filled([3, None])), [3, None]),
        (pd.Categorical(filled([0.5, None])), ["0.5", None]),
        (filled([1, 2], np.int8), [1, 2]),
        (torch.tensor(filled([1, 2], np.int64)), [1, 2]),
        (list(torch.tensor(filled([1, 2], np.int64))), [1, 2]),
        (list(filled([1, None, 2])), [1, None, 2]),
        (pd.Series(list(filled([1, None, 2])), dtype=float), [1, None, 2]),
        (filled([1.0, np.nan, 2.0], float), [1, None, 2]),
        (pd.Series(filled([1, pd.NA]), dtype="Int64"), [1, None]),
        (filled([True, False], bool), [True, False]),
        (list(filled([True, None])), [True, None]),
        (pd.Series(filled([True, pd.NA]), dtype="boolean"), [True, None]),
        (filled([1.0, 2.0], float), [1.0, 2.0]),
        (filled([0.5, np.nan], float), [0.5, None]),
        (pd.Series(filled([1.0, pd.NA]), dtype="Float64"), [1.0, None]),
    ],
)
def test_kinds_of_labels(tmp_path, given, expected):
    made(tmp_path / "s", labels={"p": given})
    found = open_store(tmp_path / "s").labels("p")
    wanted = filled(expected)[ORDER].tolist()
    assert found.tolist() == wanted
    assert [type(label) for label in found] == [type(label) for label in wanted]


@pytest.mark.parametrize(
    "labels",
    [
        {"p": POS},
        {"p": [None if i % 10 == 0 else (i // 3) % 3 for i in range(N)]},
        {"p": [None if i % 10 == 0 else bool((i // 3) % 2) for i in range(N)]},
        {"p": np.linspace(0, 1, N)},
        pd.DataFrame({"p": pd.Series(POS, dtype="category")}),
    ],
)
def test_probes_and_search_work_on_it(tmp_path, labels):
    from neurosieve.experiments.search import search_lambdas
    from neurosieve.probes.engine import fit_probes
    from neurosieve.probes.spec import ProbeSpec

    splits = Splits.from_store(made(tmp_path / "s", [A, B], labels=labels), "p")
    assert splits.loss == ("squared" if isinstance(splits.train.y[0], float) else "softmax")
    (probe,) = fit_probes(
        splits.train.activations, [ProbeSpec(splits.train.y, loss=splits.loss)], solver="adam", epochs=1
    )
    assert probe.coef_.shape[1] == 7
    result = search_lambdas(splits, grid=[(0.0, 0.0), (1e-3, 1e-3)], solver="adam", epochs=1)
    assert len(result.table) == 2


# --- words, sentences, splits, identity -----------------------------------------------------------------------------


def test_words_and_sentences(tmp_path, caplog):
    bare = made(tmp_path / "a").words
    assert bare["word"].tolist() == [str(row) for row in bare["row"]]
    assert bare["sentence"].tolist() == bare["row"].tolist()
    assert (bare["position"] == 0).all()
    assert not caplog.records
    table = made(tmp_path / "b", words=POS, sentences=[f"s{i // 2}" for i in range(N)]).words
    assert table["word"].tolist() == POS[ORDER].tolist()
    assert table["sentence"].tolist() == (ORDER // 2).tolist()
    assert table["position"].tolist() == (ORDER % 2).tolist()
    assert "sentences have words in more than one split, such as 0" in caplog.text


@pytest.mark.parametrize(
    "splits",
    [
        {"train": slice(0, 50), "dev": range(50, 60), "test": np.arange(N) >= 70},
        {"train": list(range(50)), "dev": np.arange(59, 49, -1), "test": torch.arange(70, N)},
        ["train"] * 50 + ["dev"] * 10 + [None] * 10 + ["test"] * 20,
        pd.Series(["train"] * 50 + ["dev"] * 10 + [pd.NA] * 10 + ["test"] * 20, dtype="category"),
    ],
)
def test_ways_to_give_splits(tmp_path, caplog, splits):
    with caplog.at_level(logging.INFO):
        store = made(tmp_path / "s", splits=splits)
    assert store.manifest["splits"] == {"train": [0, 50], "dev": [50, 60], "test": [60, 80]}
    assert store.words["row"].tolist() == [*range(60), *range(70, 90)]
    assert "10 of 90 rows are in no split and left out, the first is 60" in caplog.text


def test_the_content_identifies_it(tmp_path):
    def digests(name, *args, **more):
        manifest = made(tmp_path / name, *args, **more).manifest
        return manifest["model"]["digest"], manifest["corpus"]["digest"]

    same = digests("a")
    assert digests("b", numbers(dtype=np.float32).astype(np.float64)) == same
    X = numbers()
    X[7, 2] += 1
    model, corpus = digests("c", X)
    assert (model != same[0], corpus) == (True, same[1])
    model, corpus = digests("d", labels={"pos": np.roll(POS, 1)})
    assert (model, corpus != same[1]) == (same[0], True)


def test_the_same_call_opens_or_continues_it_and_another_is_refused(tmp_path):
    folder = tmp_path / "s"
    made(folder)
    files = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}
    made(folder)
    assert {p: p.stat().st_mtime_ns for p in files} == {p: stamp for p, (stamp, _) in files.items()}
    (folder / "manifest.json").unlink()
    (folder / "shards" / "00000.safetensors").unlink()
    made(folder)
    assert {p: p.read_bytes() for p in files} == {p: content for p, (_, content) in files.items()}
    with pytest.raises(StoreError, match=r"holds activations of another model \(.*\); choose another output folder"):
        made(folder, numbers(seed=5))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="is not empty and holds no extraction; choose another output folder"):
        made(tmp_path / "mine")
    assert read_json(folder / "manifest.json")["model"]["family"] == "arrays"
