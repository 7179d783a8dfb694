"""A store from arrays of the user's own: activations that something else computed, with labels and splits."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations import format as fmt
from neurosieve.activations.columns import (
    ROW,
    as_column,
    as_numpy,
    label_columns,
    sentence_numbers,
    split_rows,
    word_column,
)
from neurosieve.activations.store import ActivationStore
from neurosieve.activations.writer import (
    SHARD_BYTES,
    Plan,
    finish_store,
    intact_shards,
    make_store,
    require_vacant,
    shard_rows,
)
from neurosieve.bars import Progress, with_bar
from neurosieve.errors import StoreError
from neurosieve.files import file_digest

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

_KNOWN_NAME = re.compile(r"L(\d+)(?:\.(mlp|attention|heads))?")


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer: the columns of an array (n_rows, n_columns) that are its neurons, or None for all."""

    name: str
    array: NDArray[np.floating]
    columns: NDArray[np.intp] | None = None

    @property
    def width(self) -> int:
        return int(self.array.shape[1]) if self.columns is None else len(self.columns)

    def rows(self, rows: NDArray[np.intp]) -> NDArray[np.floating]:
        """A copy of some rows, (n_rows, width), in the array's own precision."""
        block = self.array[rows]
        return np.ascontiguousarray(block if self.columns is None else block[:, self.columns])


@with_bar("store (rows)")
def store_from_arrays(
    out: str | Path,
    arrays: Any,  # noqa: ANN401 (arrays of several libraries, or collections of them)
    *,
    labels: Any,  # noqa: ANN401 (a mapping or a DataFrame)
    splits: Any,  # noqa: ANN401 (an array or a mapping)
    words: Any = None,  # noqa: ANN401 (anything one-dimensional)
    sentences: Any = None,  # noqa: ANN401 (anything one-dimensional)
    neurons: Any = None,  # noqa: ANN401 (a DataFrame, or anything one-dimensional)
    layers: Sequence[int | str] | None = None,
    model: str = "arrays",
    corpus: str = "arrays",
    dtype: str | None = None,
    progress: Progress | None = None,
) -> ActivationStore:
    """Write activations that were computed elsewhere as a store, on which everything works.

    The store holds the rows of train, then dev, then test, each in the order of the arrays; the column ``row`` of its
    table of words says which row of the arrays a row of the store was. Rows in no split are left out. The same call
    again opens the store, or continues it if it was interrupted.

    Parameters
    ----------
    out : str or Path
        Folder of the store; made if it does not exist.
    arrays : array_like of shape (n_rows, n_neurons), or sequence or mapping of them
        One array, one a layer (numbered from 0), or a mapping of layer to array. Numpy arrays and memory maps, PyTorch
        tensors on the CPU and DataFrames, of float16, float32 or float64.
    labels : mapping of str to array_like of shape (n_rows,), or DataFrame
        Labels of each property. Strings, integers, booleans and categories are labels; floats are real values, which
        are probed as such. ``None``, NaN and ``pd.NA`` mean no label. Integers stay integers, also where pandas turned
        them into floats because some are missing: whole floats with a missing value are taken as integer labels, unless
        they are of a nullable type (``Float64``). An index is not looked at: rows count.
    splits : array_like of shape (n_rows,), or mapping
        ``"train"``, ``"dev"`` or ``"test"`` for each row, missing for a row to leave out; or a mapping of each of the
        three to row numbers, a boolean mask (n_rows,) or a slice.
    words : array_like of shape (n_rows,), optional
        Word types, from which control tasks draw their labels. Without them each row is a type of its own.
    sentences : array_like of shape (n_rows,), optional
        Sentence of each row, which `stability` resamples. Without them each row is its own sentence.
    neurons : DataFrame of n_neurons rows, or array_like of shape (n_neurons,), optional
        With one array: the layer of each column, as an array or as the columns ``layer_name`` or ``layer``, such as
        ``store.neurons``. Columns of a layer are brought together, in their order.
    layers : sequence of int or str, optional
        Numbers (3 is ``"L3"``) or names of the layers of a sequence of arrays.
    model, corpus : str
        Names for tables and figures. What identifies the store are digests of its content.
    dtype : {"float16", "float32"}, optional
        Precision on disk; by default float16 if all arrays are, else float32. A layer whose values float16 cannot hold
        is stored as float32 all the same.
    progress : callable, optional
        Called as ``progress(rows_done, rows_in_all)``; all are read twice, to identify them and to write them.

    Returns
    -------
    ActivationStore

    Raises
    ------
    StoreError
        If something cannot be read, does not fit together, is not finite, or `out` holds something else.
    """
    found = _layers(arrays, neurons, layers)
    n_rows = len(found[0].array)
    if dtype not in (None, "float16", "float32"):
        raise StoreError(f"dtype is {dtype!r}; expected 'float16' or 'float32'")
    if dtype is None:
        dtype = "float16" if all(layer.array.dtype == np.float16 for layer in found) else "float32"
    if not (Path(out) / fmt.MANIFEST).is_file():
        require_vacant(Path(out))  # before all values are read
    columns = label_columns(labels, n_rows)
    table = _table(columns, split_rows(splits, n_rows), word_column(words, n_rows), sentence_numbers(sentences, n_rows))
    left_out = np.setdiff1d(np.arange(n_rows), table[ROW].to_numpy())
    if len(left_out):
        log.info("%d of %d rows are in no split and left out, the first is %d", len(left_out), n_rows, left_out[0])

    def advance(rows: float) -> None:
        if progress is not None:
            progress(rows, 2 * len(table))

    plan = _plan(found, table, properties=list(columns), model=model, corpus=corpus, dtype=dtype, advance=advance)
    return make_store(Path(out), plan, len(table), make=lambda: _write(Path(out), plan, found, table, advance=advance))


