"""Accuracy of probes on the top neurons of each ranking."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import MARKERS, axes, percent_axis, size_axis, styled, table_of


@styled
def ranking_probes(source: object, *, ax: Axes | None = None) -> Axes:
    """Draw the accuracy on test of the exact linear probe against the size of each ranking's top set, with 95 % intervals.

    Parameters
    ----------
    source : Findings, or DataFrame
        With the columns ranking, probe, k, score, low, high (see `neurosieve.experiments.cross_table`).
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If there is no exact probe in the table.
    """
    table = exact_probes(source)
    if table.empty:
        raise NeurosieveError("the table has no exact probe; pass that of a property with labels")
    ax = axes(ax, size=(6.4, 4.0))
    names = list(dict.fromkeys(table["ranking"]))
    for number, name in enumerate(names):
        rows = table[table["ranking"] == name].sort_values("k")
        shift = 1.03 ** (number - len(names) / 2)  # so that intervals stand beside each other
        ax.errorbar(
            rows["k"] * shift,
            rows["score"],
            yerr=[rows["score"] - rows["low"], rows["high"] - rows["score"]],
            marker=MARKERS[number % len(MARKERS)],
            linestyle=("-", "--", "-.", ":")[number // len(MARKERS) % 4],
            markersize=4,
            linewidth=0.9,
            label=name,
        )
    size_axis(ax, int(table["k"].min()), int(table["k"].max()))
    ax.set_xlabel("top neurons the probe is trained on (log scale)")
    percent_axis(ax, label="accuracy on test (%)")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def exact_probes(source: object) -> pd.DataFrame:
    """The rows of the exact linear probe."""
    tables = getattr(source, "tables", None)
    table = tables["ranking_probes"] if tables is not None else table_of(source, "ranking_probes")
    return table[table["probe"] == "exact"].reset_index(drop=True)
