"""Linguistic accuracy, control accuracy and their difference, with all and with the selected neurons."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import (
    DARK,
    INK,
    MIDDLE,
    PALE,
    axes,
    delta_name,
    legend_above,
    percent_axis,
    score_name,
    seed_bar,
    styled,
    table_of,
)

PARTS = (("linguistic", DARK, ""), ("control", PALE, ""), ("selectivity", MIDDLE, "////"))


@styled
def selectivity(source: object, *, ax: Axes | None = None, split: str = "test") -> Axes:
    """Draw linguistic accuracy, control accuracy and selectivity for all neurons and for each minimal set.

    Bars are means over seeds, points are the seeds.

    Parameters
    ----------
    source : Findings, or DataFrame with columns split, subset, delta, n_neurons, linguistic, control, selectivity
    ax : Axes, optional
        Where to draw; a new figure by default.
    split : {"test", "dev"}

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If there were no control tasks.
    """
    table = table_of(source, "selectivity")
    table = table[table["split"] == split]
    if table.empty:
        raise NeurosieveError(
            f"there is no selectivity on the split {split!r}: run with control tasks, or choose another split"
        )
    groups = _groups(table)
    ax = axes(ax, size=(2.2 + 1.5 * len(groups), 3.3))
    for number, (column, colour, hatch) in enumerate(PARTS):
        for place, (_, part) in enumerate(groups):
            label = column if place == 0 else None
            x, values = place + 0.27 * (number - 1), part[column].to_numpy()
            seed_bar(ax, x, values, width=0.25, color=colour, hatch=hatch, label=label)
    ax.axhline(0, color=INK, linewidth=0.7)
    ax.set_xticks(range(len(groups)), [name for name, _ in groups])
    percent_axis(ax, label=f"{score_name(source)} on {split} (%)")
    if table["control"].min() < -1:
        ax.set_ylim(bottom=-1)
    ax.margins(y=0.1)
    legend_above(ax, columns=3)
    return ax


def _groups(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    full = table[table["subset"] == "all"]
    named = [(f"all {full['n_neurons'].iloc[0]:g} neurons", full)] if len(full) else []
    small = table[table["subset"] != "all"].groupby("delta", sort=True)
    named += [
        (f"{part['n_neurons'].mean():.0f} neurons\n(within {delta_name(float(delta))})", part)  # type: ignore[arg-type]
        for delta, part in small
    ]
    return named
