"""Numbers that the page and the tables share, and how they are written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

SPACE = "\u00a0"


@dataclass(frozen=True)
class Spread:
    """Mean, lowest, highest and standard deviation of one value a seed."""

    mean: float
    low: float
    high: float
    sd: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Take one value a seed; the standard deviation is NaN for a single one."""
        array = np.asarray(list(values), dtype=float)
        if not len(array):
            return cls(np.nan, np.nan, np.nan, np.nan, 0)
        sd = float(array.std(ddof=1)) if len(array) > 1 else np.nan
        return cls(float(array.mean()), float(array.min()), float(array.max()), sd, len(array))

    def percent(self) -> str:
        """Such as ``96.04 % (95.98 to 96.10 over 3 seeds)``."""
        if self.n == 1:
            return f"{percent(self.mean)} (one seed)"
        if self.low == self.high:
            return percent(self.mean)  # a solved probe is the same with every seed
        return f"{percent(self.mean)} ({100 * self.low:.2f} to {100 * self.high:.2f} over {self.n} seeds)"


def percent(value: float, digits: int = 2) -> str:
    """A fraction as percent."""
    return f"{round(100 * value, digits) + 0.0:.{digits}f}{SPACE}%"  # adding zero makes -0.00 a 0.00


def points(value: float) -> str:
    """The size of a difference of two fractions, in points."""
    return f"{100 * abs(value):.2f} points"


def count(value: float) -> str:
    """A number with thousands marks; means that are not whole keep one decimal."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def listed(names: Sequence[object], *, most: int = 8) -> str:
    """Names in one line, such as ``A, B and 3 more``."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def cell_names(findings: Sequence[Findings]) -> list[tuple[str, str]]:
    """(model, property) of each, with the ranking where a model has several, and the corpus where a property has.

    Where a pair comes twice all the same, the later property gets a number.
    """
    seen: dict[tuple[str, str], int] = {}
    names = []
    for f in findings:
        several = len({other.corpus for other in findings if other.prop == f.prop}) > 1
        rankings = {other.ranking.method for other in findings if other.model == f.model}
        model = f"{f.model} ({f.ranking.method})" if len(rankings) > 1 else f.model
        pair = (model, f"{f.prop} ({f.corpus})" if several else f.prop)
        seen[pair] = seen.get(pair, 0) + 1
        names.append(pair if seen[pair] == 1 else (model, f"{pair[1]} ({seen[pair]})"))
    return names


def units(f: Findings) -> str:
    """What is labelled, in the plural."""
    return f"{f.unit}s"


def majority(f: Findings, split: str = "test") -> tuple[str, float]:
    """The most frequent training label, and the accuracy of always giving it; of real values their mean, and its R²."""
    if f.metric == "r2":
        train, here = (f.values[f.values["split"] == name].iloc[0] for name in ("train", split))
        return f"{train['mean']:.4g}", -float(((train["mean"] - here["mean"]) / here["sd"]) ** 2)
    counts = f.label_counts
    most = int(np.argmax(counts["train"].to_numpy()))
    return str(counts["label"].iloc[most]), float(counts[split].iloc[most]) / max(1, f.words[split])


def oracle(f: Findings, split: str = "test") -> Spread:
    """Score of the probe on all neurons."""
    return Spread.of(f.oracle.loc[f.oracle["split"] == split, "score"])


def ablated(f: Findings, subset: str, *, fill: str = "zero", split: str = "test") -> pd.Series:
    """Score with `subset` kept, by seed; empty where it was not run."""
    t = f.ablation
    kept = t[(t["subset"] == subset) & (t["fill"] == fill) & (t["split"] == split)]
    return kept.set_index("seed")["score"].sort_index()


def minimal(f: Findings, delta: float) -> pd.DataFrame:
    """Rows of the minimal sets of one delta, by seed."""
    return f.minimal[np.isclose(f.minimal["delta"], delta)].set_index("seed").sort_index()


def deltas(f: Findings) -> list[float]:
    """Thresholds in ascending order."""
    return sorted(float(delta) for delta in f.minimal["delta"].unique())


def selective(f: Findings, delta: float | None, column: str = "selectivity", *, split: str = "test") -> pd.Series:
    """A column of the table of selectivity, by seed, for all neurons (None) or a minimal set; empty without control."""
    t = f.selectivity[f.selectivity["split"] == split]
    where = (
        t["subset"] == "all" if delta is None else (t["subset"] != "all") & np.isclose(t["delta"].astype(float), delta)
    )
    return t[where].set_index("seed")[column].sort_index()


def one_ranking(f: Findings) -> bool:
    """Whether all of several seeds have the same ranking, as with a solved probe or without any probe."""
    return f.ranks.shape[1] > 1 and bool(f.ranks.eq(f.ranks.iloc[:, 0], axis=0).all(axis=None))


def over_seeds(f: Findings) -> str:
    """``", mean over seeds"`` where these have different minimal sets of the smallest delta; else empty."""
    sets = {frozenset(found) for found in members(f, deltas(f)[0]).values()}
    return ", mean over seeds" if len(sets) > 1 else ""


def members(f: Findings, delta: float) -> dict[int, set[int]]:
    """Neuron numbers of the minimal set of each seed."""
    found = minimal(f, delta).reset_index()
    return {
        seed: set(np.flatnonzero(f.ranks[seed].to_numpy() < size).tolist())
        for seed, size in zip(found["seed"].tolist(), found["n_neurons"].tolist(), strict=True)
    }


LONGEST_NAME = 80
"""Most bytes of a name within a file's name, of which file systems allow 255."""


def file_name(name: str) -> str:
    """`name` as part of a file's name; a long one is cut, and a digest keeps it apart from others that begin alike."""
    whole = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.") or "unnamed"
    if len(whole.encode()) <= LONGEST_NAME:
        return whole
    cut = whole.encode()[: LONGEST_NAME - 9].decode(errors="ignore").rstrip("-.")
    return f"{cut}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def main_layer(f: Findings) -> pd.Series:
    """The row of the layer with the largest part of the selected neurons (the lowest of equals)."""
    return f.layers.iloc[int(np.argmax(f.layers["n_selected"].to_numpy()))]


def layer_name(f: Findings, layer: object) -> str:
    """The layer as the store names it."""
    if "layer_name" in f.neurons:
        rows = f.neurons.loc[f.neurons["layer"] == layer, "layer_name"]
        if len(rows):
            return str(rows.iloc[0])
    if isinstance(layer, float) and layer.is_integer():  # from a row of means over seeds
        return f"layer {int(layer)}"
    return f"layer {layer}"


def ordinal(place: int) -> str:
    """Such as 1st, 2nd, 11th."""
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"
