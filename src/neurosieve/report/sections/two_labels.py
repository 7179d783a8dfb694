"""Which neurons tell two labels apart, for any two that a reader chooses, and how often each is taken for the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurosieve.report import numbers
from neurosieve.report.neuron.says import signed
from neurosieve.report.neuron.tables import NeuronTables
from neurosieve.report.numbers import count
from neurosieve.report.section import LABELS, Parts, Section, has_table
from neurosieve.report.sections.looks import neurons_of
from neurosieve.report.text import visible

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

MOST_LABELS = 1000
NAMED = 3


def words(f: Findings) -> list[str]:
    """The pair of labels that is confused most, and the neurons whose means differ most between the two."""
    pair = _most_confused(f)
    said = [
        f"Choose two labels: of the neurons looked at, those come first whose mean differs most between the {numbers.units(f)} of the "
        "one and of the other, in standard deviations of the neuron. The weight is what the probe on all neurons adds to the "
        "first label's score against the second's when the neuron rises by one standard deviation."
    ]
    if pair is None:
        return said
    first, second = pair
    apart = []
    for n in neurons_of(f).values():
        a, b = (_mean_of(n, label) for label in pair)
        if a is not None and b is not None:
            apart.append((n.name, a - b))
    apart.sort(key=lambda each: -abs(each[1]))
    if apart:
        names = ", ".join(f"{name} ({signed(gap, 1)})" for name, gap in apart[:NAMED])
        said.append(
            f"Most often confused are “{visible(first)}” and “{visible(second)}”; of the neurons looked at, the means of {names} "
            "differ most between them."
        )
    return said


def _mean_of(n: NeuronTables, label: str) -> float | None:
    """A label's mean in standard deviations from the neuron's; None where it has no words."""
    rows = n.labels[(n.labels["label"] == label) & (n.labels["n"] > 0)]
    return float(n.scaled(rows["mean"].iloc[0])) if len(rows) else None


def _confused(f: Findings) -> pd.DataFrame:
    return f.tables["confusion"].query("split == 'test' and gold != predicted")


def _most_confused(f: Findings) -> tuple[str, str] | None:
    wrong = _confused(f)
    known = set(f.label_counts.loc[f.label_counts["train"] > 0, "label"].astype(str))
    wrong = wrong[wrong["gold"].isin(known)]
    if not len(wrong):
        return None
    pairs = [tuple(sorted(pair)) for pair in zip(wrong["gold"].astype(str), wrong["predicted"].astype(str), strict=True)]
    both = wrong.assign(pair=pairs).groupby("pair")["n"].sum().sort_values(ascending=False, kind="stable")
    first, second = both.index[0]
    return str(first), str(second)


def parts(f: Findings, anchor: str, most: int) -> Sequence[Mapping[str, Any]]:
    """One part: what the page needs to compare any two labels, packed into the options of a list."""
    looked = list(neurons_of(f).values())[:most]
    counts = f.label_counts[f.label_counts["train"] > 0].sort_values("train", ascending=False, kind="stable")[:MOST_LABELS]
    names = [str(label) for label in counts["label"]]
    number = {name: i for i, name in enumerate(names)}
    means = _matrix(looked, number, "labels")
    weights = _matrix(looked, number, "weights")
    wrong = _confused(f)
    wrong = wrong[wrong["gold"].isin(number) & wrong["predicted"].isin(number)]
    given: dict[str, list[str]] = {}
    for gold, predicted, n in zip(wrong["gold"], wrong["predicted"], wrong["n"], strict=True):
        given.setdefault(str(gold), []).append(f"{number[str(predicted)]}:{int(n)}")
    pair = _most_confused(f) or tuple(names[:2])
    return [
        {
            "id": f"{anchor}--two",
            "units": numbers.units(f),
            "neurons": [n.name for n in looked],
            "ids": [f"{anchor}--{numbers.file_name(n.name)}" for n in looked],
            "chosen": [number.get(label, 0) for label in pair],
            "labels": [
                {
                    "name": visible(name),
                    "means": _packed(means[i], 1),
                    "weights": _packed(weights[i], 2),
                    "given": " ".join(given.get(name, ())),
                    "test": count(int(n)),
                }
                for i, (name, n) in enumerate(zip(names, counts["test"], strict=True))
            ],
        }
    ]


def _matrix(looked: Sequence[NeuronTables], number: Mapping[str, int], what: str) -> np.ndarray:
    """Means in standard deviations, or weights for one, shape (n_labels, n_looked); NaN where there are none."""
    found = np.full((len(number), len(looked)), np.nan)
    for column, n in enumerate(looked):
        table = getattr(n, what)
        table = table[table["n"] > 0] if what == "labels" else table
        rows = table["label"].map(number)
        values = n.scaled(table["mean"].to_numpy()) if what == "labels" else table["per_sd"].to_numpy(dtype=float)
        known = rows.notna().to_numpy()
        found[rows[known].to_numpy(dtype=int), column] = values[known]
    return found


def _packed(row: np.ndarray, digits: int) -> str:
    """Numbers in a line, none where there is no value; short, since there are as many as labels times neurons."""
    return " ".join("-" if np.isnan(value) else f"{value:.{digits}f}" for value in row.tolist())


SECTION = Section(
    "two-labels",
    "What tells two labels apart",
    needs=(LABELS, has_table("neuron_labels"), has_table("confusion")),
    words=words,
    parts=Parts("two_labels.html", parts, lambda _: 1),
)
