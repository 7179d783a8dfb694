"""The tables that looking at neurons leaves, cut to one neuron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurosieve.errors import NeurosieveError

PREFIX = "neuron_"
PARTS = ("labels", "histogram", "contexts", "types", "follows", "twins", "weights")


@dataclass(frozen=True)
class NeuronTables:
    """What is known of one neuron (see `neurosieve.study.looks_columns.LOOKS`).

    Attributes
    ----------
    name : str
        Such as ``L3N251``.
    index : int
        Its column of the activations.
    summary : mapping
        Its row of the table ``neuron_summary``.
    labels, histogram, contexts, types, follows, twins, weights : DataFrame
        Its rows of the other tables; twins by name.
    prop : str
        The property; empty if there is none.
    unit : str
        What a row of the activations stands for.
    real_values : bool
        Whether the property's values are real, so that its labels are fifths of them.
    """

    name: str
    index: int
    summary: Mapping[str, Any]
    labels: pd.DataFrame
    histogram: pd.DataFrame
    contexts: pd.DataFrame
    types: pd.DataFrame
    follows: pd.DataFrame
    twins: pd.DataFrame
    weights: pd.DataFrame
    prop: str = ""
    unit: str = "word"
    real_values: bool = False

    @property
    def mean(self) -> float:
        """Mean of its values."""
        return float(self.summary["mean"])

    @property
    def sd(self) -> float:
        """Standard deviation of its values."""
        return float(self.summary["sd"])

    def scaled(self, values: Any) -> Any:  # noqa: ANN401 (one value, or an array of them)
        """Values as standard deviations from the mean; 0 for a neuron that never changes."""
        return (np.asarray(values, dtype=float) - self.mean) / self.sd if self.sd > 0 else np.zeros_like(values, float)


def looked_at(tables: Mapping[str, pd.DataFrame]) -> list[int]:
    """Numbers of the neurons that were looked at, in their order; none where the stage was not run."""
    if f"{PREFIX}summary" not in tables:
        return []
    return [int(number) for number in tables[f"{PREFIX}summary"]["index"]]


def split_by_neuron(
    tables: Mapping[str, pd.DataFrame], names: pd.Series[Any], *, prop: str, unit: str, real_values: bool
) -> dict[int, NeuronTables]:
    """The tables of each neuron that was looked at, by its number.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As the stage ``looks`` leaves them.
    names : Series of shape (n_neurons,), str
        Names of all neurons.
    prop, unit : str
    real_values : bool

    Raises
    ------
    NeurosieveError
        If a table is missing.
    """
    missing = [part for part in ("summary", *PARTS) if f"{PREFIX}{part}" not in tables]
    if missing:
        raise NeurosieveError(
            f"the table '{PREFIX}{missing[0]}' is missing, which the stage `looks` leaves; repeat the run's command to make it"
        )
    named = tables[f"{PREFIX}twins"]
    whole = {part: tables[f"{PREFIX}{part}"] for part in PARTS}
    whole["twins"] = named.assign(other=names.iloc[named["other"].to_numpy(dtype=int)].astype(str).to_numpy())
    groups = {part: dict(iter(table.groupby("index", sort=False))) for part, table in whole.items()}
    nothing = {part: table.iloc[:0] for part, table in whole.items()}
    return {
        (number := int(row["index"])): NeuronTables(
            str(names.iloc[number]),
            number,
            {str(key): value for key, value in row.items()},
            **{part: groups[part].get(number, nothing[part]).reset_index(drop=True) for part in PARTS},
            prop=prop,
            unit=unit,
            real_values=real_values,
        )
        for row in tables[f"{PREFIX}summary"].to_dict("records")
    }
