"""Figures: one function each, ``name(findings_or_table, *, ax=None) -> Axes``; nothing is shown and nothing written.

`save_figure` writes a figure as PNG and SVG with its data beside it.
"""

from neurosieve.figures.ablation_bars import ablation
from neurosieve.figures.agreement import seed_agreement
from neurosieve.figures.certainty import noise, rank_intervals
from neurosieve.figures.curve import minimal_curve
from neurosieve.figures.interventions import effect_by_dose, effect_by_size
from neurosieve.figures.label_bars import label_distribution
from neurosieve.figures.lambdas import lambda_components, lambda_search
from neurosieve.figures.layer_bars import layer_distribution
from neurosieve.figures.rankings import ranking_probes
from neurosieve.figures.save import save_figure
from neurosieve.figures.selectivity_bars import selectivity

__all__ = [
    "ablation",
    "effect_by_dose",
    "effect_by_size",
    "label_distribution",
    "lambda_components",
    "lambda_search",
    "layer_distribution",
    "minimal_curve",
    "noise",
    "rank_intervals",
    "ranking_probes",
    "save_figure",
    "seed_agreement",
    "selectivity",
]
