"""Several models and properties side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurosieve.figures.style import delta_name, score_name
from neurosieve.report import numbers
from neurosieve.report.numbers import count, layer_name, percent

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def overview(findings: Sequence[Findings]) -> pd.DataFrame:
    """One row a model and property: the numbers that a reader compares first, means over seeds, on test."""
    rows = []
    mixed = any(f.metric == "r2" for f in findings)
    for (model, prop), f in zip(numbers.cell_names(findings), findings, strict=True):
        row: dict[str, object] = {
            "model": model,
            "property": prop,
            **({"score": score_name(f)} if mixed else {}),
            "labels": "real values" if f.metric == "r2" else f.n_labels,
            "neurons": count(f.n_neurons),
            "best guess %" if mixed else "most frequent label %": _cell(numbers.majority(f)[1]),
            "all neurons %": _cell(numbers.oracle(f).mean),
        }
        for fill, name in (("zero", "zero"), ("mean", "mean")):
            top, random = (numbers.ablated(f, subset, fill=fill).mean() for subset in ("top", "random"))
            row[f"top / random, others {name} %"] = f"{_cell(top)} / {_cell(random)}"
        for delta in numbers.deltas(f):
            found = numbers.minimal(f, delta)
            size = found["n_neurons"].mean()
            row[f"neurons within {delta_name(delta)}"] = f"{count(round(size))} ({percent(size / f.n_neurons, 1)})"
            row[f"their {'score' if mixed else 'accuracy'} % ({delta_name(delta)})"] = _cell(found["test"].mean())
        sizes = [numbers.selective(f, subset).mean() for subset in (None, numbers.deltas(f)[0])]
        row["selectivity, all → minimal"] = " → ".join(_cell(size) or "–" for size in sizes)
        row["main layer"] = layer_name(f, numbers.main_layer(f)["layer"])
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{100 * value:.2f}"


def compared(findings: Sequence[Findings]) -> list[str]:
    """What differs between the models and properties, in words."""
    said = []
    names = [f"{prop} in {model}" for model, prop in numbers.cell_names(findings)]
    for delta in sorted({delta for f in findings for delta in numbers.deltas(f)}):
        shares = sorted(
            (numbers.minimal(f, delta)["n_neurons"].mean() / f.n_neurons, name)
            for f, name in zip(findings, names, strict=True)
            if delta in numbers.deltas(f)
        )
        if len(shares) > 1:
            (low, few), (high, many) = shares[0], shares[-1]
            said.append(
                f"Within {delta_name(delta)} of the probe on all neurons, {few} needs the smallest share of the neurons "
                f"({percent(low, 1)}), {many} the largest ({percent(high, 1)})."
                if percent(low, 1) != percent(high, 1)
                else f"Within {delta_name(delta)} of the probe on all neurons, all need {percent(low, 1)} of the neurons."
            )
    return said


def shared_neurons(findings: Sequence[Findings]) -> pd.DataFrame:
    """Neurons that the minimal sets of two properties of one model share (seed 0, smallest delta), against chance.

    Returns
    -------
    DataFrame
        model, property, with, size, size of the other, shared, chance (expected of random sets of these sizes).
    """
    rows = []
    for (a_name, a), (b_name, b) in combinations(zip(numbers.cell_names(findings), findings, strict=True), 2):
        if a_name[0] != b_name[0] or a.n_neurons != b.n_neurons:
            continue
        first, second = (numbers.members(f, numbers.deltas(f)[0])[0] for f in (a, b))
        rows.append(
            {
                "model": a_name[0],
                "property": a_name[1],
                "with": b_name[1],
                "neurons": len(first),
                "of the other": len(second),
                "shared": len(first & second),
                "chance": f"{len(first) * len(second) / a.n_neurons:.1f}",
            }
        )
    return pd.DataFrame(rows)
