"""What edits do beyond edits of matched random sets: against the number of neurons, and against the dose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.sets import KEPT
from neurosieve.figures.style import DARK, FAINT, INK, MARKERS, MIDDLE, axes, size_axis, styled

if TYPE_CHECKING:
    import pandas as pd

    from neurosieve.experiments.interventions.intervene import Interventions
    from neurosieve.study.findings import Findings

NAMES = {
    "top": "top neurons",
    "bottom": "bottom neurons",
    "control": "top of the control task",
    "untrained": "top of the untrained twin",
    "direction": "random direction, same length",
}


@styled
def effect_by_size(source: Findings | Interventions, *, kept: bool = False, ax: Axes | None = None) -> Axes:
    """Draw the effect of each kind of set against its size, with the band in which 95 % of matched random sets lie.

    Parameters
    ----------
    source : Findings, or Interventions
    kept : bool
        Of sets that alone are kept, in place of sets that are removed.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If `source` is neither, or there were no such interventions.
    """
    found = kept_of(source) if kept else effects_of(source)
    found = found[found["dose"] == first_dose(found)]
    ax = axes(ax, size=(6.4, 3.6))
    top = found[found["set"] == "top"].sort_values("k")
    ax.fill_between(
        top["k"], top["random_low"], top["random_high"], color=FAINT, linewidth=0, label="95 % of matched random sets"
    )
    ax.axhline(0, color=INK, linewidth=0.7)
    for number, (kind, name) in enumerate(NAMES.items()):
        rows = found[found["set"] == kind].sort_values("k")
        if not len(rows):
            continue
        color = DARK if kind == "top" else MIDDLE if kind == "direction" else "#777777"
        style = MARKERS[number] + ("-" if kind == "top" else "--" if kind == "direction" else ":")
        ax.plot(rows["k"], rows["effect"], style, color=color, markersize=4.5, label=name)
        if kind == "top":
            ax.vlines(rows["k"], rows["low"], rows["high"], color=color, linewidth=1.0)
    size_axis(ax, int(top["k"].min()), int(top["k"].max()))
    ax.set_xlabel("neurons left as they are (log scale)" if kept else "neurons edited (log scale)")
    ax.set_ylabel(f"log-odds {'kept' if kept else 'lost'} beyond random (nats)")
    ax.legend(loc="best")
    return ax


@styled
def effect_by_dose(source: Findings | Interventions, *, ax: Axes | None = None) -> Axes:
    """Draw the mean log-odds against the dose of a translation, for the largest top set and its matched random sets.

    Parameters and errors are those of `effect_by_size`.
    """
    found = values_of(source)
    rows = found[(found["outcome"] == "log-odds") & (found["k"] == found["k"].max())]
    ax = axes(ax, size=(6.4, 3.6))
    random = rows[rows["set"] == "random"].groupby("dose")["value"]
    ax.fill_between(
        random.min().index, random.min(), random.max(), color=FAINT, linewidth=0, label="matched random sets, all draws"
    )
    top = rows[rows["set"] == "top"].sort_values("dose")
    ax.plot(top["dose"], top["value"], "o-", color=DARK, markersize=4.5, label=f"top {top['k'].iloc[0]} neurons")
    ax.vlines(top["dose"], top["low"], top["high"], color=DARK, linewidth=1.0)
    ax.axhline(0, color=INK, linewidth=0.7)
    ax.set_xlabel("dose: share of the difference of the labels' means that is added")
    ax.set_ylabel("log-odds of the good sentence (nats)")
    ax.legend(loc="best")
    return ax


def first_dose(effects: pd.DataFrame) -> float:
    """The dose that was given at all sizes."""
    sizes = effects.groupby("dose")["k"].nunique()
    first: float = sizes.index[int(sizes.to_numpy().argmax())]
    return first


def effects_of(source: object) -> pd.DataFrame:
    """The table of effects of findings or of a result."""
    return whole_sets(_table(source, "intervention_effects", "effects"))


def kept_of(source: object) -> pd.DataFrame:
    """The effects of sets that alone are kept."""
    kept = kept_rows(_table(source, "intervention_effects", "effects"))
    if not len(kept):
        raise NeurosieveError("no sets were kept; ask for them with also=['keep'], or --also keep")
    return kept


def kept_rows(effects: pd.DataFrame) -> pd.DataFrame:
    """The rows in which all neurons but a set were edited."""
    return effects[effects["edit"].str.endswith(KEPT)]


def values_of(source: object) -> pd.DataFrame:
    """The table of all edited versions of findings or of a result, but for kept sets and single layers."""
    return whole_sets(_table(source, "interventions", "table"))


def whole_sets(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of sets that were removed from all layers; those of kept sets and single layers stand behind them."""
    for name in ("edit", "layers"):
        table = table[table[name] == table[name].iloc[0]]
    return table


def _table(source: object, of_findings: str, of_result: str) -> pd.DataFrame:
    tables = getattr(source, "tables", None)
    found = tables.get(of_findings) if isinstance(tables, dict) else getattr(source, of_result, None)
    if found is None or not hasattr(found, "columns"):
        raise NeurosieveError(
            f"found a {type(source).__name__} without interventions; expected findings that have some, or the result of "
            "intervene"
        )
    table: pd.DataFrame = found
    return table