def _layers(arrays: Any, neurons: Any, names: Sequence[int | str] | None) -> list[_Layer]:  # noqa: ANN401
    """The layers, checked for all but their values."""
    if isinstance(arrays, Mapping):
        if names is not None:
            raise StoreError("layers: the mapping of arrays names its layers; leave `layers` out")
        found = [(_name(key), array) for key, array in arrays.items()]
    elif isinstance(arrays, (list, tuple)):
        if arrays and (np.isscalar(arrays[0]) or isinstance(arrays[0], (list, tuple))):
            raise StoreError("arrays: lists of numbers; pass `np.asarray(...)` of each layer")
        named = list(range(len(arrays))) if names is None else list(names)
        if len(named) != len(arrays):
            raise StoreError(f"layers: {len(named)} names for {len(arrays)} arrays; pass one a layer")
        found = [(_name(name), array) for name, array in zip(named, arrays, strict=True)]
    else:
        array = _matrix(arrays, "arrays")
        if neurons is not None and names is not None:
            raise StoreError("layers: the table of neurons names the layers; leave `layers` out")
        if neurons is not None:
            return _grouped(array, neurons)
        named = [0] if names is None else list(names)
        if len(named) != 1:
            raise StoreError(f"layers: {len(named)} names for one array; pass `neurons`, the layer of each column")
        found = [(_name(named[0]), array)]
    if neurons is not None:
        raise StoreError("neurons: a table of neurons goes with one array; leave it out, or join the arrays' columns")
    if not found:
        raise StoreError("arrays: there is none; pass at least one layer")
    layers = [_Layer(name, _matrix(array, f"arrays: layer {name}")) for name, array in found]
    for place, layer in enumerate(layers):
        if layer.name in {other.name for other in layers[:place]}:
            raise StoreError(f"arrays: two layers are named {layer.name}; name each once")
        if len(layer.array) != len(layers[0].array):
            raise StoreError(
                f"arrays: layer {layer.name} has {len(layer.array)} rows and {layers[0].name} has "
                f"{len(layers[0].array)}; expected the same rows in all layers"
            )
    return layers


