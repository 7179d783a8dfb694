"""How many neurons each label takes: sorted bars, the exclusive part hatched."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import DARK, PALE, axes, few, legend_above, styled, table_of

MAX_NAME = 24


@styled
def label_distribution(source: object, *, ax: Axes | None = None, most: int = 25) -> Axes:
    """Draw how many selected neurons each label takes (the paper's Figures 2 and 4).

    The hatched part is taken by no other label. Beside each bar stand the number and the layer with the largest
    part of the label's neurons.

    Parameters
    ----------
    source : Findings, LabelDistribution, or DataFrame with columns label, n_neurons, n_exclusive, main_layer
    ax : Axes, optional
        Where to draw; a new figure by default.
    most : int
        How many labels are drawn; the figure says how many more there are.

    Returns
    -------
    Axes
    """
    if most < 1:
        raise NeurosieveError(f"most is {most}; expected at least one label to draw")
    table = table_of(source, "labels").sort_values("n_neurons", ascending=False, kind="stable")
    shown = table.head(most)
    ax = axes(ax, size=(6.0, 1.1 + 0.21 * len(shown)))
    places = np.arange(len(shown))
    ax.barh(places, shown["n_neurons"], color=PALE, edgecolor=DARK, linewidth=0.6, height=0.74, label="shared")
    ax.barh(
        places,
        shown["n_exclusive"],
        color="white",
        edgecolor=DARK,
        linewidth=0.6,
        height=0.74,
        hatch="//////",
        label="taken by this label alone",
    )
    for place, row in zip(places, shown.to_dict("records"), strict=True):
        layer = "" if row["n_neurons"] == 0 else f", layer {_whole(row['main_layer'])}"
        ax.annotate(
            f"{few(row['n_neurons'])}{layer}",
            (row["n_neurons"], place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
    ax.set_yticks(places, [_short(label) for label in shown["label"]])
    ax.invert_yaxis()
    ax.margins(x=0.16, y=0.01)
    ax.set_xlim(0, None)
    rest = table.iloc[most:]["n_neurons"]
    more = ""
    if len(rest):
        more = f"\nand {len(rest)} more label{'s' if len(rest) > 1 else ''} with {_between(rest.min(), rest.max())} neurons each"
    ax.set_xlabel("neurons that the label takes, and the layer with the largest part of them" + more)
    legend_above(ax, columns=2)
    return ax


def _whole(layer: object) -> object:
    """Numbers of layers are whole; a column in which some are missing has them as floats."""
    return int(layer) if isinstance(layer, float) and layer.is_integer() else layer


def _short(label: object) -> str:
    name = str(label)
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def _between(low: float, high: float) -> str:
    return few(low) if low == high else f"{few(low)} to {few(high)}"
