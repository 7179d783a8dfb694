"""How few neurons suffice: dev accuracy of retrained probes against the number of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import (
    DARK,
    FAINT,
    INK,
    MARKERS,
    MIDDLE,
    axes,
    delta_name,
    percent_axis,
    score_name,
    size_axis,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd

    from neurosieve.experiments.minimal import MinimalResult
    from neurosieve.study.findings import Findings


@styled
def minimal_curve(source: Findings | MinimalResult, *, ax: Axes | None = None) -> Axes:
    """Draw dev accuracy against the number of top neurons, with the oracle, the deltas and the chosen sizes.

    One thin line a seed; the dashed line is the oracle on all neurons, mean over seeds; each delta is a shaded band
    below it; marks are the sizes chosen (each against its own seed's oracle, so a mark can lie just outside its band).

    Parameters
    ----------
    source : Findings, or MinimalResult
        A result is drawn as seed 0.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    NeurosieveError
        If `source` is neither.
    """
    curves, minimal, n_neurons = _tables(source)
    ax = axes(ax, size=(6.4, 3.6))
    oracle = float(minimal["oracle_dev"].mean())
    for delta, shade in zip(
        sorted(minimal["delta"].unique(), reverse=True), _shades(minimal["delta"].nunique()), strict=True
    ):
        ax.axhspan(oracle - delta, oracle, color=shade, linewidth=0, zorder=0)
    ax.axhline(oracle, color=INK, linewidth=1.0, linestyle=(0, (5, 3)), label=f"oracle, all {n_neurons} neurons")
    lines = [(f"seed {seed}", curve) for seed, curve in curves.groupby("seed", sort=True)]
    if len(lines) > 1 and _same([curve for _, curve in lines]):  # solved probes do not depend on the seed
        lines = [("retrained on the top neurons", lines[0][1])]
    for number, (name, curve) in enumerate(lines):
        style = ("-", "--", "-.", ":")[number % 4]
        ax.plot(curve["n_neurons"], curve["dev"], style, color=DARK, linewidth=0.9, label=name)
    for number, (delta, chosen) in enumerate(minimal.groupby("delta", sort=True)):
        mean = chosen["n_neurons"].mean()
        ax.plot(
            chosen["n_neurons"],
            chosen["dev"],
            MARKERS[number % len(MARKERS)],
            color=MIDDLE,
            markeredgecolor=INK,
            markeredgewidth=0.8,
            markersize=6.5,
            zorder=4,
            label=f"within {delta_name(delta)}: {mean:.0f} neurons ({100 * mean / n_neurons:.1f} %)",  # type: ignore[arg-type]
        )
    size_axis(ax, int(curves["n_neurons"].min()), int(curves["n_neurons"].max()))
    ax.set_xlabel("top neurons the probe is retrained on (log scale)")
    percent_axis(ax, label=f"{score_name(source)} on dev (%)")
    if curves["dev"].min() < -1:  # an R² far below zero would flatten all else
        ax.set_ylim(bottom=-1)
    ax.legend(loc="lower right")
    return ax


def _same(curves: list[pd.DataFrame]) -> bool:
    first = curves[0][["n_neurons", "dev"]].to_numpy()
    return all(np.array_equal(curve[["n_neurons", "dev"]].to_numpy(), first) for curve in curves[1:])


def _tables(source: object) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Curves (seed, n_neurons, dev), chosen sets (delta, n_neurons, dev, oracle_dev) and the number of all neurons."""
    if hasattr(source, "curves"):
        return source.curves, source.minimal, source.n_neurons  # type: ignore[attr-defined]  # Findings
    if not hasattr(source, "curve"):
        raise NeurosieveError(f"found a {type(source).__name__}; expected findings, or the result of minimal_neurons")
    n_neurons = next(iter(source.sets.values())).probe.n_neurons  # type: ignore[attr-defined]
    chosen = source.to_frame().rename(columns={"dev_accuracy": "dev", "oracle_dev_accuracy": "oracle_dev"})  # type: ignore[attr-defined]
    return source.curve.rename(columns={"dev_accuracy": "dev"}).assign(seed=0), chosen, n_neurons


def _shades(n: int) -> list[str]:
    """Greys from light (the loosest delta, drawn first) to darker."""
    return [str(level) for level in np.linspace(0.93, 0.80, n)] if n > 1 else [FAINT]
