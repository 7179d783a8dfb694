"""The shards of a store: which rows lie in which file, and whether the files are what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations import format as fmt
from neurosieve.errors import StoreError
from neurosieve.files import DamagedFileError, why_unreadable

AGAIN = "delete it and run the same extraction again, the rest is kept"
_INTACT: set[tuple[str, int, int]] = set()
"""Shards, by path, time and size, that were found to hold what was written."""


class Shards:
    """The shards of one store: row ranges and memory-mapped tensors."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.layers: list[dict[str, Any]] = manifest["layers"]
        counts = [shard["n_words"] for shard in manifest["shards"]]
        self.bounds = np.cumsum([0, *counts])
        self.starts = np.cumsum([0, *(layer["width"] for layer in self.layers)])
        self.least_bytes = [fmt.least_bytes(manifest, number) for number in range(len(counts))]
        self._long_enough: set[int] = set()
        # The last one only: pages of a mapped file count as ours while it is open.
        self._open: tuple[int, Any] | None = None
        self._mapped: tuple[int, dict[str, NDArray[np.floating]]] | None = None

    def tensor(self, number: int, layer: str) -> Any:  # noqa: ANN401 (a lazy slice of safetensors)
        """The values of a layer in a shard, of which rows are read when they are sliced."""
        from safetensors import SafetensorError, safe_open

        opened = self._open
        if opened is None or opened[0] != number:
            path = fmt.shard_path(self.folder, number)
            self._require_intact(path)
            try:
                opened = (number, safe_open(str(path), framework="numpy"))
                self._require_fitting(number, opened[1])
            except (OSError, SafetensorError, DamagedFileError) as error:
                raise StoreError(f"{path}: {why_unreadable(error, AGAIN)}") from error
            self._open = opened
        return opened[1].get_slice(layer)

    def some(self, number: int, layer: str, *, rows: slice, columns: NDArray[np.intp]) -> NDArray[np.floating]:
        """Some columns of a layer in a shard, (n_rows, n_columns): taken from the mapped file, without a copy of the others."""
        opened = self._mapped
        if opened is None or opened[0] != number:
            self.tensor(number, layer)  # compares and checks the file
            path = fmt.shard_path(self.folder, number)
            try:
                opened = (number, fmt.mapped_layers(path))
            except OSError as error:
                raise StoreError(f"{path}: {why_unreadable(error, AGAIN)}") from error
            self._mapped = opened
        return np.take(opened[1][layer][rows], columns, axis=1)

    def _require_fitting(self, number: int, shard: Any) -> None:  # noqa: ANN401 (an open file of safetensors)
        """See that a shard has the layers and words that the manifest tells."""
        n_words = int(self.bounds[number + 1] - self.bounds[number])
        for layer in self.layers:
            shape = shard.get_slice(layer["name"]).get_shape()
            if shape != [n_words, layer["width"]]:
                raise DamagedFileError(
                    f"layer {layer['name']!r} is {shape}, in the manifest {[n_words, layer['width']]}"
                )

    def require_long_enough(self, first: int, last: int) -> None:
        """See that the files of rows `first` to `last` can hold them, before memory is taken for as many as a manifest says."""
        for number in range(len(self.bounds) - 1):
            if number in self._long_enough or not (self.bounds[number] < last and self.bounds[number + 1] > first):
                continue
            path, least = fmt.shard_path(self.folder, number), self.least_bytes[number]
            if path.is_file() and path.stat().st_size < least:
                raise StoreError(
                    f"{path}: cannot be read (shorter than the {least:,} bytes that the manifest tells); {AGAIN}"
                )
            self._long_enough.add(number)

    def _require_intact(self, path: Path) -> None:
        """Compare a shard with its own checksum when it is first read, once a process."""
        try:
            about = path.stat()
        except OSError as error:
            raise StoreError(f"{path}: {why_unreadable(error, AGAIN)}") from error
        seen = (str(path.absolute()), about.st_mtime_ns, about.st_size)
        if seen not in _INTACT:
            fmt.read_shard_details(path, whole=True)
            _INTACT.add(seen)
