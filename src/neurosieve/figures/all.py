"""All figures of one model and property, drawn and saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurosieve.figures.ablation_bars import ablation
from neurosieve.figures.agreement import overlap_of_seeds, seed_agreement
from neurosieve.figures.certainty import noise, rank_intervals, ranks_table
from neurosieve.figures.curve import minimal_curve
from neurosieve.figures.label_bars import label_distribution
from neurosieve.figures.lambdas import lambda_components, lambda_search
from neurosieve.figures.layer_bars import layer_distribution
from neurosieve.figures.save import save_figure
from neurosieve.figures.selectivity_bars import selectivity
from neurosieve.figures.value_histogram import value_histogram

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def draw_figures(findings: Findings) -> dict[str, tuple[Axes, pd.DataFrame]]:
    """Draw every figure that the findings allow: without control tasks no selectivity, with one seed no agreement,
    without resamples no intervals.

    Real values have a histogram in place of the bars of labels.

    Returns
    -------
    dict of str to (Axes, DataFrame)
        The figure and what it shows.
    """
    f = findings
    drawn = {
        "minimal": (minimal_curve(f), f.curves.rename(columns={"dev": f"dev_{f.metric}"})),
        "layers": (layer_distribution(f), f.layers),
        "ablation": (ablation(f, baseline=baseline(f)), f.ablation.rename(columns={"score": f.metric})),
        "lambdas": (lambda_search(f), f.search),
        "lambda-parts": (lambda_components(f), f.search),
    }
    if f.metric == "r2":
        drawn["values"] = (value_histogram(f), f.histogram)
    else:
        drawn["labels"] = (label_distribution(f), f.labels)
    if len(f.selectivity):
        drawn["selectivity"] = (selectivity(f), f.selectivity)
    if f.certainty is not None:
        drawn["noise"] = (noise(f), f.certainty.overlap)
        drawn["rank-intervals"] = (rank_intervals(f), ranks_table(f))
    if f.ranks.shape[1] > 1:
        drawn["agreement"] = (seed_agreement(f), overlap_of_seeds(f.ranks))
    return drawn


def save_figures(
    folder: str | Path, findings: Findings, *, prefix: str = "", formats: Sequence[str] = ("png", "svg")
) -> dict[str, dict[str, Path]]:
    """Draw and save every figure that the findings allow, each with its data as CSV.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    findings : Findings
    prefix : str
        Put before each name: minimal, layers, labels (or values), ablation, lambdas, lambda-parts, selectivity, agreement,
        noise, rank-intervals.
    formats : sequence of {"png", "svg", "pdf"}

    Returns
    -------
    dict of str to dict of str to Path
        For each figure the files by format, and ``"csv"``.
    """
    return {
        name: save_figure(ax, Path(folder) / f"{prefix}{name}", data=data, formats=formats)
        for name, (ax, data) in draw_figures(findings).items()
    }


def baseline(f: Findings) -> float:
    """Test score of a guess without any neuron: the label that is most frequent in train, or the mean of its values."""
    if f.metric == "r2":
        train, test = (f.values[f.values["split"] == name].iloc[0] for name in ("train", "test"))
        return -float(((train["mean"] - test["mean"]) / test["sd"]) ** 2)
    most = int(np.argmax(f.label_counts["train"].to_numpy()))
    return float(f.label_counts["test"].iloc[most]) / max(1, f.words["test"])
