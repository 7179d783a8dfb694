"""Where the selected neurons sit, against chance."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from neurosieve.figures.layer_bars import chance_deviation, layer_distribution
from neurosieve.figures.style import delta_name
from neurosieve.report import numbers
from neurosieve.report.numbers import layer_name, listed, percent
from neurosieve.report.section import Figure, Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def words(f: Findings) -> list[str]:
    """The layer with most of them, and the layers with more or fewer than chance allows."""
    table = f.layers
    total, widths = float(table["n_selected"].sum()), table["n_neurons"].to_numpy(dtype=float)
    if total >= widths.sum():
        return ["The minimal set holds every neuron, so it is spread over the layers like all neurons."]
    if len(table) == 1:
        return ["The activations hold one layer only."]
    peak = numbers.main_layer(f)
    excess = (table["n_selected"] - table["expected"]).to_numpy(dtype=float)
    allowed = 2 * chance_deviation(total, widths)
    more, fewer = (
        [layer_name(f, layer) for layer in table["layer"][told]] or ["no layer"]
        for told in (excess > allowed, excess < -allowed)
    )
    moved = 0.5 * np.abs(excess).sum() / max(total, 1e-12)
    return [
        f"No layer holds more of the minimal set of {delta_name(numbers.deltas(f)[0])} than {layer_name(f, peak['layer'])}: "
        f"{peak['n_selected']:.0f} of {total:.0f} neurons{numbers.over_seeds(f)} (chance: {peak['expected']:.0f}).",
        f"More neurons than chance allows (two standard deviations) come from {listed(more)}; fewer from {listed(fewer)}.",
        f"To spread the set like chance, {percent(moved, 0)} of it would have to sit in other layers.",
    ]


def brief(f: Findings) -> dict[str, str] | None:
    """The layer with most of them."""
    if len(f.layers) == 1:
        return None
    peak = numbers.main_layer(f)
    return {
        "Place": f"No layer holds more of the set than {layer_name(f, peak['layer'])}: {peak['n_selected']:.0f} of "
        f"{f.layers['n_selected'].sum():.0f} neurons (chance: {peak['expected']:.0f})."
    }


SECTION = Section(
    "layers",
    "Where they sit",
    words=words,
    brief=brief,
    figures={
        "layers": Figure(
            layer_distribution,
            attrgetter("layers"),
            "Neurons of the minimal set in each layer{mean}, with the number expected by chance.",
        )
    },
)
