"""What keeping top, random and bottom neurons does, the others set to zero or to their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from neurosieve.figures.ablation_bars import ablation
from neurosieve.report import numbers
from neurosieve.report.numbers import Spread, count, percent, points
from neurosieve.report.section import Figure, Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

FILLS = {"zero": "zero", "mean": "their mean"}
"""What the others are set to, and how it is called."""


def words(f: Findings) -> list[str]:
    """The scores, and whether their order is as it should be."""
    said = []
    kept = {fill: {s: numbers.ablated(f, s, fill=fill) for s in ("top", "random", "bottom")} for fill in FILLS}
    n_kept = f.ablation.loc[f.ablation["subset"] == "top", "n_neurons"].iloc[0]
    for fill, start in (("zero", "zero"), ("mean", "their training mean")):
        parts = kept[fill]
        if not len(parts["top"]):
            continue
        scores = {name: Spread.of(values) for name, values in parts.items()}
        said.append(
            f"With {count(n_kept)} neurons ({percent(n_kept / f.n_neurons, 0)}) kept and all others set to {start}, without "
            f"retraining, the probe scores {scores['top'].percent()} on test with the top neurons, "
            f"{scores['random'].percent()} with random ones and {scores['bottom'].percent()} with the bottom ones. "
            + _order(parts)
        )
    if len(kept["zero"]["random"]) and len(kept["mean"]["random"]):
        harm = kept["mean"]["random"].mean() - kept["zero"]["random"].mean()
        if harm > 0.05:
            said.append(
                f"For random neurons the mean gives {points(harm)} more than zero: that part of the loss under zero comes from "
                "shifted scores, not from lost information."
            )
        elif harm < -0.05:
            said.append(
                f"For random neurons zero gives {points(harm)} more than the mean: how well they do depends on what the others "
                "are set to."
            )
    return said


def _order(parts: dict[str, pd.Series]) -> str:
    top, rest = parts["top"], (parts["random"], parts["bottom"])
    n = len(top)
    best = rest[0] if rest[0].mean() >= rest[1].mean() else rest[1]
    name = "random" if best is rest[0] else "bottom"
    wins = int(((top > rest[0]) & (top > rest[1])).sum())
    if top.mean() <= best.mean():
        return (
            f"The top neurons do not beat the {name} ones on average ({wins} of {n} seeds): this ablation does not support "
            "the ranking."
        )
    if wins < n:
        return f"The top neurons beat both on average, but only in {wins} of {n} seeds."
    return f"The top neurons beat both{' in every seed' if n > 1 else ''}, by {points(top.mean() - best.mean())} on average."


def _top_and_random(f: Findings) -> dict[str, tuple[float, float]]:
    """Mean scores with top and with random neurons, by what the others are set to."""
    pairs = {name: [numbers.ablated(f, s, fill=fill) for s in ("top", "random")] for fill, name in FILLS.items()}
    return {name: (top.mean(), random.mean()) for name, (top, random) in pairs.items() if len(top) and len(random)}


def caution(f: Findings) -> list[str]:
    """An ablation that speaks against the ranking."""
    return [
        f"With the others set to {name}, the top neurons score no better than random ones: this ablation does not support "
        "the ranking."
        for name, (top, random) in _top_and_random(f).items()
        if top <= random
    ]


def brief(f: Findings) -> dict[str, str]:
    """Top against random neurons."""
    parts = [
        f"others set to {name}, the top {percent(f.settings['keep'], 0)} score {percent(top)}, random ones {percent(random)}"
        for name, (top, random) in _top_and_random(f).items()
    ]
    text = "; ".join(parts)
    return {"Ranking": f"{text[:1].upper()}{text[1:]}." if text else "No ablation was run."}


SECTION = Section(
    "ablation",
    "What ablation shows",
    words=words,
    caution=caution,
    brief=brief,
    figures={
        "ablation": Figure(
            lambda f: ablation(f, baseline=numbers.majority(f)[1]),
            lambda f: f.ablation.rename(columns={"score": f.metric}),
            "Test {score} of the probe when only some neurons keep their values. Bars: mean; points: seeds.",
        )
    },
)
