"""Where the selected neurons sit: bars by layer, against chance."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurosieve.figures.style import DARK, INK, axes, legend_above, styled, table_of


@styled
def layer_distribution(source: object, *, ax: Axes | None = None) -> Axes:
    """Draw the number of selected neurons in each layer, with the number expected by chance (the paper's Figure 1).

    The whiskers around chance hold about 95 % of random selections of the same size (two standard deviations of the
    hypergeometric distribution).

    Parameters
    ----------
    source : Findings, LayerDistribution, or DataFrame with columns layer, n_selected, n_neurons, expected
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    table = table_of(source, "layers")
    ax = axes(ax, size=(max(4.2, 1.6 + 0.36 * len(table)), 3.2))
    places = np.arange(len(table))
    ax.bar(places, table["n_selected"], color=DARK, width=0.72, label="selected")
    ax.errorbar(
        places,
        table["expected"],
        yerr=2 * chance_deviation(table["n_selected"].sum(), table["n_neurons"].to_numpy()),
        fmt="_",
        color=INK,
        markersize=13,
        markeredgewidth=1.6,
        elinewidth=0.8,
        capsize=2.5,
        label="chance ± 2 sd",
        path_effects=halo(),
    )
    ax.set_xticks(places, [str(layer) for layer in table["layer"]])
    ax.set_xlabel("layer (0 = embeddings)" if 0 in table["layer"].tolist() else "layer")
    ax.set_ylabel("selected neurons")
    ax.set_ylim(0, None)
    legend_above(ax, columns=2)
    return ax


def chance_deviation(n_selected: float, widths: np.ndarray) -> np.ndarray:
    """Standard deviation of each layer's count when `n_selected` neurons are drawn without replacement."""
    total = widths.sum()
    share = widths / total
    return np.asarray(np.sqrt(n_selected * share * (1 - share) * (total - n_selected) / max(1, total - 1)))


def halo() -> list[object]:
    """A white edge, so that marks are seen on dark bars as well."""
    from matplotlib.patheffects import Normal, Stroke

    return [Stroke(linewidth=2.4, foreground="white"), Normal()]
