"""Which labels are distributed over many neurons and which are focused on few."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from neurosieve.figures.label_bars import label_distribution
from neurosieve.figures.style import few
from neurosieve.report import numbers
from neurosieve.report.numbers import count, percent
from neurosieve.report.section import BY_MASS, LABELS, Figure, Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def words(f: Findings) -> list[str]:
    """How many neurons the labels take, how many are taken by one alone, and whether frequent labels take more."""
    table = f.labels.sort_values("n_neurons", ascending=False, kind="stable")
    named = [f"“{row['label']}” {few(row['n_neurons'])}" for row in table.to_dict("records")]
    size = round(numbers.minimal(f, numbers.deltas(f)[0])["n_neurons"].mean())
    mean = numbers.over_seeds(f)
    most, fewest = table["n_neurons"].max(), table["n_neurons"].min()
    if most == fewest:
        said = [f"Every one of the {len(table)} labels takes {few(most)} of the {count(size)} selected neurons{mean}."]
    else:
        each = min(5, len(table) // 2)
        said = [
            f"Of the {count(size)} selected neurons the labels take between {few(fewest)} and {few(most)}{mean}; half of them "
            f"at most {few(table['n_neurons'].median())}. Most distributed: {', '.join(named[:each])}. Most focused: "
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


SECTION = Section(
    "labels",
    "Focused and distributed labels",
    needs=(LABELS, BY_MASS),
    words=words,
    figures={
        "labels": Figure(
            label_distribution,
            attrgetter("labels"),
            "Neurons that each label takes of the minimal set{mean}.",
        )
    },
)
