"""Which lambdas were chosen, why, and how sharp the choice is."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from neurosieve.figures.lambdas import lambda_components, lambda_search
from neurosieve.figures.style import power
from neurosieve.report.numbers import percent, points
from neurosieve.report.section import Figure, Section

if TYPE_CHECKING:
    import pandas as pd

    from neurosieve.study.findings import Findings

CLOSE = 0.005
"""Scores of the search within half a point of the best are called close."""


def words(f: Findings) -> list[str]:
    """The chosen pair, what its score is made of, and the pairs that come close."""
    table = f.search
    chosen = table[
        np.isclose(table["l1"], f.l1, rtol=1e-6, atol=0) & np.isclose(table["l2"], f.l2, rtol=1e-6, atol=0)
    ].iloc[0]
    said = [
        f"Of {len(table)} pairs of lambdas, l1 = {power(f.l1)} and l2 = {power(f.l2)} has the highest score on dev, "
        f"{100 * chosen['score']:.2f} points: keeping the top {percent(f.settings['keep'], 0)} of the neurons the probe scores "
        f"{percent(chosen['a_top'])}, keeping as many bottom ones {percent(chosen['a_bottom'])}, with all "
        f"{percent(chosen['a_all'])}."
    ]
    said += _race(table) if "margin" in table else []  # earlier versions have none
    plain = table[(table["l1"] == 0) & (table["l2"] == 0)]
    if f.l1 == 0 and f.l2 == 0:
        said.append("This is the pair without any regularisation.")
    elif len(plain):
        a_zero = float(plain["a_all"].iloc[0])
        change = float(chosen["a_all"]) - a_zero
        verdict = "as much" if change == 0 else f"{points(change)} {'more' if change > 0 else 'less'}"
        said.append(f"Without regularisation the probe scores {percent(a_zero)}; the chosen one scores {verdict}.")
    close = int((table["score"] >= chosen["score"] - CLOSE).sum()) - 1
    said.append(
        "No other pair comes within half a point of this score."
        if close == 0
        else f"{close} other pair{'s come' if close > 1 else ' comes'} within half a point of this score, "
        "so the choice is not sharp."
    )
    if f.metric == "r2":
        said.append("In the score an R² below zero counts as zero.")
    edges = [name for name in ("l1", "l2") if len(table[name].unique()) > 1 and getattr(f, name) == table[name].max()]
    if edges:
        said.append(f"For {' and '.join(edges)} the largest value tried was chosen: a larger one might score higher.")
    return said


def _race(table: pd.DataFrame) -> list[str]:
    """Which pairs were not solved to the end, and which not at all."""
    said, tried = [], table["score"].notna()
    dropped, untried = table.loc[tried, "margin"].dropna(), table.loc[~tried, "margin"]
    if len(dropped):
        said.append(
            f"{len(dropped)} of the pairs were not solved to the end: on the way they were at least "
            f"{points(float(dropped.min()))} behind, and their scores here are from there."
        )
    if len(untried):
        said.append(
            f"{len(untried)} were not tried and have no score: their neighbours with a larger l1 or a smaller l2 led to scores at "
            f"least {points(float(untried.min()))} behind, or were not tried either."
        )
    return said


def caution(f: Findings) -> str | None:
    """A grid that is coarser than the solver's own."""
    grid = f.settings.get("grid", "paper")
    return (
        None
        if grid == "paper" or (grid == "strict" and f.exact)
        else f"The lambdas come from the {grid} grid, which is coarser than the paper's."
    )


SECTION = Section(
    "lambdas",
    "How the lambdas were chosen",
    words=words,
    caution=caution,
    figures={
        "lambdas": Figure(lambda_search, attrgetter("search"), "Score of each pair of lambdas on dev."),
        "lambda-parts": Figure(
            lambda_components, attrgetter("search"), "The values of {score} on dev that make up the score."
        ),
    },
)
