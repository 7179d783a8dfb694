"""Which neurons, in which layers, for which labels: in words and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurosieve.report import numbers
from neurosieve.report.numbers import count, delta_name, layer_name, listed, percent

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

TOP_NEURONS = 20
TAKERS = 3


def top_neurons(f: Findings, *, most: int = TOP_NEURONS) -> pd.DataFrame:
    """The first neurons of seed 0's ranking.

    Returns
    -------
    DataFrame
        neuron, layer, index, one rank a seed (0 = first), mass (largest share of a label's weight mass), seeds (how many
        seeds' minimal sets of the smallest delta hold it), labels (that take it first, with their own rank of it; not of
        real values); after resampling the selection frequency and the interval of the rank instead of layer and index,
        which the name tells.
    """
    chosen = f.ranking.top(min(most, f.n_neurons))
    sets = numbers.members(f, numbers.deltas(f)[0])
    rows = []
    for neuron in chosen.tolist():
        line = f.neurons.iloc[neuron]
        rows.append(
            {
                "neuron": line["neuron"],
                **({} if f.certainty is not None else {"layer": line["layer"], "index": line["index"]}),
                **{f"rank, seed {seed}": int(f.ranks[seed].iloc[neuron]) for seed in f.ranks.columns},
                "mass": percent(f.ranking.require_mass("the table of top neurons")[1][neuron]),
                **_sure(f, neuron),
                "in minimal sets": f"{sum(neuron in members for members in sets.values())} of {len(sets)}",
                **({} if f.metric == "r2" else {"labels that take it first": _takers(f, neuron)}),
            }
        )
    return pd.DataFrame(rows)


def _sure(f: Findings, neuron: int) -> dict[str, str]:
    """How often resamples select a neuron, and the interval of its rank."""
    if f.certainty is None:
        return {}
    row = f.certainty.neurons.iloc[neuron]
    return {
        "resamples": percent(row["frequency"], 0),
        "rank, 95 %": f"{row['rank_low']:.0f} to {row['rank_high']:.0f}",
    }


def _takers(f: Findings, neuron: int) -> str:
    """The labels that take a neuron earliest, with the place at which they do."""
    keys = f.ranking.require_mass("the labels of top neurons")[2]
    places = (keys < keys[:, [neuron]]).sum(axis=1) + 1
    usable = np.flatnonzero(np.isfinite(keys[:, neuron]))
    first = usable[np.argsort(places[usable], kind="stable")][:TAKERS]
    return ", ".join(f"“{f.ranking.labels[i]}” ({_ordinal(int(places[i]))})" for i in first) or "none"


def _ordinal(place: int) -> str:
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"


def layers(f: Findings) -> list[str]:
    """Where the selected neurons sit, against chance."""
    table = f.layers
    total, widths = float(table["n_selected"].sum()), table["n_neurons"].to_numpy(dtype=float)
    n = widths.sum()
    if total >= n:
        return ["The minimal set holds every neuron, so it is spread over the layers like all neurons."]
    peak = numbers.main_layer(f)
    said = (
        [
            f"No layer holds more of the minimal set of {delta_name(numbers.deltas(f)[0])} than {layer_name(f, peak['layer'])}: "
            f"{peak['n_selected']:.0f} of {total:.0f} neurons, mean over seeds (chance: {peak['expected']:.0f})."
        ]
        if len(table) > 1
        else ["The activations hold one layer only."]
    )
    share = widths / n
    deviation = np.sqrt(total * share * (1 - share) * (n - total) / max(1.0, n - 1))
    excess = (table["n_selected"] - table["expected"]).to_numpy(dtype=float)
    more = [layer_name(f, layer) for layer, x, sd in zip(table["layer"], excess, deviation, strict=True) if x > 2 * sd]
    fewer = [
        layer_name(f, layer) for layer, x, sd in zip(table["layer"], excess, deviation, strict=True) if x < -2 * sd
    ]
    if len(table) > 1:
        said.append(
            f"More neurons than chance allows (two standard deviations) come from {listed(more) or 'no layer'}; fewer from "
            f"{listed(fewer) or 'no layer'}."
        )
        moved = 0.5 * np.abs(excess).sum() / max(total, 1e-12)
        said.append(f"To spread the set like chance, {percent(moved, 0)} of it would have to sit in other layers.")
    return said


def labels(f: Findings) -> list[str]:
    """Which labels are distributed over many neurons and which are focused on few."""
    table = f.labels.sort_values("n_neurons", ascending=False, kind="stable")
    named = [f"“{row['label']}” {_few(row['n_neurons'])}" for row in table.to_dict("records")]
    size = round(numbers.minimal(f, numbers.deltas(f)[0])["n_neurons"].mean())
    mean = ", mean over seeds" if f.ranks.shape[1] > 1 else ""
    most, fewest = table["n_neurons"].max(), table["n_neurons"].min()
    if most == fewest:
        said = [f"Every one of the {len(table)} labels takes {_few(most)} of the {count(size)} selected neurons{mean}."]
    else:
        each = min(5, len(table) // 2)
        said = [
            f"Of the {count(size)} selected neurons the labels take between {_few(fewest)} and {_few(most)}{mean}; half of them "
            f"at most {_few(table['n_neurons'].median())}. Most distributed: {', '.join(named[:each])}. Most focused: "
            f"{', '.join(reversed(named[-each:]))}."
        ]
    alone = round(table["n_exclusive"].sum())
    said.append(
        f"{count(alone)} of the {count(size)} neurons ({percent(alone / max(1, size), 0)}) are taken by one label alone."
    )
    joined = table.merge(f.label_counts[["label", "train"]], on="label")
    if len(joined) > 4 and all(np.ptp(joined[column].to_numpy()) > 0 for column in ("n_neurons", "train")):
        r = joined["n_neurons"].rank().corr(joined["train"].rank())
        trend = "more" if r > 0.3 else "fewer" if r < -0.3 else "neither clearly more nor clearly fewer"
        said.append(
            f"Labels with more training {numbers.units(f)} take {trend} neurons (rank correlation {r:.2f}): read focus with "
            "that in mind."
        )
    return said


def _few(value: float) -> str:
    """A number of neurons; means over seeds keep one decimal."""
    return f"{value:.1f}".removesuffix(".0")
