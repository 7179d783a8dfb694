"""How real values are spread: shares of each split's rows, in steps."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from neurosieve.figures.style import DARK, INK, MIDDLE, PALE, axes, legend_above, styled, table_of


@styled
def value_histogram(source: object, *, ax: Axes | None = None) -> Axes:
    """Draw which share of the words (or sentences) of train, dev and test has which real value.

    Parameters
    ----------
    source : Findings, or DataFrame with columns low, high, train, dev, test
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    table = table_of(source, "histogram")
    ax = axes(ax, size=(5.6, 3.0))
    edges = np.append(table["low"].to_numpy(), table["high"].iloc[-1])
    shares = {name: table[name] / max(1, table[name].sum()) for name in ("train", "dev", "test")}
    ax.stairs(shares["train"], edges, fill=True, color=PALE, label="train")
    ax.stairs(shares["dev"], edges, color=MIDDLE, linewidth=1.1, linestyle=(0, (3, 2)), label="dev")
    ax.stairs(shares["test"], edges, color=DARK, linewidth=1.1, label="test")
    ax.set_xlabel("value")
    unit = getattr(source, "unit", "word")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    ax.set_ylabel(f"share of the {unit}s (%)")
    ax.axhline(0, color=INK, linewidth=0.7)
    legend_above(ax, columns=3)
    return ax
