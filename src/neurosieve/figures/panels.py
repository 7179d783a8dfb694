"""What the figures across models and properties are drawn from, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurosieve.errors import NeurosieveError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_NAME = 22
LOOKS = (("o", "#1f4e8c"), ("s", "white"), ("D", "#e08a1e"), ("^", "#222222"), ("v", "#c3d0e2"), ("P", "white"))
"""Marker and filling of each model: no two are alike in grey."""


@dataclass(frozen=True)
class Panel:
    """One model and one property in a figure.

    Attributes
    ----------
    model, prop : str
    layers : DataFrame
        layer, n_selected, n_neurons, expected; layers in order of depth.
    labels : DataFrame
        label, n_neurons, n_exclusive, main_layer.
    """

    model: str
    prop: str
    layers: pd.DataFrame
    labels: pd.DataFrame

    @property
    def n_selected(self) -> float:
        """Size of the selection."""
        return float(self.layers["n_selected"].sum())


def names(panels: Sequence[Panel], which: str) -> list[str]:
    """Models or properties (``"model"``, ``"prop"``) in order of appearance.

    Raises
    ------
    NeurosieveError
        If there are no panels.
    """
    if not panels:
        raise NeurosieveError("there are no findings to draw; run at least one model and property")
    return list(dict.fromkeys(str(getattr(panel, which)) for panel in panels))


def by_label(panels: Sequence[Panel], column: str) -> pd.DataFrame:
    """One row a label, one column a model, with a column of the tables of labels; NaN where a model lacks the label."""
    return pd.DataFrame({panel.model: panel.labels.set_index("label")[column] for panel in panels})


def depths(panel: Panel) -> pd.Series:
    """Relative depth (0 to 1) of the main layer of each label; NaN for a label without neurons."""
    order = {layer: i for i, layer in enumerate(panel.layers["layer"].tolist())}
    table = panel.labels.set_index("label")["main_layer"]
    return table.map(lambda layer: order.get(as_layer(layer), np.nan)) / max(1, len(order) - 1)


def as_layer(value: object) -> object:
    """A layer as the table of layers has it: a column with gaps holds numbers as 3.0."""
    if isinstance(value, float) and np.isfinite(value) and value.is_integer():
        return int(value)
    return value


def short(name: object, most: int = MAX_NAME) -> str:
    """A name that fits beside an axis."""
    text = str(name)
    if len(text) <= most:
        return text
    end = (most - 1) // 2  # what tells variants of a model apart stands at the end
    return f"{text[: most - 1 - end]}…{text[-end:]}"


def look(number: int) -> dict[str, Any]:
    """How the model at a place is marked; where models outnumber the looks, marks grow."""
    marker, filling = LOOKS[number % len(LOOKS)]
    return {
        "marker": marker,
        "markerfacecolor": filling,
        "markeredgecolor": "#222222",
        "markeredgewidth": 0.7,
        "markersize": 4.6 + 2 * (number // len(LOOKS)),
        "linestyle": "none",
        "alpha": 0.95,
    }


def model_legend(figure: Figure, models: Sequence[str]) -> None:
    """A legend of all models with their marks, above the figure."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=short(model, 30), **look(i)) for i, model in enumerate(models)]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, borderaxespad=0.2, handletextpad=0.2)
