"""What the probe does without some of its neurons: bars for all, top, random and bottom."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import (
    DARK,
    INK,
    PALE,
    axes,
    legend_above,
    percent_axis,
    score_floor,
    score_name,
    seed_bar,
    styled,
    table_of,
)

SUBSETS = ("all", "top", "random", "bottom")


@styled
def ablation(source: object, *, ax: Axes | None = None, split: str = "test", baseline: float | None = None) -> Axes:
    """Draw accuracy with all, top, random and bottom neurons, the others set to zero or to their mean, not retrained.

    Bars are means over seeds, points are the seeds (the paper's Tables 1 and 6).

    Parameters
    ----------
    source : Findings, AblationResult, or DataFrame with columns seed, split, fill, subset, n_neurons, score
        The result of one probe on one split has no columns seed and split; it is drawn as it is.
    ax : Axes, optional
        Where to draw; a new figure by default.
    split : {"test", "dev"}
        Which rows to draw, where the table has a column split.
    baseline : float, optional
        Score of a guess without any neuron, drawn as a line: of the most frequent label, or of the mean value.

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If the table has no row of `split`.
    """
    table, score = table_of(source, "ablation").rename(columns={"accuracy": "score"}), score_name(source)
    if "split" in table:
        table = table[table["split"] == split]
        if table.empty:
            raise NeurosieveError(
                f"the table of the ablation has no row of the split {split!r}; choose 'dev' or 'test'"
            )
    ax = axes(ax, size=(5.6, 3.3))
    fills = [("zero", "others set to zero", DARK, ""), ("mean", "others set to their mean", PALE, "////")]
    for fill, name, colour, hatch in fills:
        part = table[(table["fill"] == fill) & (table["subset"] != "all")]
        shift = -0.2 if fill == "zero" else 0.2
        _bars(ax, part, shift=shift, name=name, colour=colour, hatch=hatch)
    _bars(ax, table[table["subset"] == "all"], shift=0.0, name="nothing ablated", colour="#6b6b6b", hatch="")
    if baseline is not None:
        ax.axhline(
            baseline,
            color=INK,
            linewidth=0.9,
            linestyle=(0, (4, 3)),
            label="most frequent label" if score == "accuracy" else "mean value",
        )
    ax.set_xticks(range(len(SUBSETS)), [_tick(table, subset) for subset in SUBSETS])
    percent_axis(ax, label=f"{score} on {split} (%)" if "split" in table else f"{score} (%)")
    low = score_floor(table["score"].min())
    ax.set_ylim(low, min(1.12, max(0.1, 1.14 * table["score"].max())))
    if low < 0:
        ax.axhline(0, color=INK, linewidth=0.7)
    legend_above(ax, columns=2)
    return ax


def _bars(ax: Axes, table: pd.DataFrame, *, shift: float, name: str, colour: str, hatch: str) -> None:
    label: str | None = name
    for place, subset in enumerate(SUBSETS):
        values = table.loc[table["subset"] == subset, "score"].to_numpy()
        if len(values):
            seed_bar(ax, place + shift, values, width=0.38, color=colour, hatch=hatch, label=label)
            label = None


def _tick(table: pd.DataFrame, subset: str) -> str:
    counts = table.loc[table["subset"] == subset, "n_neurons"]
    return f"{subset}\n{counts.iloc[0]:g} neurons" if counts.notna().any() else subset