def _name(key: object) -> str:
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool) and key >= 0:
        return f"L{key}"
    if isinstance(key, str) and key:
        return key
    raise StoreError(f"layers: {key!r} names none; expected a number from 0 or a string")


def _matrix(given: Any, what: str) -> NDArray[np.floating]:  # noqa: ANN401 (an array of any library)
    array = as_numpy(given, what)
    if array.dtype == object and hasattr(given, "to_numpy"):  # a DataFrame of nullable columns
        try:
            array = given.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise StoreError(f"{what}: not all columns are numbers ({error}); pass the numeric ones alone") from error
    if array.ndim == 3:
        raise StoreError(f"{what}: has shape {array.shape}; expected (n_rows, n_neurons), pass a list of the layers")
    if array.ndim != 2 or 0 in array.shape:
        raise StoreError(f"{what}: has shape {array.shape}; expected (n_rows, n_neurons), one row a word")
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise StoreError(
            f"{what}: of type {array.dtype}; expected float16, float32 or float64, pass `.astype('float32')` of it"
        )
    return array


def _grouped(array: NDArray[np.floating], neurons: Any) -> list[_Layer]:  # noqa: ANN401 (a table or one column)
    """Layers from one array (n_rows, n_neurons) by the layer of each column."""
    index = None
    if hasattr(neurons, "columns"):
        index = neurons["index"].tolist() if "index" in neurons.columns else None
        column = next((name for name in ("layer_name", "layer") if name in neurons.columns), None)
        if column is None:
            raise StoreError("neurons: the table has no column 'layer'; add it, with the layer of each neuron")
        neurons = neurons[column]
    if len(neurons) != array.shape[1]:
        raise StoreError(
            f"neurons: {len(neurons)} entries for {array.shape[1]} columns of the array; pass one a neuron"
        )
    names = [_name(key) for key in as_column(neurons, array.shape[1], "neurons").tolist()]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
        if index is not None and index[place] != len(places[name]) - 1:
            raise StoreError(
                f"neurons: index {index[place]} of layer {name} where {len(places[name]) - 1} is due; a store numbers the "
                "neurons of a layer from 0: sort them, or leave out the column 'index' to number them anew"
            )
    return [_Layer(name, array, np.array(columns, dtype=np.intp)) for name, columns in places.items()]


def _table(
    labels: Mapping[str, pd.Series[Any]],
    rows: Mapping[str, NDArray[np.intp]],
    words: NDArray[np.object_],
    sentences: NDArray[np.int64],
) -> pd.DataFrame:
    """The table of words, grouped by split; positions count the rows of a sentence in the order given."""
    import pandas as pd

    order = np.concatenate(list(rows.values()))
    split = np.repeat(np.array(list(rows), dtype=object), [len(part) for part in rows.values()])
    positions = pd.Series(sentences).groupby(sentences).cumcount().to_numpy(dtype=np.int64)
    table = pd.DataFrame(
        {
            "sentence": sentences[order],
            "position": positions[order],
            "word": words[order],
            "split": split,
            ROW: order.astype(np.int64),
            **{prop: column.iloc[order].reset_index(drop=True) for prop, column in labels.items()},
        }
    )
    torn = table.groupby("sentence")["split"].nunique()
    if (torn > 1).any():
        log.warning(
            "%d sentences have words in more than one split, such as %s: scores of dev and test may be too good",
            int((torn > 1).sum()),
            torn.index[torn > 1][0],
        )
    return table


