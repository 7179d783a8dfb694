"""The answer in two sentences, for someone who has not read the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosieve.figures.style import delta_name
from neurosieve.intervals import of_share
from neurosieve.report import numbers
from neurosieve.report.neuron.says import headline
from neurosieve.report.neuron.tables import looked_at
from neurosieve.report.numbers import SPACE, count, layer_name, percent
from neurosieve.report.sections.looks import neurons_of

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def answer(f: Findings) -> list[str]:
    """How few neurons carry the property and how well, with intervals; then where they sit, and what the first one does."""
    delta = numbers.deltas(f)[0]
    found = numbers.minimal(f, delta)
    size = round(found["n_neurons"].mean())
    few, everything = float(found["test"].mean()), float(numbers.oracle(f).mean)
    _, guess = numbers.majority(f)
    share = percent(found["n_neurons"].mean() / f.n_neurons, 1)
    said = f"{count(size)} of the {count(f.n_neurons)} neurons of {f.model} ({share}{_sizes(f, delta)}) are enough for {f.prop}: "
    if f.metric == "r2":
        said += (
            f"a linear model that reads only them explains {percent(few, 1)} of the variance of its values on new text, all "
            f"neurons {percent(everything, 1)}."
        )
    else:
        said += (
            f"a linear classifier that reads only them gives {percent(few, 1)} of the {numbers.units(f)} of new text their right "
            f"label ({_interval(f, few)}), all neurons {percent(everything, 1)}, a constant guess {percent(guess, 1)}."
        )
    return [said, _place(f)]


def _sizes(f: Findings, delta: float) -> str:
    """The interval of the size over resamples, or what it was allowed to lose."""
    if f.certainty is not None:
        row = f.certainty.sets[np.isclose(f.certainty.sets["delta"], delta)]
        if len(row):
            return f"; {count(round(row['low'].iloc[0]))} to {count(round(row['high'].iloc[0]))} over resamples of the text"
    return f"; at most {delta_name(delta)} lost on dev"


def _interval(f: Findings, accuracy: float) -> str:
    """The 95 % interval of an accuracy on test."""
    low, high = of_share(accuracy, f.words["test"])
    return f"95{SPACE}% interval {100 * low:.1f} to {100 * high:.1f}, {numbers.units(f)} taken as independent"


def _place(f: Findings) -> str:
    """Where most of them sit, and what the first one does."""
    main = numbers.main_layer(f)
    n, expected = main["n_selected"], main["expected"]
    said = (
        f"No layer holds more of them than {layer_name(f, main['layer'])}: {count(round(n))}, where an even spread would put "
        f"{count(round(expected))}."
    )
    first = int(f.ranking.order[0])
    if first in looked_at(f.tables):
        said += f" The first of them, {headline(neurons_of(f)[first])}"
    return said
