"""How few neurons suffice for each delta, and what they score on test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from neurosieve.figures.curve import minimal_curve
from neurosieve.figures.style import delta_name
from neurosieve.report import numbers
from neurosieve.report.numbers import Spread, count, percent, points
from neurosieve.report.section import Figure, Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def words(f: Findings) -> list[str]:
    """Size, share and test score of the minimal set of each delta."""
    said = []
    first = f.curves["n_neurons"].min()
    for delta in numbers.deltas(f):
        found = numbers.minimal(f, delta)
        sizes, test = Spread.of(found["n_neurons"]), Spread.of(found["test"])
        loss = float((found["oracle_test"] - found["test"]).mean())
        over = " (one seed)" if sizes.n == 1 else f" ({count(sizes.low)} to {count(sizes.high)} over {sizes.n} seeds)"
        over = "" if sizes.n > 1 and sizes.low == sizes.high else over
        text = (
            f"Within {delta_name(delta)} of the probe on all neurons, on dev: {count(round(sizes.mean))} neurons, "
            f"{percent(sizes.mean / f.n_neurons, 1)} of all{over}. Retrained on them alone the probe scores {test.percent()} "
            f"on test, {points(loss)} {'below' if loss > 0 else 'above' if loss < 0 else 'from'} the probe on all neurons."
        )
        said.append(text + _size_remark(f, found["n_neurons"], first=first) + _loss_remark(loss, delta))
    if not f.settings.get("regularize", True):
        said.append("Both the subsets and the probe that they are compared with were trained without regularisation.")
    return said


def _size_remark(f: Findings, sizes: pd.Series, *, first: float) -> str:
    if (sizes == f.n_neurons).all():
        return " No smaller set of the series came that close: all neurons are needed."
    if sizes.mean() > f.n_neurons / 2:
        return " That is more than half of the neurons: by this ranking the property is not carried by a small set."
    if (sizes == first).all():
        return " This is the smallest size tried, so fewer may suffice."
    return ""


def _loss_remark(loss: float, delta: float) -> str:
    # Differences of fractions carry rounding errors; a loss of exactly delta is not larger than delta.
    return " On test the loss is larger than what was allowed on dev." if loss > delta + 1e-9 else ""


def caution(f: Findings) -> list[str]:
    """Sets that hold more than half of the neurons."""
    shares = {delta: numbers.minimal(f, delta)["n_neurons"].mean() / f.n_neurons for delta in numbers.deltas(f)}
    return [
        f"The minimal set of {delta_name(delta)} needs {percent(share, 1)} of the neurons: more than half."
        for delta, share in shares.items()
        if share > 0.5
    ]


def brief(f: Findings) -> dict[str, str]:
    """The size of each set."""
    sizes = {delta: numbers.minimal(f, delta)["n_neurons"].mean() for delta in numbers.deltas(f)}
    parts = [
        f"{count(round(size))} neurons ({percent(size / f.n_neurons, 1)}) within {delta_name(delta)}"
        for delta, size in sizes.items()
    ]
    return {"Minimal set": "; ".join(parts) + "."}


SECTION = Section(
    "minimal",
    "How few neurons suffice",
    words=words,
    caution=caution,
    brief=brief,
    figures={
        "minimal": Figure(
            minimal_curve,
            lambda f: f.curves.rename(columns={"dev": f"dev_{f.metric}"}),
            "Dev {score} of probes retrained on the top neurons, against their number.",
        )
    },
)
