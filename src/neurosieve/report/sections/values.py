"""How real values are spread."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from neurosieve.figures.value_histogram import value_histogram
from neurosieve.report import numbers
from neurosieve.report.numbers import count
from neurosieve.report.section import REAL_VALUES, Figure, Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def words(f: Findings) -> str:
    """Mean, deviation and range in each split."""
    return " ".join(
        f"{str(row['split']).capitalize()}: {count(row['n'])} {numbers.units(f)}, mean {row['mean']:.4g}, standard deviation "
        f"{row['sd']:.4g}, from {row['min']:.4g} to {row['max']:.4g}, half of them at most {row['median']:.4g}."
        for row in f.values.to_dict("records")
    )


SECTION = Section(
    "values",
    "How the values are spread",
    needs=(REAL_VALUES,),
    words=words,
    figures={
        "values": Figure(value_histogram, attrgetter("histogram"), "Share of the {f.unit}s of each split by value.")
    },
)
