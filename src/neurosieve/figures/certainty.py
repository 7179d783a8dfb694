"""How sure we are: the noise of the text beside that of the seeds, and the interval of each neuron's rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import DARK, INK, MIDDLE, PALE, axes, legend_above, overlap_axes, size_axis, styled

if TYPE_CHECKING:
    from neurosieve.study.certainty import Certainty
    from neurosieve.study.findings import Findings

MOST = 25


@styled
def noise(source: Findings | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the overlap of top sets of two resamples of the text, of two seeds on one resample, and by chance.

    Parameters
    ----------
    source : Findings with certainty, or DataFrame with columns n_neurons, sampling, seed, chance
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If nothing was resampled.
    """
    table = source if isinstance(source, pd.DataFrame) else _resampled(source).overlap
    ax = axes(ax, size=(5.6, 3.2))
    ax.plot(table["n_neurons"], table["sampling"], color=DARK, label="two resamples of the text")
    if table["seed"].notna().any():
        ax.plot(table["n_neurons"], table["seed"], "--", color=MIDDLE, label="two seeds on one resample")
    overlap_axes(ax, table)
    return ax


@styled
def rank_intervals(findings: Findings, *, ax: Axes | None = None, most: int = MOST) -> Axes:
    """Draw the intervals that hold 95 % of the ranks of the first neurons over resamples of the text.

    Beside each interval stands the share of the resamples in whose top set the neuron is; the shaded part is that set.

    Parameters
    ----------
    findings : Findings with certainty
    ax : Axes, optional
        Where to draw; a new figure by default.
    most : int
        How many neurons are drawn.

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If nothing was resampled, or no neuron is to be drawn.
    """
    if most < 1:
        raise NeurosieveError(f"most is {most}; expected at least one neuron to draw")
    found = _resampled(findings)
    table = ranks_table(findings).head(most)
    ax = axes(ax, size=(6.0, 1.1 + 0.19 * len(table)))
    places = np.arange(len(table))
    # Ranks count from 0, which a log axis does not have: what is drawn is the place, rank + 1.
    ax.axvspan(0.5, found.k + 0.5, color=PALE, alpha=0.45, linewidth=0, label=f"top {found.k} neurons")
    ax.hlines(
        places, table["rank_low"] + 1, table["rank_high"] + 1, color=DARK, linewidth=2.2, label="95 % of resamples"
    )
    ax.plot(
        table["rank"] + 1, places, "o", color="white", markeredgecolor=INK, markersize=4, label="whole text, seed 0"
    )
    size_axis(ax, 1, findings.n_neurons)
    for place, frequency in zip(places, table["frequency"], strict=True):
        ax.annotate(
            f"{100 * frequency:.0f} %",
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
    ax.set_yticks(places, table["neuron"].tolist())
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlabel("place in the ranking (log scale); right: share of the resamples that select the neuron")
    legend_above(ax, columns=3)
    return ax


def ranks_table(findings: Findings) -> pd.DataFrame:
    """Every neuron in the order of seed 0's ranking: neuron, rank, rank_low, rank_high, frequency."""
    found = _resampled(findings)
    order = findings.ranking.order
    sure = found.neurons.iloc[order].reset_index(drop=True)
    named = pd.DataFrame({"neuron": findings.neurons["neuron"].to_numpy()[order], "rank": np.arange(len(order))})
    return pd.concat([named, sure[["rank_low", "rank_high", "frequency"]]], axis=1)


def _resampled(findings: Findings) -> Certainty:
    if findings.certainty is None:
        raise NeurosieveError(
            "nothing was resampled, so there are no intervals to draw; run `neurosieve stability` first"
        )
    return findings.certainty
