"""The format of a store on disk, version 1: a folder that numpy, pandas and safetensors can read without us.

``manifest.json``
    Everything that made the store: model, corpus, layers, splits, shards with word counts and checksums, and which words
    could not be stored. Written last: a folder without it is an extraction that has not finished.
``plan.json``
    The same without results, written first; it tells whether a started extraction is the one being asked for.
``words.parquet``
    One row a stored word, in the order of the rows of the matrix: sentence, position, word, split, one column a property.
    The words of a split are consecutive. Where the manifest's ``unit`` is ``"sentence"``, a row of the matrix is a
    sentence, and so is a row here: position is 0, word holds the words joined by blanks, and the properties are those of
    sentences. All that is called a number of words then is a number of sentences. In a store of the user's own arrays the
    column ``row`` says which of their rows each was.
``shards/00000.safetensors`` ...
    One tensor a layer, named as the layer, words x width, float16 (float32 where float16 cannot hold the values).
    A shard is written under a temporary name, synced and renamed: what has its final name is whole.
``extract.lock``
    Only there while an extraction runs, or where one was killed (see `neurosieve.activations.lock`).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import StoreError

FORMAT = "neurosieve activations"
FORMAT_VERSION = 1
MANIFEST, PLAN, WORDS, SHARDS = "manifest.json", "plan.json", "words.parquet", "shards"
LOCK = "extract.lock"


def shard_path(folder: Path, number: int) -> Path:
    """Path of shard `number` in a store's folder."""
    return folder / SHARDS / f"{number:05d}.safetensors"


def is_vacant(folder: Path) -> bool:
    """Whether a new store may be made in `folder`: it is not there, is empty, or holds what a killed start left."""
    if not folder.exists():
        return True
    if not folder.is_dir():
        return False
    left = {LOCK, Path(PLAN).with_suffix(".tmp").name}
    for path in folder.iterdir():
        if path.name == SHARDS and path.is_dir() and not any(path.iterdir()):
            continue
        if path.name not in left:
            return False
    return True


def readable_size(n_bytes: float) -> str:
    """A number of bytes in the unit that leaves few digits, such as ``3.4 MB``."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {name}"
    return f"{n_bytes:.0f} bytes"


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON so that the file is either the old one or the whole new one."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a manifest or plan.

    Raises
    ------
    StoreError
        If the file is not JSON, is not ours, or is of a later format version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise StoreError(f"{path}: not readable as JSON ({error}); extract the activations again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise StoreError(f"{path}: not the manifest of an activation store; pass the folder that `extract` wrote")
    if content["format_version"] > FORMAT_VERSION:
        raise StoreError(
            f"{path}: format version {content['format_version']} is later than this neurosieve reads "
            f"({FORMAT_VERSION}); update neurosieve"
        )
    return content


@contextmanager
def usual_permissions(path: Path) -> Iterator[None]:
    """Give what is written to `path` meanwhile the permissions of any new file there, whoever writes it.

    Safetensors, and all that makes its files by `tempfile`, lets nobody but the owner read them. An empty file is made
    first and shows what the umask (and the folder's own rules) allow: the umask cannot be asked for without changing it for
    all threads.
    """
    path.unlink(missing_ok=True)
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    yield
    path.chmod(mode)


def write_shard(path: Path, layers: Mapping[str, NDArray[np.floating]], details: Mapping[str, object]) -> None:
    """Write one shard under a temporary name, sync it, and give it its name."""
    from safetensors.numpy import save_file

    temporary = path.with_suffix(".tmp")
    with usual_permissions(temporary):
        save_file(dict(layers), str(temporary), metadata={"neurosieve": json.dumps(details, sort_keys=True)})
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def read_shard_details(path: Path) -> dict[str, Any]:
    """What `write_shard` was told of the shard, plus ``dtypes`` of its layers.

    Raises
    ------
    StoreError
        If the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            details: dict[str, Any] = json.loads((file.metadata() or {})["neurosieve"])
            details["dtypes"] = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise StoreError(
            f"{path}: damaged shard ({error}); delete this file and extract again, the rest is kept"
        ) from error
    return details


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        sha = hashlib.sha256()
        while block := file.read(1 << 22):
            sha.update(block)
    return sha.hexdigest()
