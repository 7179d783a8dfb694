"""What every maker of a store does, wherever its activations come from: refuse, start, resume and finish."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve._version import __version__
from neurosieve.activations import format as fmt
from neurosieve.activations.lock import extraction_lock
from neurosieve.activations.store import ActivationStore, is_complete, open_store
from neurosieve.errors import StoreError
from neurosieve.files import file_digest, sweep, whole_file, write_sealed_json

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

Plan = dict[str, Any]
"""What identifies a store, as it reads back from JSON (see `neurosieve.activations.format`)."""

SHARD_BYTES = 1 << 25
"""Of float16 values: enough to read at disk speed and to sort by length, little to prepare before and write after the rest."""


def shard_rows(n_neurons: int, shard_bytes: int) -> int:
    """About how many rows a shard takes."""
    return max(256, shard_bytes // (2 * n_neurons))


def make_store(folder: Path, plan: Plan, n_rows: int, *, make: Callable[[], None]) -> ActivationStore:
    """Open the store of `plan` in `folder`, after `make` has written what it lacks.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    plan : dict
        A folder that holds another one is refused.
    n_rows : int
        Rows of the whole store, to tell its size.
    make : callable
        Writes the missing shards, then calls `finish_store`; no other process works on the folder meanwhile.

    Raises
    ------
    StoreError
        If the folder holds something else, another process writes into it, or the disk is too small.
    """
    with begun(folder, plan, n_rows) as unfinished:
        if unfinished:
            make()
    return open_store(folder)


@contextmanager
def begun(folder: Path, plan: Plan, n_rows: int) -> Iterator[bool]:
    """Make a folder ready for the store of `plan` and be the one process that works in it; gives whether there is work to do.

    Raises
    ------
    StoreError
        As `make_store`.
    """
    if (folder / fmt.MANIFEST).is_file():
        _require_same(folder, fmt.read_json(folder / fmt.MANIFEST), plan)
        if is_complete(folder):
            if (folder / fmt.LOCK).exists():
                with (
                    suppress(StoreError),
                    extraction_lock(folder),
                ):  # left by one that was killed at its end: taken and let go
                    pass
            yield False
            return
    require_vacant(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with extraction_lock(folder):
        unfinished = not is_complete(folder)  # nobody finished it meanwhile
        if unfinished:
            _start(folder, plan, n_rows)
        yield unfinished


def finish_store(
    folder: Path,
    plan: Plan,
    words: pd.DataFrame,
    *,
    details: Sequence[Mapping[str, Any]],
    digests: Mapping[int, str],
    results: Mapping[str, object],
) -> None:
    """Write the table of words and, last, the manifest.

    Parameters
    ----------
    folder : Path
    plan : dict
    words : DataFrame
        One row a row of the matrix, grouped by split.
    details : sequence of mapping
        What `format.read_shard_details` gives of each shard.
    digests : mapping of int to str
        Digests of the shards that were just written; those of an earlier start are not in it.
    results : mapping
        What else the manifest tells.
    """
    with whole_file(folder / fmt.WORDS) as temporary:
        words.to_parquet(temporary, index=False)
    names = words["split"].to_numpy()
    splits = {}
    for name in dict.fromkeys(names.tolist()):
        where = np.flatnonzero(names == name)
        splits[name] = [int(where[0]), int(where[-1]) + 1]
    wide = {name for d in details for name, kind in d["dtypes"].items() if kind == "F32"}
    manifest = {
        **plan,
        "neurosieve_version": __version__,
        "layers": [{**layer, "dtype": "float32" if layer["name"] in wide else "float16"} for layer in plan["layers"]],
        "n_words": len(words),
        "splits": splits,
        **results,
        "words": {"file": fmt.WORDS, "sha256": file_digest(folder / fmt.WORDS)},
        "shards": [
            {
                "file": f"{fmt.SHARDS}/{n:05d}.safetensors",
                "n_words": d["n_words"],
                "sha256": digests.get(n) or file_digest(fmt.shard_path(folder, n)),
            }
            for n, d in enumerate(details)
        ],
    }
    write_sealed_json(folder / fmt.MANIFEST, manifest)


def intact_shards(folder: Path, numbers: Iterable[int]) -> set[int]:
    """Those of the shards that an earlier start left and that hold what was written; damaged ones are told."""
    found = set()
    for number in numbers:
        path = fmt.shard_path(folder, number)
        if not path.is_file():
            continue
        try:
            fmt.read_shard_details(path, whole=True)
        except StoreError as error:
            if isinstance(error.__cause__, PermissionError):
                raise
            log.warning("%s: damaged, so it is made again", path)
            continue
        found.add(number)
    return found


def require_vacant(folder: Path) -> None:
    """Refuse a folder that holds something else; whoever has begun in it left a plan."""
    if not (folder / fmt.PLAN).is_file() and not fmt.is_vacant(folder):
        raise StoreError(f"{folder}: is not empty and holds no extraction; choose another output folder")


def _start(folder: Path, plan: Plan, n_rows: int) -> None:
    """Check that `folder` is new or holds the same plan, tell the size, and write the plan."""
    n_neurons = sum(layer["width"] for layer in plan["layers"])
    size = n_rows * n_neurons * (2 if plan["dtype"] == "float16" else 4)
    if (folder / fmt.PLAN).is_file():
        _require_same(folder, fmt.read_json(folder / fmt.PLAN), plan)
        log.info("continuing the extraction in %s", folder)
    else:
        require_vacant(folder)
        (folder / fmt.SHARDS).mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if size > free:
            raise StoreError(
                f"{folder}: the store needs {fmt.readable_size(size)} and the disk has {fmt.readable_size(free)} free; free "
                "some space, choose another disk, or extract fewer layers"
            )
        write_sealed_json(folder / fmt.PLAN, plan)
    log.info(
        "the store takes %s on disk: %d %ss x %d neurons in %s",
        fmt.readable_size(size),
        n_rows,
        plan["unit"],
        n_neurons,
        plan["dtype"],
    )
    sweep(folder / fmt.SHARDS)
    sweep(folder)


def _require_same(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key in ("unit", "model", "corpus", "layers", "dtype", "shard_words", "sentence_vector"):
        a, b = found.get(key, "word" if key == "unit" else None), wanted[key]
        if key == "layers" and a is not None:
            a = [{k: v for k, v in layer.items() if k != "dtype"} for layer in a]
        if a != b:
            raise StoreError(
                f"{folder}: holds activations of another {key} ({_brief(a)} instead of {_brief(b)}); choose another output folder"
            )


def _brief(part: object) -> str:
    if isinstance(part, dict):
        return f"{part.get('name')}, digest {str(part.get('digest'))[:12]}"
    return f"{len(part)} layers" if isinstance(part, list) else repr(part)
