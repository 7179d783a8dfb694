"""How much better the probe does on the property than on a control task, with all and with the selected neurons."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import pandas as pd

from neurosieve.figures.selectivity_bars import selectivity
from neurosieve.figures.style import delta_name, score_name
from neurosieve.report import numbers
from neurosieve.report.numbers import Spread
from neurosieve.report.section import Figure, Section, has_table

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def words(f: Findings) -> list[str]:
    """Selectivity with all neurons and with each minimal set."""
    everything = numbers.selective(f, None)
    if not len(everything):
        if f.no_control:
            return [f"No control tasks were run: {f.no_control}."]
        return [
            f"No control tasks were run, so it is not known how much of the {score_name(f)} could be memorised from "
            "word types alone."
        ]
    control = Spread.of(numbers.selective(f, None, "control"))
    said = [
        f"A control task gives each word type a {'value' if f.metric == 'r2' else 'label'} drawn at random from the "
        "property's distribution. On it the probe on all "
        f"neurons scores {control.percent()} on test, so its selectivity is {_score(everything)}."
    ]
    sets = _of_sets(f)
    for delta, small in sets.items():
        gain = small - everything
        higher, n = int((gain > 0).sum()), len(gain)
        if higher == n:
            verdict = f"higher than with all neurons{' in every seed' if n > 1 else ''}"
        elif (gain < 0).all():
            verdict = f"lower than with all neurons{' in every seed' if n > 1 else ''}"
        else:
            verdict = f"higher than with all neurons in {higher} of {n} seeds"
        said.append(f"With the minimal set of {delta_name(delta)} it is {_score(small)}, {verdict}.")
    if min(values.mean() for values in (everything, *sets.values())) <= 0:
        said.append(
            f"Where selectivity is not above zero the probe learns random {'values' if f.metric == 'r2' else 'labels'} of "
            f"word types as well as the property; its {score_name(f)} there says nothing about the model."
        )
    return said


def _of_sets(f: Findings) -> dict[float, pd.Series]:
    """Selectivity of the minimal sets, by delta."""
    found = {delta: numbers.selective(f, delta) for delta in numbers.deltas(f)}
    return {delta: values for delta, values in found.items() if len(values)}


def _score(values: pd.Series) -> str:
    s = Spread.of(values)
    over = "one seed" if s.n == 1 else f"{100 * s.low:.2f} to {100 * s.high:.2f} over {s.n} seeds"
    return f"{100 * s.mean:.2f} points ({over})"


def caution(f: Findings) -> str | None:
    """A probe that learns the control task as well."""
    everything = numbers.selective(f, None)
    if len(everything) and everything.mean() <= 0:
        return "The probe on all neurons is not selective: it learns the control task as well as the property."
    return None


def brief(f: Findings) -> dict[str, str]:
    """Selectivity with all neurons and with each minimal set."""
    everything = numbers.selective(f, None)
    if not len(everything):
        return {"Selectivity": f"Unknown: no control tasks were run{f', as {f.no_control}' if f.no_control else ''}."}
    parts = [f"{100 * everything.mean():.2f} points with all neurons"]
    parts += [f"{100 * small.mean():.2f} with the set of {delta_name(delta)}" for delta, small in _of_sets(f).items()]
    return {"Selectivity": ", ".join(parts) + "."}


SECTION = Section(
    "selectivity",
    "How selective the probes are",
    words=words,
    caution=caution,
    brief=brief,
    figures={
        "selectivity": Figure(
            selectivity,
            attrgetter("selectivity"),
            "Test {score} on the property and on the control task, and their difference. Bars: mean; points: seeds.",
            needs=(has_table("selectivity"),),
        )
    },
)