def _plan(
    layers: Sequence[_Layer],
    table: pd.DataFrame,
    *,
    properties: list[str],
    model: str,
    corpus: str,
    dtype: str,
    advance: Callable[[float], None],
) -> Plan:
    size = shard_rows(sum(layer.width for layer in layers), SHARD_BYTES)
    plan = {
        "format": fmt.FORMAT,
        "format_version": fmt.FORMAT_VERSION,
        "model": {
            "name": model,
            "family": "arrays",
            "architecture": "",
            "revision": "",
            "digest": _digest(layers, table[ROW].to_numpy(), size, advance=advance),
            "settings": {},
        },
        "corpus": {
            "name": corpus,
            "digest": hashlib.sha256(table.to_json(orient="split", double_precision=15).encode()).hexdigest(),
            "n_sentences": int(table["sentence"].nunique()),
            "n_words": len(table),
            "properties": properties,
        },
        "unit": "word",
        "sentence_vector": None,
        "special_token": None,
        "layers": [_described(layer, place) for place, layer in enumerate(layers)],
        "dtype": dtype,
        "shard_words": size,
    }
    return dict(json.loads(json.dumps(plan)))  # as it reads back, so that plans can be compared


def _described(layer: _Layer, place: int) -> dict[str, object]:
    known = _KNOWN_NAME.fullmatch(layer.name)
    depth, site = (place, "residual") if known is None else (int(known[1]), known[2] or "residual")
    return {"name": layer.name, "width": layer.width, "depth": depth, "site": site}


def _chunks(rows: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _digest(layers: Sequence[_Layer], rows: NDArray[np.intp], size: int, *, advance: Callable[[float], None]) -> str:
    """SHA-256 (hex) over names, shapes and values of the rows that are kept; refuses values that are not finite."""
    sha = hashlib.sha256()
    for place, layer in enumerate(layers):
        sha.update(json.dumps([layer.name, len(rows), layer.width]).encode())
        for number, chunk in enumerate(_chunks(rows, size)):
            values = layer.rows(chunk)
            single = _single(values)
            if not np.isfinite(single).all():
                row, neuron = (int(place) for place in np.argwhere(~np.isfinite(single))[0])
                why = (
                    f"is {values[row, neuron]:g}, beyond float32; scale the layer, or leave it out"
                    if np.isfinite(values[row, neuron])
                    else f"is {values[row, neuron]:g}, not finite; mend it, or leave the layer or the row out"
                )
                raise StoreError(f"arrays: layer {layer.name}, neuron {neuron}, row {chunk[row]}: the value {why}")
            sha.update(single.data)
            advance((place * len(rows) + number * size + len(chunk)) / len(layers))
    return sha.hexdigest()


def _single(values: NDArray[np.floating]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what overflows is refused by name
        return values.astype(np.float32, copy=False)


def _write(
    folder: Path, plan: Plan, layers: Sequence[_Layer], table: pd.DataFrame, *, advance: Callable[[float], None]
) -> None:
    """Write what is missing of the shards, and finish."""
    from neurosieve.models.precision import in_precision

    digests: dict[int, str] = {}
    parts = list(_chunks(table[ROW].to_numpy(), plan["shard_words"]))
    there = intact_shards(folder, range(len(parts)))
    for number, rows in enumerate(parts):
        path = fmt.shard_path(folder, number)
        if number in there:
            continue
        stored: dict[str, NDArray[np.floating]] = {}
        for layer in layers:
            values = in_precision(_single(layer.rows(rows)), plan["dtype"])
            if values is None:
                raise StoreError(
                    f"arrays: layer {layer.name} changed while it was read; pass arrays that stay as they are"
                )
            stored[layer.name] = values
        fmt.write_shard(path, stored, {"n_words": len(rows)})
        digests[number] = file_digest(path)
        advance(len(table) + number * plan["shard_words"] + len(rows))
    details = [fmt.read_shard_details(fmt.shard_path(folder, number)) for number in range(len(parts))]
    # What the manifest says of words without vector, long sentences and sub-words; arrays have none of these.
    results = {"left_out": [], "windowed": [], "n_subwords": len(table), "unknown_share": 0.0}
    finish_store(folder, plan, table, details=details, digests=digests, results=results)
