"""The paper's Figures 1 to 5: models and properties side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosieve.figures.layer_bars import chance_deviation, halo
from neurosieve.figures.panels import Panel, as_layer, by_label, depths, look, model_legend, names, short
from neurosieve.figures.style import DARK, FAINT, INK, styled

ENDS = 4
"""Labels with the fewest and with the most neurons that the figure of selected labels shows, of each."""


@styled
def layers_across(panels: Sequence[Panel]) -> Figure:
    """Draw selected neurons by layer, one row a property and one column a model, against chance (Figure 1).

    The whiskers around chance hold about 95 % of random selections of the same size.

    Parameters
    ----------
    panels : sequence of Panel

    Returns
    -------
    Figure
    """
    models, props = names(panels, "model"), names(panels, "prop")
    width = max(3.0, 0.6 + 1.75 * len(models))  # the line below the panels needs some width
    figure = Figure(figsize=(width, 0.7 + 1.35 * len(props)), layout="constrained")
    grid = figure.subplots(len(props), len(models), squeeze=False)
    found = {(panel.prop, panel.model): panel for panel in panels}
    for row, prop in enumerate(props):
        for column, model in enumerate(models):
            ax, panel = grid[row, column], found.get((prop, model))
            if row == 0:
                ax.set_title(short(model), fontsize=8.5)
            if panel is None:
                ax.set_xticks([])
                ax.set_yticks([])
                ax.spines[:].set_visible(False)
                ax.text(0.5, 0.5, "not run", ha="center", va="center", transform=ax.transAxes, fontsize=7.5)
            else:
                _layer_bars(ax, panel.layers)
            if column == 0:
                ax.set_ylabel(short(prop), fontsize=9)
    said = ("layer", "bars: selected neurons", "dashes: expected by chance ± 2 sd")
    figure.supxlabel(("; " if width > 5 else "\n").join(said), fontsize=8)
    return figure


def _layer_bars(ax: Axes, table: pd.DataFrame) -> None:
    places = np.arange(len(table))
    ax.bar(places, table["n_selected"], color=DARK, width=0.76)
    ax.errorbar(
        places,
        table["expected"],
        yerr=2 * chance_deviation(table["n_selected"].sum(), table["n_neurons"].to_numpy()),
        fmt="_",
        color=INK,
        markersize=min(7.0, 60 / len(table)),
        markeredgewidth=1.2,
        elinewidth=0.6,
        path_effects=halo(),
    )
    each = max(1, int(np.ceil(len(table) / 7)))
    ax.set_xticks(places[::each], [short(layer, 6) for layer in table["layer"].tolist()[::each]], fontsize=7)
    ax.tick_params(axis="y", labelsize=7)
    ax.locator_params(axis="y", nbins=4, integer=True)
    ax.set_ylim(0, None)


@styled
def labels_across(panels: Sequence[Panel], *, most: int = 60, ends: bool = False) -> Figure:
    """Draw how many neurons each label of one property takes, one mark a model (Figures 2 and 4).

    Parameters
    ----------
    panels : sequence of Panel
        Of one property.
    most : int
        How many labels are drawn; the figure says how many there are.
    ends : bool
        Draw only the labels with the fewest and the most neurons.

    Returns
    -------
    Figure
    """
    counts = by_label(panels, "n_neurons")
    counts = counts.loc[counts.mean(axis=1).sort_values(kind="stable", ascending=False).index]
    cut = ends and len(counts) > 2 * ENDS
    shown = pd.concat([counts.head(ENDS), counts.tail(ENDS)]) if cut else counts.head(most)
    figure = Figure(figsize=(5.6, 0.9 + 0.11 * len(panels) + 0.2 * len(shown)), layout="constrained")
    ax = figure.add_subplot()
    places = np.arange(len(shown)) + (np.arange(len(shown)) >= ENDS if cut else 0)
    ax.hlines(places, 0, shown.max(axis=1), color=FAINT, linewidth=0.8, zorder=0)
    for number, model in enumerate(shown):
        shift = 0.7 * ((number + 0.5) / shown.shape[1] - 0.5)  # equal counts stay apart
        ax.plot(shown[model], places + shift, clip_on=False, zorder=3, **look(number))
    ax.set_yticks(places, [short(label) for label in shown.index])
    ax.set_ylim(places[-1] + 0.7, -0.7)
    ax.set_xlim(0, None)
    ax.locator_params(axis="x", integer=True)
    part = f"; {len(shown)} of {len(counts)} labels" if len(shown) < len(counts) else ""
    which = " (those with most and fewest)" if cut else " (those with most)" if part else ""
    ax.set_xlabel(f"{short(panels[0].prop)}: neurons that the label takes{part}{which}")
    if cut:
        ax.text(0.0, ENDS, " ⋮", va="center", fontsize=8)
    model_legend(figure, [str(model) for model in shown])
    return figure


@styled
def focus_across(panels: Sequence[Panel]) -> Figure:
    """Draw the share of the minimal set that each label takes, one row a model, one column a property (Figure 3).

    To the left labels are focused: each takes a few of the selected neurons. To the right they are distributed and
    coupled: each takes most of them. Circles are labels, the bar is their median.

    Parameters
    ----------
    panels : sequence of Panel

    Returns
    -------
    Figure
    """
    models, props = names(panels, "model"), names(panels, "prop")
    columns = min(2 if len(props) in (2, 4) else 3, len(props))
    rows = int(np.ceil(len(props) / columns))
    size = (1.5 + 2.4 * columns, 0.8 + rows * (0.55 + 0.3 * len(models)))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for ax, prop in zip(grid, props, strict=False):
        for panel in (panel for panel in panels if panel.prop == prop):
            place = models.index(panel.model)
            share = np.sort(panel.labels["n_neurons"].to_numpy(dtype=float)) / max(1.0, panel.n_selected)
            spread = 0.28 * np.sin(2.4 * np.arange(len(share)))  # apart, the same way every time
            ax.plot(share, place + spread, "o", markersize=3, markerfacecolor="none", markeredgecolor=DARK,
                    markeredgewidth=0.6, alpha=0.8)  # fmt: skip
            ax.vlines(np.median(share), place - 0.4, place + 0.4, color=INK, linewidth=2)
        ax.set_title(short(prop), fontsize=9)
        ax.set_xlim(-0.03 * ax.get_xlim()[1], None)
        ax.set_ylim(len(models) - 0.4, -0.6)
        ax.locator_params(axis="x", nbins=5)
        ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
    for ax in grid[len(props) :]:
        ax.axis("off")
    for ax in grid[::columns]:
        ax.set_yticks(range(len(models)), [short(model) for model in models])
    said = ("share of the selected neurons that a label takes (%)", "circles: labels, bar: median")
    figure.supxlabel(("; " if columns > 1 else "\n").join(said), fontsize=8.5)
    return figure


@styled
def label_layers_across(panels: Sequence[Panel], *, most: int = 60) -> Figure:
    """Draw the layer that holds most of each label's neurons, one column a model; dark is deep (Figure 5).

    Parameters
    ----------
    panels : sequence of Panel
        Of one property.
    most : int
        How many labels are drawn, those with the most neurons; the figure says how many there are.

    Returns
    -------
    Figure
    """
    chosen = by_label(panels, "n_neurons").mean(axis=1).sort_values(kind="stable", ascending=False).index
    depth = pd.DataFrame({panel.model: depths(panel) for panel in panels})
    shown = depth.loc[chosen[:most]]
    shown = shown.loc[shown.mean(axis=1).sort_values(kind="stable").index]
    layer = by_label(panels, "main_layer").loc[shown.index]
    figure = Figure(figsize=(1.9 + 0.95 * len(panels), 1.2 + 0.17 * len(shown)), layout="constrained")
    ax = figure.add_subplot()
    values = np.ma.masked_invalid(shown.to_numpy(dtype=float))
    image = ax.imshow(values, cmap="Greys", vmin=-0.05, vmax=1.15, aspect="auto")
    for (row, column), value in np.ndenumerate(values.filled(np.nan)):
        text = "–" if np.isnan(value) else short(as_layer(layer.iloc[row, column]), 6)
        ax.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if value > 0.6 else INK)
    ax.set_yticks(range(len(shown)), [short(label) for label in shown.index], fontsize=7.5)
    ax.set_xticks(range(len(panels)), [short(model, 20) for model in shown], fontsize=7.5)
    if len(panels) > 3:
        ax.tick_params(axis="x", labelrotation=30)
        for tick in ax.get_xticklabels():
            tick.set_horizontalalignment("right")
            tick.set_rotation_mode("anchor")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    part = f", {len(shown)} of {len(depth)} labels" if len(shown) < len(depth) else ""
    ax.set_title(f"{short(panels[0].prop)}: main layer of each label{part}", fontsize=9)
    bar = figure.colorbar(image, ax=ax, ticks=[0, 1], shrink=min(1.0, 12 / len(shown)), aspect=12)
    bar.ax.set_ylim(0, 1)
    bar.ax.set_yticklabels(["first\nlayer", "last\nlayer"], fontsize=7)
    bar.outline.set_visible(False)
    return figure


def draw_across(panels: Sequence[Panel]) -> dict[str, tuple[Figure, pd.DataFrame]]:
    """Draw all figures across models and properties.

    Returns
    -------
    dict of str to (Figure, DataFrame)
        ``figure1-layers``, ``figure2-labels-<property>``, ``figure3-focus``, ``figure4-labels-<property>``,
        ``figure5-layers-<property>``, each with what it shows.
    """
    layers = pd.concat([p.layers.assign(model=p.model, property=p.prop) for p in panels], ignore_index=True)
    drawn = {"figure1-layers": (layers_across(panels), layers)}
    labelled = [panel for panel in panels if len(panel.labels) > 1]  # real values have no labels to tell apart
    if not labelled:
        return drawn
    labels = pd.concat([p.labels.assign(model=p.model, property=p.prop) for p in labelled], ignore_index=True)
    drawn["figure3-focus"] = (focus_across(labelled), labels)
    for prop in names(labelled, "prop"):
        of_property = [panel for panel in labelled if panel.prop == prop]
        data = labels[labels["property"] == prop]
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in prop)
        if len(data["label"].unique()) > 2 * ENDS:
            drawn[f"figure2-labels-{safe}"] = (labels_across(of_property, ends=True), data)
        drawn[f"figure4-labels-{safe}"] = (labels_across(of_property), data)
        drawn[f"figure5-layers-{safe}"] = (label_layers_across(of_property), data)
    return dict(sorted(drawn.items()))
