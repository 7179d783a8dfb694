"""The format of a store on disk, version 1: a folder that numpy, pandas and safetensors can read without us.

``manifest.json``
    Everything that made the store: model, corpus, layers, splits, shards with word counts and checksums, and which words
    could not be stored. Written last: a folder without it is an extraction that has not finished. It ends with the digest
    of all that stands before it (see `neurosieve.files`), and tells the digests of all other files.
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

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import StoreError
from neurosieve.files import DamagedFileError, read_sealed_json, whole_file, why_unreadable
from neurosieve.json_shape import ANY, misfit

FORMAT = "neurosieve activations"
FORMAT_VERSION = 1
MANIFEST, PLAN, WORDS, SHARDS = "manifest.json", "plan.json", "words.parquet", "shards"
LOCK = "extract.lock"
CHECKSUM = "crc32"
_LAYER = {"name": str, "width": int, "depth": int, "site": str, "dtype": str}
MANIFEST_SHAPE = {
    "n_words": int,
    "model": {"name": str, "digest": str, "settings": dict},
    "corpus": {"name": str, "digest": str, "properties": [str]},
    "unit?": str,
    "dtype": str,
    "layers": [_LAYER],
    "splits": {ANY: (int, int)},
    "left_out?": list,
    "windowed?": list,
    "words?": {"sha256": str},
    "shards": [{"n_words": int, "sha256": str}],
}
"""What is read of a manifest (see `neurosieve.json_shape`)."""
_BYTES = {"float16": 2, "float32": 4}
_TYPES: dict[str, np.dtype[np.floating]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
"""By their names in the files."""


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


def read_json(path: Path) -> dict[str, Any]:
    """Read a manifest or plan.

    Raises
    ------
    StoreError
        If the file is not JSON, is not ours, is other than what was written, or is of a later format version.
    """
    try:
        content = read_sealed_json(path)
    except (OSError, DamagedFileError) as error:
        again = f"delete {path.name} and repeat the `extract` or `run` command, which keeps the shards"
        raise StoreError(f"{path}: {why_unreadable(error, again)}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise StoreError(f"{path}: not the manifest of an activation store; pass the folder that `extract` wrote")
    version = content.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise StoreError(
            f"{path}: format version {version!r} is later than this neurosieve reads "
            f"({FORMAT_VERSION}); update neurosieve"
        )
    if path.name == MANIFEST and (wrong := misfit(content, MANIFEST_SHAPE) or _contradiction(content)):
        raise StoreError(
            f"{path}: {wrong}; delete {path.name} and repeat the `extract` or `run` command, which keeps the shards"
        )
    return content


def _contradiction(manifest: Mapping[str, Any]) -> str | None:
    """What in a manifest cannot be true, in words; None if all fits."""
    n_words, layers = manifest["n_words"], manifest["layers"]
    if not layers or len({layer["name"] for layer in layers}) < len(layers):
        return "there are no layers, or two of one name"
    if unknown := next((layer for layer in layers if layer["dtype"] not in _BYTES or not layer["width"]), None):
        return f"the layer {unknown['name']!r} has {unknown['width']} neurons of dtype {unknown['dtype']!r}"
    if (total := sum(shard["n_words"] for shard in manifest["shards"])) != n_words:
        return f"n_words is {n_words}, and the shards have {total}"
    if wrong := next((name for name, (a, b) in manifest["splits"].items() if not a <= b <= n_words), None):
        return f"the split {wrong!r} is not within the {n_words} rows"
    return None


def least_bytes(manifest: Mapping[str, Any], number: int) -> int:
    """Bytes that the values of a shard have at least: a file with fewer is cut, or the manifest is of another store.

    A layer of which some shard needed float32 is float32 in the manifest, and may lie as float16 in the others.
    """
    row = sum(layer["width"] * min(_BYTES.values()) for layer in manifest["layers"])
    return int(manifest["shards"][number]["n_words"] * row)


def write_shard(path: Path, layers: Mapping[str, NDArray[np.floating]], details: Mapping[str, object]) -> None:
    """Write one shard, whole or not at all; it tells the checksum of what it holds, for whoever resumes."""
    from safetensors.numpy import save_file

    told = {**details, CHECKSUM: checksum(layers, details)}
    with whole_file(path) as temporary:
        save_file(dict(layers), str(temporary), metadata={"neurosieve": json.dumps(told, sort_keys=True)})


def mapped_layers(path: Path) -> dict[str, NDArray[np.floating]]:
    """The layers of a shard that was found whole, (n_words, width) each, as views of the mapped file."""
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    # The format of safetensors: the length of a header in JSON, the header, then the values.
    begin = 8 + int.from_bytes(whole[:8].tobytes(), "little")
    header = json.loads(whole[8:begin].tobytes())
    return {
        name: np.ndarray(about["shape"], _TYPES[about["dtype"]], whole, offset=begin + about["data_offsets"][0])
        for name, about in header.items()
        if name != "__metadata__"
    }


def checksum(layers: Mapping[str, NDArray[np.floating]], details: Mapping[str, object]) -> int:
    """CRC-32 of a shard's details and values: which tells any changed byte, five times faster than a digest."""
    found = zlib.crc32(json.dumps({k: v for k, v in details.items() if k != CHECKSUM}, sort_keys=True).encode())
    for name in sorted(layers):
        values = np.ascontiguousarray(layers[name])
        found = zlib.crc32(f"{name} {values.dtype} {values.shape}".encode(), found)
        found = zlib.crc32(values.data if values.size else b"", found)
    return found


def read_shard_details(path: Path, *, whole: bool = False) -> dict[str, Any]:
    """What `write_shard` was told of the shard, plus ``dtypes`` of its layers.

    Parameters
    ----------
    path : Path
    whole : bool
        Read all values and compare them with the shard's checksum.

    Raises
    ------
    StoreError
        If the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            details: dict[str, Any] = json.loads((file.metadata() or {})["neurosieve"])
            names = list(file.keys())
            dtypes = {name: file.get_slice(name).get_dtype() for name in names}
            noted = details.pop(CHECKSUM, None)
            if whole and noted is not None and noted != checksum({n: file.get_tensor(n) for n in names}, details):
                raise DamagedFileError("its content is not what was written")
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        again = "delete it and run the same extraction again, the rest is kept"
        raise StoreError(f"{path}: {why_unreadable(error, again)}") from error
    return {**details, "dtypes": dtypes}
