"""A store whose manifest was edited (so that it has no digest any more), or whose parts are not of one store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from neurosieve.activations.store import open_store
from neurosieve.errors import StoreError
from neurosieve.files import read_sealed_json, write_sealed_json


@pytest.fixture
def edited(store, tmp_path: Path) -> Callable[..., Path]:
    """Give a copy of a store whose manifest was changed by a function."""

    def edit(change: Callable[[dict[str, Any]], object]) -> Path:
        folder = Path(shutil.copytree(store.path, tmp_path / "edited"))
        manifest = read_sealed_json(folder / "manifest.json")
        change(manifest)
        write_sealed_json(folder / "manifest.json", manifest)
        return folder

    return edit


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.pop("shards"), "shards is missing"),
        (lambda m: m.pop("layers"), "layers is missing"),
        (lambda m: m.update(layers=[]), "there are no layers"),
        (lambda m: m["layers"].append(m["layers"][0]), "or two of one name"),
        (lambda m: m["layers"][0].update(dtype="int8"), "of dtype 'int8'"),
        (lambda m: m["layers"][0].update(width=0), "has 0 neurons"),
        (lambda m: m["layers"][0].update(name=3), r"layers\[0\]\.name is 3, where a text"),
        (lambda m: m["shards"][0].update(n_words=10**30), r"shards\[0\]\.n_words is 1000"),
        (lambda m: m["shards"][0].update(n_words=1), "n_words is .*, and the shards have"),
        (lambda m: m.update(n_words="many"), "n_words is 'many', where a whole number"),
        (lambda m: m["splits"].update(train=[0, 10**9]), "the split 'train' is not within"),
        (lambda m: m["splits"].update(train=[0]), "splits.train has 1 entries"),
        (lambda m: m["corpus"].update(properties=[1]), r"corpus\.properties\[0\] is 1"),
        (lambda m: m.update(model=None), "model is None, where a mapping"),
        (lambda m: m["words"].pop("sha256"), "words.sha256 is missing"),
    ],
)
def test_an_edited_manifest_is_refused_with_the_entry(edited, change, said: str) -> None:
    folder = edited(change)
    with pytest.raises(StoreError, match=rf"manifest\.json: .*{said}.*delete manifest\.json and repeat"):
        open_store(folder)


def test_more_words_than_the_files_hold_are_refused_before_any_memory_is_taken(edited) -> None:
    def grow(manifest: dict[str, Any]) -> None:
        manifest["shards"][0]["n_words"] += 2**40
        manifest["n_words"] += 2**40

    opened = open_store(edited(grow))
    with pytest.raises(StoreError, match=r"00000\.safetensors: cannot be read \(shorter than the .* bytes"):
        opened.read(0, opened.n_words)


def test_a_shard_that_is_not_the_manifests_is_refused(edited) -> None:
    def swap(manifest: dict[str, Any]) -> None:
        first, second = manifest["layers"][:2]
        first["width"], second["width"] = first["width"] + 1, second["width"] - 1

    opened = open_store(edited(swap))
    with pytest.raises(
        StoreError, match=r"00000\.safetensors: damaged \(layer 'L0' is \[.*\], in the manifest \[.*\]\)"
    ):
        opened.read(0, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda words: words.drop(columns="split"), "it lacks the column 'split'"),
        (lambda words: words.drop(columns="pos"), "it lacks the column 'pos'"),
        (lambda words: words.iloc[1:], "rows, the manifest"),
    ],
)
def test_a_table_of_words_that_is_not_the_manifests_is_refused(edited, change, said: str) -> None:
    folder = edited(lambda manifest: manifest.pop("words"))
    path = folder / "words.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)
    with pytest.raises(StoreError, match=rf"words\.parquet: damaged \({said}|words\.parquet: damaged .*{said}"):
        open_store(folder).words  # noqa: B018


def test_a_table_of_words_that_no_library_can_read_is_refused(edited) -> None:
    folder = edited(lambda manifest: manifest.pop("words"))
    content = bytearray((folder / "words.parquet").read_bytes())
    for at in range(len(content) - 400, len(content) - 8, 3):
        content[at] ^= 0x55
    (folder / "words.parquet").write_bytes(content)
    with pytest.raises(StoreError, match=r"words\.parquet: "):
        open_store(folder).words  # noqa: B018
