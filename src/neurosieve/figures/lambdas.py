"""The search for lambdas: a heat map of the score, and what the score is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neurosieve.figures.style import (
    DARK,
    HEAT,
    INK,
    MIDDLE,
    axes,
    legend_above,
    percent_axis,
    power,
    score_floor,
    score_name,
    styled,
    table_of,
)

MAX_NAMED_PAIRS = 20


@styled
def lambda_search(source: object, *, ax: Axes | None = None, chosen: tuple[float, float] | None = None) -> Axes:
    """Draw the score of each pair of lambdas as a heat map with printed values, the chosen pair outlined.

    Pairs that were not tried are left blank.

    Parameters
    ----------
    source : Findings, SearchResult, or DataFrame with columns l1, l2, score
    ax : Axes, optional
        Where to draw; a new figure by default.
    chosen : (float, float), optional
        The chosen (l1, l2); taken from `source` where it has them, else the pair with the highest score.

    Returns
    -------
    Axes
    """
    table = table_of(source, "search")
    grid = table.pivot_table(index="l1", columns="l2", values="score", dropna=False)
    ax = axes(ax, size=(1.9 + 0.58 * grid.shape[1], 1.2 + 0.36 * grid.shape[0]))
    values = 100 * grid.to_numpy(dtype=float)
    rows, columns = (np.asarray(lambdas, dtype=float).tolist() for lambdas in (grid.index, grid.columns))
    image = ax.imshow(np.ma.masked_invalid(values), cmap=HEAT, aspect="auto", origin="lower")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = float(np.asarray(image.norm(value))) < 0.55
            ax.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=7.5, color="white" if dark else INK)
    l1, l2 = chosen or _chosen(source, table)
    row, column = rows.index(l1), columns.index(l2)
    for colour, width in (("white", 4.0), (INK, 1.8)):
        ax.add_patch(
            Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=colour, linewidth=width, clip_on=False)
        )
    ax.set_xticks(range(grid.shape[1]), [power(x) for x in columns])
    ax.set_yticks(range(grid.shape[0]), [power(x) for x in rows])
    ax.set_xlabel("l2")
    ax.set_ylabel("l1")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_title(f"score in points; chosen: l1 = {power(l1)}, l2 = {power(l2)}")
    return ax


@styled
def lambda_components(source: object, *, ax: Axes | None = None) -> Axes:
    """Draw, for each pair of lambdas from the best score to the worst, the accuracies that make up the score.

    Parameters
    ----------
    source : Findings, SearchResult, or DataFrame with columns l1, l2, a_top, a_bottom, a_all, score
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    table = table_of(source, "search").dropna(subset="score").sort_values("score", ascending=False, kind="stable")
    ax = axes(ax, size=(6.4, 3.4))
    places = np.arange(1, len(table) + 1)
    for column, name, marker, colour in (
        ("a_all", "all neurons", "o", INK),
        ("a_top", "top kept", "^", DARK),
        ("a_bottom", "bottom kept", "v", MIDDLE),
    ):
        ax.plot(places, table[column], marker, color=colour, markersize=4, linestyle="-", linewidth=0.6, label=name)
    if len(table) <= MAX_NAMED_PAIRS:
        pairs = zip(table["l1"].tolist(), table["l2"].tolist(), strict=True)
        names = [f"{power(l1)}, {power(l2)}" for l1, l2 in pairs]
        ax.set_xticks(places, names, rotation=60, ha="right", rotation_mode="anchor")
        ax.set_xlabel("l1, l2, best score first")
    else:
        ax.set_xlabel("pairs of lambdas, best score first")
    percent_axis(ax, label=f"{score_name(source)} on dev (%)")
    ax.set_ylim(score_floor(table[["a_all", "a_top", "a_bottom"]].min().min()), 1)
    legend_above(ax, columns=3)
    return ax


def _chosen(source: object, table: pd.DataFrame) -> tuple[float, float]:
    if hasattr(source, "l1") and hasattr(source, "l2") and source is not table:
        return float(source.l1), float(source.l2)
    best = int(np.nanargmax(table["score"].to_numpy()))
    return float(table["l1"].iloc[best]), float(table["l2"].iloc[best])
