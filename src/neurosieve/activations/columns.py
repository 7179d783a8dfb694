"""Arrays, series and lists of the user's own as the columns of a table of words, for `neurosieve.activations.arrays`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.corpora.corpus import RESERVED, SPLITS
from neurosieve.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

ROW = "row"
"""Column of the table of words: the number of the row in the arrays that were given."""


def as_numpy(given: Any, what: str) -> NDArray[Any]:  # noqa: ANN401 (that is what is found out)
    """Return the numpy array that `given` is, or has.

    Parameters
    ----------
    given : array_like
        A numpy array, a tensor of PyTorch on the CPU, a pandas object, or anything with ``__array__``.
    what : str
        What it is, for the message.

    Raises
    ------
    StoreError
        If it cannot be read; the message says what to call.
    """
    kind = type(given).__name__
    if isinstance(given, np.ma.MaskedArray):
        raise StoreError(
            f"{what}: a masked array, whose mask would be lost; pass `.filled(...)` of it, or lists with None"
        )
    if isinstance(given, np.ndarray):
        return np.asarray(given)
    if hasattr(given, "toarray"):
        raise StoreError(f"{what}: a sparse {kind}; expected a dense array, pass `.toarray()` of it")
    if type(given).__module__.partition(".")[0] == "torch":  # told by name, so that torch need not be imported
        return _of_tensor(given, what)
    if hasattr(given, "to_numpy"):
        return np.asarray(given.to_numpy())
    if hasattr(given, "__array__"):
        return np.asarray(given)
    call = "`.numpy()`" if hasattr(given, "numpy") else "`np.asarray(...)`"
    raise StoreError(f"{what}: a {kind}; expected a numpy array, pass {call} of it")


def _of_tensor(given: Any, what: str) -> NDArray[Any]:  # noqa: ANN401 (torch is not imported)
    if given.requires_grad:
        raise StoreError(f"{what}: a tensor that requires grad; pass `.detach().cpu().numpy()` of it")
    if given.device.type != "cpu":
        raise StoreError(f"{what}: a tensor on {given.device}; pass `.detach().cpu().numpy()` of it")
    if str(given.layout) != "torch.strided":
        raise StoreError(f"{what}: a sparse tensor ({given.layout}); pass `.to_dense().numpy()` of it")
    if str(given.dtype) == "torch.bfloat16":
        raise StoreError(f"{what}: a bfloat16 tensor, which numpy does not have; pass `.float().numpy()` of it")
    return np.asarray(given.numpy())


def as_column(given: Any, n_rows: int, what: str) -> pd.Series[Any]:  # noqa: ANN401 (anything one-dimensional)
    """`given`, one-dimensional with `n_rows` entries, as a Series numbered from 0; a pandas index is not looked at."""
    import pandas as pd

    if isinstance(given, pd.Series):
        column = given.reset_index(drop=True)
    elif isinstance(given, (pd.Index, pd.api.extensions.ExtensionArray)):
        column = pd.Series(given).reset_index(drop=True)
    elif isinstance(given, (list, tuple)):
        cells = np.empty(len(given), dtype=object)  # numpy would make numbers of None, and strings of numbers
        cells[:] = [
            cell.item() if getattr(cell, "ndim", None) == 0 and hasattr(cell, "item") else cell for cell in given
        ]
        column = pd.Series(cells, dtype=object)
    elif isinstance(given, (str, bytes)) or not hasattr(given, "__len__"):
        raise StoreError(f"{what}: a {type(given).__name__}; expected one entry a row ({n_rows})")
    else:
        array = as_numpy(given, what)
        if array.ndim != 1:
            raise StoreError(f"{what}: has shape {array.shape}; expected ({n_rows},), one entry a row")
        column = pd.Series(array.astype(object) if array.dtype.kind == "U" else array)
    if len(column) != n_rows:
        raise StoreError(f"{what}: has {len(column)} entries for {n_rows} rows of activations; pass one a row")
    return column


def label_column(given: Any, n_rows: int, prop: str) -> pd.Series[Any]:  # noqa: ANN401 (anything one-dimensional)
    """Labels of one property in the type that keeps them: Int64, boolean, str (object), or float64 for real values.

    Raises
    ------
    StoreError
        If they are of mixed kinds or of none that a probe can learn, infinite, too few or too many, or none at all.
    """
    import pandas as pd

    what = f"labels of '{prop}'"
    column = as_column(given, n_rows, what)
    known = np.asarray(column.notna())
    if not known.any():
        raise StoreError(f"{what}: none of the {n_rows} rows has one; leave the property out, or mend it")
    cells = column.astype(object)[known].tolist()
    categories = isinstance(column.dtype, pd.CategoricalDtype)
    if all(isinstance(cell, (bool, np.bool_)) for cell in cells):
        return _kept(cells, known, "boolean")
    if all(_is_integer(cell) for cell in cells):
        return _integers(cells, known, what)
    if all(isinstance(cell, str) for cell in cells):
        return _kept([str(cell) for cell in cells], known, "object")
    if not all(_is_integer(cell) or isinstance(cell, (float, np.floating)) for cell in cells):
        kinds = sorted({type(cell).__name__ for cell in cells})
        raise StoreError(
            f"{what}: of type {', '.join(kinds)}; expected strings, integers, booleans or real values, all of one kind: "
            "make strings of them, such as with `.astype(str)`"
        )
    values = np.array(cells, dtype=np.float64)
    if np.isinf(values).any():
        row = int(np.flatnonzero(known)[np.flatnonzero(np.isinf(values))[0]])
        raise StoreError(f"{what}: the value of row {row} is infinite; mend it, or pass None for no value")
    whole = bool((values == np.floor(values)).all())
    nullable = isinstance(column.dtype, pd.api.extensions.ExtensionDtype) and not categories
    if categories and not whole:
        return _kept([str(cell) for cell in cells], known, "object")
    if whole and (categories or (not known.all() and not nullable)):
        log.info("%s: whole numbers, some missing, are taken as integer labels; pass Float64 for real values", what)
        return _integers([int(value) for value in values], known, what)
    return _kept(values.tolist(), known, "float64")


def _is_integer(cell: object) -> bool:
    return isinstance(cell, (int, np.integer)) and not isinstance(cell, bool)


def _integers(cells: list[Any], known: NDArray[np.bool_], what: str) -> pd.Series[Any]:
    if max(cells) > np.iinfo(np.int64).max or min(cells) < np.iinfo(np.int64).min:
        raise StoreError(f"{what}: integers beyond 64 bits; make strings of them, such as with `.astype(str)`")
    return _kept([int(cell) for cell in cells], known, "Int64")


def _kept(cells: list[Any], known: NDArray[np.bool_], dtype: str) -> pd.Series[Any]:
    import pandas as pd

    whole = np.full(len(known), None, dtype=object)
    whole[known] = cells
    column: pd.Series[Any] = pd.Series(whole, dtype=object)
    return column.astype(pd.api.types.pandas_dtype(dtype))


def label_columns(labels: Any, n_rows: int) -> dict[str, pd.Series[Any]]:  # noqa: ANN401 (a mapping or a DataFrame)
    """Columns of all properties of a mapping or a DataFrame."""
    import pandas as pd

    if not isinstance(labels, (Mapping, pd.DataFrame)):
        raise StoreError(
            f"labels: a {type(labels).__name__}; expected a mapping of property to labels, such as {{'pos': tags}}"
        )
    if not len(labels.keys()):
        raise StoreError("labels: no property; pass at least one, such as {'pos': tags}")
    for prop in labels:
        if not isinstance(prop, str) or not prop:
            raise StoreError(f"labels: the property {prop!r} is no string; name it by one")
        if prop in (*RESERVED, ROW):
            raise StoreError(f"labels: no property can be named '{prop}', which is a column of its own; rename it")
    if isinstance(labels, pd.DataFrame) and not labels.columns.is_unique:
        raise StoreError("labels: two columns have the same name; rename one")
    return {str(prop): label_column(labels[prop], n_rows, str(prop)) for prop in labels}


def split_rows(splits: Any, n_rows: int) -> dict[str, NDArray[np.intp]]:  # noqa: ANN401 (an array or a mapping)
    """Ascending row numbers of train, dev and test.

    Raises
    ------
    StoreError
        If a split is missing, empty or unknown, or a row does not exist or is in two.
    """
    if isinstance(splits, Mapping):
        _require_names(list(splits), SPLITS)
        found = {name: _rows(splits[name], n_rows, name) for name in SPLITS}
        counts = np.zeros(n_rows, dtype=np.intp)
        for rows in found.values():
            np.add.at(counts, rows, 1)
        if (counts > 1).any():
            row = int(np.argmax(counts > 1))
            raise StoreError(f"splits: row {row} is given more than once; a row belongs to one split, once")
    else:
        column = as_column(splits, n_rows, "splits")
        names = column.astype(object).where(column.notna(), None).to_numpy(dtype=object)
        _require_names(list(dict.fromkeys(name for name in names.tolist() if name is not None)), SPLITS)
        found = {name: np.flatnonzero(names == name) for name in SPLITS}
    for name, rows in found.items():
        if not len(rows):
            raise StoreError(f"splits: '{name}' has no row; give it some")
    return found


def _require_names(found: Sequence[object], expected: Sequence[str]) -> None:
    for name in found:
        if name not in expected:
            raise StoreError(f"splits: no split can be named {name!r}; expected {', '.join(map(repr, expected))}")
    for name in expected:
        if name not in found:
            raise StoreError(f"splits: '{name}' is missing; expected rows for each of {', '.join(expected)}")


def _rows(given: Any, n_rows: int, name: str) -> NDArray[np.intp]:  # noqa: ANN401 (an index, a mask or a slice)
    what = f"splits: '{name}'"
    if isinstance(given, slice):
        return np.sort(np.arange(n_rows)[given])
    array = np.asarray(given) if isinstance(given, (list, tuple, range)) else as_numpy(given, what)
    if array.dtype.kind == "b":
        if array.shape != (n_rows,):
            raise StoreError(f"{what}: a mask of shape {array.shape}; expected ({n_rows},), one entry a row")
        return np.flatnonzero(array)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and len(array)):
        raise StoreError(
            f"{what}: of shape {array.shape} and type {array.dtype}; expected row numbers, a mask or a slice"
        )
    outside = (array < 0) | (array >= n_rows)
    if outside.any():
        raise StoreError(f"{what}: there is no row {array[outside][0]}; rows are numbered 0 to {n_rows - 1}")
    return np.sort(array.astype(np.intp))


def sentence_numbers(given: Any, n_rows: int) -> NDArray[np.int64]:  # noqa: ANN401 (anything one-dimensional, or None)
    """Number of each row's sentence: integers as they are, other names by their first row; without any, the row's own."""
    import pandas as pd

    if given is None:
        return np.arange(n_rows, dtype=np.int64)
    column = as_column(given, n_rows, "sentences")
    _require_all(column, "sentences", "sentence numbers")
    if all(_is_integer(cell) for cell in column.tolist()):
        return column.to_numpy(dtype=np.int64)
    return np.asarray(pd.factorize(column.astype(str))[0], dtype=np.int64)


def word_column(given: Any, n_rows: int) -> NDArray[np.object_]:  # noqa: ANN401 (anything one-dimensional, or None)
    """The word of each row as a string; without any, the row's number."""
    if given is None:
        return np.array([str(row) for row in range(n_rows)], dtype=object)
    column = as_column(given, n_rows, "words")
    _require_all(column, "words", "words")
    return np.array([str(cell) for cell in column.tolist()], dtype=object)


def _require_all(column: pd.Series[Any], what: str, kind: str) -> None:
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise StoreError(f"{what}: row {missing[0]} has none; pass {kind} for all rows, or leave them out altogether")
