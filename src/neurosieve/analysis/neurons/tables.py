"""Tables that grow neuron by neuron: a data frame each would take longer than reading the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Names:
    """Names that a column repeats, such as those of labels; made into an array of pandas once, not once a row.

    Attributes
    ----------
    names : sequence of str or None
    """

    names: Sequence[str | None]

    def at(self, codes: NDArray[np.integer] | Sequence[int]) -> Coded:
        """A column of them by their numbers."""
        return Coded(self, np.asarray(codes, dtype=np.intp))


@dataclass(frozen=True)
class Coded:
    """A part of a column: names by their numbers (n_rows,)."""

    names: Names
    codes: NDArray[np.intp]


class Tables:
    """Columns of tables, to which rows are added.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        Names of the columns of each table.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self.parts: dict[str, dict[str, list[Any]]] = {
            table: {name: [] for name in names} for table, names in columns.items()
        }

    def add(self, table: str, n_rows: int, /, **columns: Any) -> None:  # noqa: ANN401 (arrays, names, or one number for all rows)
        """Add `n_rows` rows; a single number stands for all of them."""
        parts = self.parts[table]
        for name, column in columns.items():
            parts[name].append(column if isinstance(column, (np.ndarray, Coded)) else (column, n_rows))

    def extend(self, other: Tables) -> None:
        """Add the rows of another one."""
        for table, parts in self.parts.items():
            for name, column in parts.items():
                column.extend(other.parts[table][name])

    def frame(self, table: str) -> pd.DataFrame:
        """A table."""
        import pandas as pd

        return pd.DataFrame({name: _joined(parts) for name, parts in self.parts[table].items()})


def _joined(parts: list[Any]) -> Any:  # noqa: ANN401 (an array of numpy or pandas)
    """The parts of a column behind each other; names are taken from one array of those of all parts."""
    import pandas as pd

    if not parts:
        return []
    if isinstance(parts[0], tuple):
        return np.repeat([value for value, _ in parts], [n_rows for _, n_rows in parts])
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    kinds = {id(part.names): part.names for part in parts}
    starts = dict(zip(kinds, np.cumsum([0, *(len(kind.names) for kind in kinds.values())]).tolist(), strict=False))
    names = pd.Series(list(chain.from_iterable(kind.names for kind in kinds.values())))
    taken = names.array.take(np.concatenate([part.codes + starts[id(part.names)] for part in parts]))
    return np.full(len(taken), None) if pd.isna(taken).all() else taken  # a column without any name is not one of text
