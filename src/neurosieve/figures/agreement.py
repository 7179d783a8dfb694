"""Do the rankings of different seeds agree: overlap of their top sets against the sets' size."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import DARK, FAINT, axes, overlap_axes, styled, table_of


@styled
def seed_agreement(source: object, *, ax: Axes | None = None) -> Axes:
    """Draw the Jaccard overlap of the seeds' top sets, mean and range over pairs of seeds, against chance.

    Parameters
    ----------
    source : Findings, or DataFrame of shape (n_neurons, n_seeds)
        Rank of each neuron, one column a seed.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If there is one seed only.
    """
    table = overlap_of_seeds(table_of(source, "ranks"))
    if table.empty:
        raise NeurosieveError("there is one seed only, so no agreement between seeds; run at least two")
    ax = axes(ax, size=(5.6, 3.2))
    ax.fill_between(
        table["n_neurons"], table["low"], table["high"], color=FAINT, linewidth=0, label="lowest to highest pair"
    )
    ax.plot(table["n_neurons"], table["mean"], color=DARK, label="mean over pairs of seeds")
    overlap_axes(ax, table)
    return ax


def overlap_of_seeds(ranks: pd.DataFrame, sizes: Iterable[int] | None = None) -> pd.DataFrame:
    """Jaccard overlap of the top sets of all pairs of seeds.

    Parameters
    ----------
    ranks : DataFrame of shape (n_neurons, n_seeds)
        Rank of each neuron (0 = most salient), one column a seed.
    sizes : iterable of int, optional
        Sizes of the top sets; evenly spaced on a log scale by default.

    Returns
    -------
    DataFrame
        n_neurons, mean, low, high, chance (two random sets that share as many neurons as is expected of them); no rows
        for one seed.
    """
    n = len(ranks)
    if sizes is None:
        sizes = np.geomspace(min(5, n), n, 40).round().astype(int).tolist()
    # A neuron is in both top sets of size k exactly when the larger of its two ranks is below k.
    later = [np.sort(np.maximum(ranks[a].to_numpy(), ranks[b].to_numpy())) for a, b in combinations(ranks.columns, 2)]
    rows = []
    for k in sorted({int(size) for size in sizes if 1 <= size <= n}) if later else []:
        shared = np.array([np.searchsorted(worst, k) for worst in later])
        overlap = shared / (2 * k - shared)
        rows.append(
            {
                "n_neurons": k,
                "mean": overlap.mean(),
                "low": overlap.min(),
                "high": overlap.max(),
                "chance": (k / n) / (2 - k / n),
            }
        )
    return pd.DataFrame(rows, columns=["n_neurons", "mean", "low", "high", "chance"])
