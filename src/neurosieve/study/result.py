"""What a stage leaves: one JSON file in the cell's folder, written under its final name only when it is whole.

It holds what it was made with, which units it covers (all, or the seeds and deltas that were asked for), its tables, column by
column, and the digests of the files beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from neurosieve.errors import StudyError
from neurosieve.files import DamagedFileError, file_digest, read_sealed_json, why_unreadable, write_sealed_json
from neurosieve.json_shape import ANY, misfit

FORMAT = "neurosieve stage"
FORMAT_VERSION = 1
"""Rule: a file of another version, older or newer, is refused with what to do; activations are never affected."""
SHAPE = {
    "stage?": str,
    "made_with": dict,
    "units": [(object, object)],
    "seconds": float,
    "files?": {ANY: str},
    "tables": {ANY: {ANY: list}},
}
"""What a stage's file holds (see `neurosieve.json_shape`)."""

Unit: TypeAlias = tuple[int | None, float | None]
"""A seed and a delta; None where the stage's result does not depend on it (or, of deltas, where all neurons are meant)."""
Tables: TypeAlias = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Table:
    """A table that a stage leaves.

    Attributes
    ----------
    columns : mapping of str to str
        Each column's name, and what it holds.
    order : tuple of str
        Columns by which rows are ordered, so that a result that grew is the same as one made at once.
    key : tuple of str
        Columns that tell rows apart, where units may leave the same row twice.
    """

    columns: Mapping[str, str]
    order: tuple[str, ...] = ()
    key: tuple[str, ...] = ()

    def checked(self, frame: pd.DataFrame, *, where: str) -> pd.DataFrame:
        """The columns of `frame` that were declared, in their order.

        Raises
        ------
        StudyError
            If there are other ones, or some lack.
        """
        if set(frame.columns) != set(self.columns):
            raise StudyError(
                f"{where}: has the columns {', '.join(map(str, frame.columns))}; the stage declares {', '.join(self.columns)}"
            )
        return frame[list(self.columns)]

    def joined(self, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """Rows of all parts, each once, in order."""
        filled = [part for part in parts if len(part)]
        whole = pd.concat(filled, ignore_index=True) if filled else parts[0]
        if self.key:
            whole = whole.drop_duplicates(list(self.key))
        return whole.sort_values(list(self.order), kind="stable", ignore_index=True) if self.order else whole


@dataclass(frozen=True)
class Result:
    """What a stage left.

    Attributes
    ----------
    made_with : mapping
        Digests of the activations, and the settings that the stage depends on.
    units : tuple of Unit
        What it covers.
    seconds : float
        Wall time of making it.
    tables : mapping of str to DataFrame
    files : mapping of str to str
        Digest of each file that the stage left beside its own, by name; empty in results of earlier versions.
    """

    made_with: Mapping[str, Any]
    units: tuple[Unit, ...]
    seconds: float
    tables: Tables = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    def only(self, units: Iterable[Unit]) -> Result:
        """The rows of some units."""
        asked = set(units)
        if asked >= set(self.units):
            return self
        seeds = {seed for seed, _ in asked}

        def wanted(frame: pd.DataFrame) -> pd.DataFrame:
            if "seed" not in frame:
                return frame
            if "delta" not in frame:
                return frame[frame["seed"].isin(seeds)].reset_index(drop=True)
            known = [(s, None if pd.isna(d) else d) for s, d in zip(frame["seed"], frame["delta"], strict=True)]
            return frame[[unit in asked for unit in known]].reset_index(drop=True)

        kept = tuple(unit for unit in self.units if unit in asked)
        return Result(self.made_with, kept, self.seconds, {k: wanted(t) for k, t in self.tables.items()}, self.files)

    def write(self, path: Path, stage: str) -> None:
        """Write the stage's file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        tables = {name: _columns(frame) for name, frame in self.tables.items()}
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "stage": stage,
            "made_with": dict(self.made_with),
            "units": [list(unit) for unit in self.units],
            "seconds": self.seconds,
            "files": dict(self.files),
            "tables": tables,
        }
        write_sealed_json(path, content)


def read_result(path: Path) -> Result:
    """Read a stage's file.

    Raises
    ------
    StudyError
        If the file is damaged, or of a version that is not read.
    """
    again = "delete it to compute this stage again"
    try:
        content = read_sealed_json(path)
    except (OSError, DamagedFileError) as error:
        raise StudyError(f"{path}: {why_unreadable(error, again)}") from error
    if isinstance(content, dict) and "made_with" in content and content.get("format_version") != FORMAT_VERSION:
        raise StudyError(
            f"{path}: version {content.get('format_version', 0)!r} of a stage's result, this neurosieve reads version "
            f"{FORMAT_VERSION}; {again}, or the folder 'cells' for all of them (activations are kept)"
        )
    if wrong := misfit(content, SHAPE):
        raise StudyError(f"{path}: {wrong}; {again}")
    try:
        return Result(
            made_with=dict(content["made_with"]),
            units=tuple((seed, delta) for seed, delta in content["units"]),
            seconds=float(content["seconds"]),
            tables={name: _frame(columns) for name, columns in content["tables"].items()},
            files=dict(content.get("files", {})),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise StudyError(f"{path}: not what a stage leaves ({error!r}); {again}") from error


_INTACT: set[tuple[str, int, int, str]] = set()
"""Files, by path, time, size and digest, that were found to be what was written."""


def is_intact(path: Path, digest: str) -> bool:
    """Whether a file is there and has this digest; looked at once a process while it stays as it is.

    Raises
    ------
    StudyError
        If it may not be read.
    """
    try:
        about = path.stat()
        seen = (str(path.absolute()), about.st_mtime_ns, about.st_size, digest)
        if seen not in _INTACT and file_digest(path) == digest:
            _INTACT.add(seen)
    except PermissionError as error:
        raise StudyError(f"{path}: {why_unreadable(error, '')}") from error
    except OSError:
        return False
    return seen in _INTACT


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Columns as lists; what is missing is None, for which JSON has a name."""
    return {str(k): v for k, v in frame.astype(object).where(frame.notna(), None).to_dict("list").items()}


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    if len({len(values) for values in columns.values()}) > 1:  # which would be filled up with missing values
        raise ValueError("the columns of a table have different lengths")
    return pd.DataFrame({name: pd.Series(values, dtype=_dtype(values)) for name, values in columns.items()})


def _dtype(values: Sequence[Any]) -> Any:  # noqa: ANN401 (a name of pandas, or the type object)
    """Numbers as numbers, also where some or all are missing; all else as it is."""
    known = [value for value in values if value is not None]
    if any(isinstance(value, (str, bool)) for value in known):
        return bool if len(known) == len(values) and all(isinstance(value, bool) for value in known) else object
    if len(known) == len(values) and known and all(isinstance(value, int) for value in known):
        return "int64"
    return "float64"
