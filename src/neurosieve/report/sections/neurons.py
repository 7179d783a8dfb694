"""Which neurons come first, and which labels take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurosieve.report import numbers
from neurosieve.report.neuron.says import signed
from neurosieve.report.neuron.tables import PREFIX
from neurosieve.report.numbers import ordinal, percent
from neurosieve.report.section import Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

TOP_NEURONS = 20
TAKERS = 3


def words(f: Findings) -> str:
    """The first neurons, and what the table's columns are."""
    names = ", ".join(f.neurons["neuron"].iloc[f.ranking.top(min(5, f.n_neurons))])
    by = "" if f.by_mass else f" by {f.ranking.method}"
    whose = "Seed 0's" if f.ranks.shape[1] > 1 and not numbers.one_ranking(f) else "The"
    said = f"{whose} ranking{by} begins with {names}. Ranks count from 0. "
    if not f.by_mass:
        said += "It sorts by the score, the highest first."
    elif f.metric == "r2":
        said += "The mass of a neuron is its share of the probe's absolute weights."
    else:
        said += "The mass of a neuron is its largest share of the absolute weights of any label."
    if _label_keys(f) is None:
        return said
    said += (
        " The labels in the last column take the neuron earliest; in brackets, its place among their own "
        f"{'weights' if f.by_mass else 'scores'}."
    )
    if f"{PREFIX}weights" in f.tables:
        said += (
            " Behind it stands the label's weight in the probe on all neurons, for a change by the neuron's standard deviation: "
            "with a plus the label is more likely where the neuron is high, with a minus where it is low."
        )
    return said


def table(f: Findings, *, most: int = TOP_NEURONS) -> pd.DataFrame:
    """The first neurons of seed 0's ranking.

    Returns
    -------
    DataFrame
        neuron, layer, index, one rank a seed (0 = first; one column where all seeds agree), mass (largest share of a
        label's weight mass) or the ranking's score, in minimal sets (how many seeds' minimal sets of the smallest
        delta hold it), labels (that take it first, with their own rank of it; not of real values); after resampling
        the selection frequency and the interval of the rank instead of layer and index, which the name tells.
    """
    sets = numbers.members(f, numbers.deltas(f)[0])
    keys = _label_keys(f)
    alike = numbers.one_ranking(f)
    rows = []
    for neuron in f.ranking.top(min(most, f.n_neurons)).tolist():
        line = f.neurons.iloc[neuron]
        rows.append(
            {
                "neuron": line["neuron"],
                **({} if f.certainty is not None else {"layer": line["layer"], "index": line["index"]}),
                **(
                    {"rank": int(f.ranks.iloc[neuron, 0])}
                    if alike
                    else {f"rank, seed {seed}": int(f.ranks[seed].iloc[neuron]) for seed in f.ranks.columns}
                ),
                **_salience(f, neuron),
                **_sure(f, neuron),
                **(
                    {}
                    if alike
                    else {"in minimal sets": f"{sum(neuron in members for members in sets.values())} of {len(sets)}"}
                ),
                **({} if keys is None else {"labels that take it first": _takers(f, keys, neuron)}),
            }
        )
    return pd.DataFrame(rows)


def _salience(f: Findings, neuron: int) -> dict[str, str]:
    if f.ranking.mass is not None:
        return {"mass": percent(f.ranking.mass[neuron])}
    return {} if f.ranking.score is None else {"score": f"{f.ranking.score[neuron]:.4g}"}


def _sure(f: Findings, neuron: int) -> dict[str, str]:
    """How often resamples select a neuron, and the interval of its rank."""
    if f.certainty is None:
        return {}
    row = f.certainty.neurons.iloc[neuron]
    return {
        "resamples": percent(row["frequency"], 0),
        "rank, 95 %": f"{row['rank_low']:.0f} to {row['rank_high']:.0f}",
    }


def _label_keys(f: Findings) -> np.ndarray | None:
    """What each label sorts neurons by, ascending and infinite for those it does not take; None where nothing tells."""
    if f.metric == "r2":
        return None
    if f.ranking.label_keys is not None:
        return f.ranking.label_keys
    scores = f.ranking.label_scores
    return None if scores is None else np.where(scores == 0, np.inf, -np.abs(scores))


def _takers(f: Findings, keys: np.ndarray, neuron: int) -> str:
    """The labels that take a neuron earliest, with the place at which they do."""
    places = (keys < keys[:, [neuron]]).sum(axis=1) + 1
    usable = np.flatnonzero(np.isfinite(keys[:, neuron]))
    first = usable[np.argsort(places[usable], kind="stable")][:TAKERS]
    weights = _weights(f, neuron)
    return (
        ", ".join(
            f"“{label}” ({ordinal(int(place))}){weights.get(str(label), '')}"
            for label, place in zip(f.ranking.labels[first], places[first], strict=True)
        )
        or "none"
    )


def _weights(f: Findings, neuron: int) -> dict[str, str]:
    """The weight of each label with its sign, where the neuron was looked at."""
    table = f.tables.get(f"{PREFIX}weights")
    if table is None:
        return {}
    own = table[table["index"] == neuron]
    return {str(label): f" {signed(weight)}" for label, weight in zip(own["label"], own["per_sd"], strict=True)}


SECTION = Section("neurons", "Which neurons they are", words=words, table=table)
