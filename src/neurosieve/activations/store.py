"""`ActivationStore`: a words x neurons matrix on disk with a table for each axis.

A store is read-only; analyses return results and never write into it. `split` and `select` give light views over the
same files. Opening reads the manifest and nothing else; rows are read from memory-mapped shards when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations import format as fmt
from neurosieve.activations.shards import AGAIN, Shards
from neurosieve.errors import StoreError
from neurosieve.files import DamagedFileError, file_digest, why_unreadable
from neurosieve.notebook import card, listed

if TYPE_CHECKING:
    import pandas as pd


class ActivationStore:
    """Activations of one model over one corpus; made by `extract` or `store_from_arrays`, opened by `open_store`.

    Attributes
    ----------
    path : Path
    manifest : dict
        What made the store (see `neurosieve.activations.format`).
    n_words, n_neurons : int
        Size of this view.
    dtype : numpy dtype
        What `read` returns: float16, or float32 if any stored layer is float32.
    words : DataFrame
        One row a word of this view: sentence, position, word, split, one column a property.
    neurons : DataFrame
        One row a neuron of this view: neuron (``L3N251``), layer, index, layer_name.
    """

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        *,
        shards: Shards | None = None,
        rows: tuple[int, int] | None = None,
        columns: NDArray[np.intp] | None = None,
        tables: dict[str, pd.DataFrame] | None = None,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._shards = shards or Shards(path, manifest)
        self._rows = rows or (0, int(manifest["n_words"]))
        self._columns = columns
        self._tables: dict[str, pd.DataFrame] = {} if tables is None else tables  # shared by all views
        self.n_words = self._rows[1] - self._rows[0]
        self.n_neurons = int(self._shards.starts[-1]) if columns is None else len(columns)
        single = any(layer["dtype"] == "float32" for layer in manifest["layers"])
        self.dtype: np.dtype[np.floating] = np.dtype(np.float32 if single else np.float16)

    def __repr__(self) -> str:
        layers = self.manifest["layers"]
        widths = sorted({layer["width"] for layer in layers})
        size = f"{len(layers)} layers x {widths[0]}" if len(widths) == 1 else f"{len(layers)} layers"
        return (
            f"ActivationStore: {self.n_words} {self.unit}s x {self.n_neurons} neurons ({size}), {self.dtype}\n"
            f"    model: {self.manifest['model']['name']} | properties: {', '.join(self.properties)} | splits: "
            + ", ".join(f"{name} {b - a}" for name, (a, b) in self.manifest["splits"].items())
        )

    def _repr_html_(self) -> str:
        import pandas as pd

        facts = {
            "rows": f"{self.n_words:,} {self.unit}s x {self.n_neurons:,} neurons, {self.dtype}",
            "model": self.manifest["model"]["name"],
            "corpus": self.manifest["corpus"]["name"],
            "properties": listed(self.properties) or "none",
            "splits": ", ".join(f"{name} {b - a:,}" for name, (a, b) in self.manifest["splits"].items()),
        }
        layers = [(layer["name"], layer["width"], layer["dtype"]) for layer in self.manifest["layers"]]
        return card("ActivationStore", facts, pd.DataFrame(layers, columns=["layer", "neurons", "stored as"]))

    @property
    def written_at(self) -> int:
        """When the newest file of the store was written, in nanoseconds."""
        return max(path.stat().st_mtime_ns for path in self.files() if path.is_file())

    @property
    def unit(self) -> str:
        """What a row stands for: ``"word"`` or ``"sentence"``."""
        return str(self.manifest.get("unit", "word"))

    @property
    def properties(self) -> list[str]:
        """Names of the properties."""
        return list(self.manifest["corpus"]["properties"])

    @cached_property
    def words(self) -> pd.DataFrame:
        """Table of this view's words."""
        if "words" not in self._tables:
            import pandas as pd

            path = self.path / fmt.WORDS
            try:
                noted = self.manifest.get("words")  # which stores of earlier versions do not tell
                if noted is not None and file_digest(path) != noted["sha256"]:
                    raise DamagedFileError("its content is not what was written")
                self._tables["words"] = pd.read_parquet(path)
                self._require_words(self._tables["words"])
            except Exception as error:  # whatever the loading library raises where no digest tells of damage
                self._tables.pop("words", None)
                raise StoreError(f"{path}: {why_unreadable(error, AGAIN)}") from error
        return self._tables["words"].iloc[slice(*self._rows)].reset_index(drop=True)

    def _require_words(self, words: pd.DataFrame) -> None:
        lacking = [name for name in ("sentence", "position", "word", "split", *self.properties) if name not in words]
        if lacking:
            raise DamagedFileError(f"it lacks the column '{lacking[0]}'")
        if len(words) != self.manifest["n_words"]:
            raise DamagedFileError(f"it has {len(words)} rows, the manifest {self.manifest['n_words']}")

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """Table of this view's neurons."""
        import pandas as pd

        from neurosieve.models.language_model import Layer

        layers = [Layer(d["name"], d["width"], d["depth"], d["site"]) for d in self.manifest["layers"]]
        numbered = len({layer.depth for layer in layers}) == len(layers)  # else two layers share a depth: use names
        table = pd.concat(
            [
                pd.DataFrame(
                    {
                        "neuron": layer.neuron_names(),
                        "layer": layer.depth if numbered else layer.name,
                        "index": np.arange(layer.width),
                        "layer_name": layer.name,
                    }
                )
                for layer in layers
            ],
            ignore_index=True,
        )
        return table if self._columns is None else table.iloc[self._columns].reset_index(drop=True)

    def require(self, *properties: str) -> None:
        """Raise a `StoreError` that lists the known properties unless all of `properties` exist."""
        for prop in properties:
            if prop not in self.properties:
                raise StoreError(
                    f"{self.path}: no property '{prop}'; the store has {', '.join(self.properties) or 'none'}"
                )

    def split(self, name: str) -> ActivationStore:
        """View of one split's words.

        Raises
        ------
        StoreError
            If the store has no such split.
        """
        splits = self.manifest["splits"]
        if name not in splits:
            raise StoreError(f"{self.path}: no split '{name}'; the store has {', '.join(splits)}")
        start, stop = (int(bound) for bound in splits[name])
        start, stop = max(start, self._rows[0]), min(stop, self._rows[1])
        return self._view(rows=(start, max(start, stop)), columns=self._columns)

    def select(
        self, *, layers: Sequence[int | str] | None = None, neurons: Sequence[int] | Sequence[str] | None = None
    ) -> ActivationStore:
        """View of some neurons: those of the given layers (numbers or names), or the given ones (numbers or names)."""
        table = self.neurons
        if (layers is None) == (neurons is None):
            raise StoreError("select takes either layers or neurons")
        if layers is not None:
            known = {*table["layer"].tolist(), *table["layer_name"].tolist()}
            missing = [layer for layer in layers if layer not in known]
            if missing:
                raise StoreError(f"no layer {missing[0]!r}; there are {', '.join(dict.fromkeys(table['layer_name']))}")
            chosen = np.flatnonzero(table["layer"].isin(layers) | table["layer_name"].isin(layers))
        else:
            numbers: dict[object, int] = {name: i for i, name in enumerate(table["neuron"])}
            numbers.update({i: i for i in range(len(table))})
            wanted = [] if neurons is None else list(neurons)
            unknown = [n for n in wanted if isinstance(n, (bool, np.bool_)) or n not in numbers]
            if unknown:
                raise StoreError(
                    f"no neuron {unknown[0]!r}; there are {len(table)}, with names such as {table['neuron'].iloc[0]}"
                )
            chosen = np.array([numbers[n] for n in wanted], dtype=np.intp)
        return self._view(rows=self._rows, columns=chosen if self._columns is None else self._columns[chosen])

    def _view(self, *, rows: tuple[int, int], columns: NDArray[np.intp] | None) -> ActivationStore:
        return ActivationStore(
            self.path, self.manifest, shards=self._shards, rows=rows, columns=columns, tables=self._tables
        )

    def with_labels(self, prop: str, labels: Sequence[object]) -> ActivationStore:
        """Give this store with a property more, whose labels (n_words,) are not on disk.

        Raises
        ------
        StoreError
            If it has the property, is a view of some rows, or the labels are not one a row.
        """
        if prop in self.properties:
            raise StoreError(f"{self.path}: has a property '{prop}' already; give the new one another name")
        if not len(labels) == self.n_words == int(self.manifest["n_words"]):
            raise StoreError(
                f"{self.path}: {len(labels)} labels of '{prop}' for {self.n_words} rows; expected one for each of the "
                f"{self.manifest['n_words']} rows of the whole store"
            )
        corpus = {**self.manifest["corpus"], "properties": [*self.properties, prop]}
        import pandas as pd

        from neurosieve.corpora.corpus import label_column

        words = self.words.copy()
        words[prop] = pd.Series(label_column(list(labels)), index=words.index)
        tables = {**self._tables, "words": words}
        manifest = {**self.manifest, "corpus": corpus}
        return ActivationStore(self.path, manifest, shards=self._shards, columns=self._columns, tables=tables)

    def labels(self, prop: str) -> NDArray[np.generic]:
        """Labels of one property, shape (n_words,), ``None`` where a word has none."""
        self.require(prop)
        column = self.words[prop]
        return column.astype(object).where(column.notna(), None).to_numpy(dtype=object)

    def read(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> NDArray[np.floating]:
        """Rows `start` to `stop` of this view, of all or the given columns of this view, (stop - start, n_columns)."""
        if not 0 <= start <= stop <= self.n_words:
            raise StoreError(f"rows {start} to {stop} were asked for; this view has rows 0 to {self.n_words}")
        wanted = self._columns if columns is None else columns if self._columns is None else self._columns[columns]
        first, last = self._rows[0] + start, self._rows[0] + stop
        starts, bounds = self._shards.starts, self._shards.bounds
        width = int(starts[-1]) if wanted is None else len(wanted)
        self._shards.require_long_enough(first, last)
        out = np.empty((last - first, width), dtype=self.dtype)
        for number in range(int(np.searchsorted(bounds, first, "right")) - 1, len(bounds) - 1):
            a, b = max(first, int(bounds[number])), min(last, int(bounds[number + 1]))
            if a >= b:
                break
            rows, into = slice(a - int(bounds[number]), b - int(bounds[number])), slice(a - first, b - first)
            for layer, low, high in zip(self._shards.layers, starts[:-1], starts[1:], strict=True):
                if wanted is None:
                    out[into, low:high] = self._shards.tensor(number, layer["name"])[rows]
                    continue
                places = np.flatnonzero((wanted >= low) & (wanted < high))
                if len(places):
                    asked = wanted[places] - low
                    out[into, places] = self._shards.some(number, layer["name"], rows=rows, columns=asked)
        return out

    def xy(self, prop: str) -> tuple[NDArray[np.float32], NDArray[np.generic]]:
        """Activations (n_labelled, n_neurons) as float32 and labels (n_labelled,) of the words that have a label."""
        y = self.labels(prop)
        labelled = np.array([label is not None for label in y], dtype=bool)
        X = self.read(0, self.n_words).astype(np.float32)
        return (X, y) if labelled.all() else (X[labelled], y[labelled])

    def batches(self, batch_size: int = 4096) -> Iterator[tuple[slice, NDArray[np.floating]]]:
        """Consecutive rows in stored order, as (slice of row numbers, array (n_rows, n_neurons))."""
        for start in range(0, self.n_words, batch_size):
            stop = min(start + batch_size, self.n_words)
            yield slice(start, stop), self.read(start, stop)

    def verify(self) -> None:
        """Compare every file of the store with its digest.

        Raises
        ------
        StoreError
            If one differs; the message names it.
        """
        for path, digest in self.files().items():
            if file_digest(path) != digest:
                raise StoreError(f"{path}: checksum differs from the manifest; {AGAIN}")

    def files(self) -> dict[Path, str]:
        """Digest (SHA-256) of every file of the store, but for the manifest, which holds its own."""
        words = self.manifest.get("words")
        table = {} if words is None else {self.path / fmt.WORDS: str(words["sha256"])}
        return table | {fmt.shard_path(self.path, n): str(s["sha256"]) for n, s in enumerate(self.manifest["shards"])}


def is_complete(path: str | Path) -> bool:
    """Whether `path` holds a finished store with its table of words and all of its shards."""
    folder = Path(path)
    if not (folder / fmt.MANIFEST).is_file():
        return False
    n_shards = len(fmt.read_json(folder / fmt.MANIFEST)["shards"])
    return all(p.is_file() for p in (folder / fmt.WORDS, *(fmt.shard_path(folder, n) for n in range(n_shards))))


def open_store(path: str | Path) -> ActivationStore:
    """Open a store that `extract` wrote.

    Parameters
    ----------
    path : str or Path
        The store's folder.

    Returns
    -------
    ActivationStore

    Raises
    ------
    StoreError
        If the folder is no store, its extraction has not finished, or a shard is missing.
    """
    folder = Path(path)
    manifest = folder / fmt.MANIFEST
    if not manifest.is_file():
        if (folder / fmt.PLAN).is_file():
            raise StoreError(
                f"{folder}: the extraction has not finished; repeat the `extract` or `run` command to continue"
            )
        raise StoreError(f"{folder}: no activation store (no {fmt.MANIFEST}); pass the folder that `extract` wrote")
    content = fmt.read_json(manifest)
    for number in range(len(content["shards"])):
        path = fmt.shard_path(folder, number)
        if not path.is_file():
            raise StoreError(f"{path}: missing; repeat the `extract` or `run` command, which makes what is missing")
    return ActivationStore(folder, content)
