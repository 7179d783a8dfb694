"""The rankings of one property side by side: whether they agree, and which one's neurons do best with which probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from neurosieve.figures.rankings import exact_probes, ranking_probes
from neurosieve.report.numbers import SPACE, count, listed, percent
from neurosieve.report.section import LABELS, Figure, Need, Section, has_table

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def _first(f: Findings) -> bool:
    """Whether these are the findings of the first ranking of the table, with which the comparison stands on the page."""
    table = f.tables.get("rankings")
    return table is not None and len(table) > 0 and bool(table["ranking"].iloc[0] == f.ranking.method)


ONCE = Need(_first)


def words(f: Findings) -> list[str]:
    """Agreement at the middle size, and the best and worst ranking for each probe."""
    table = f.tables["rankings"]
    sizes = sorted(int(k) for k in table["k"].unique())
    middle = sizes[len(sizes) // 2]
    rows = table[table["k"] == middle].sort_values("avg_overlap", ascending=False, kind="stable")
    most, least = rows.iloc[0], rows.iloc[-1]
    said = [
        f"{count(len(rows))} rankings are compared. Of two rankings' top {count(middle)} neurons, "
        f"{percent(rows['avg_overlap'].mean(), 0)} of their union are shared on average (by chance {percent(most['chance'], 0)}); "
        f"{most['ranking']} agrees most with the others ({percent(most['avg_overlap'], 0)}), {least['ranking']} least "
        f"({percent(least['avg_overlap'], 0)})."
    ]
    probes = f.tables["ranking_probes"]
    for probe, of_probe in probes[probes["k"] == middle].groupby("probe", sort=False):
        ordered = of_probe.sort_values("score", ascending=False, kind="stable")
        best = ordered.iloc[0]
        as_good = ordered[ordered["high"] >= best["low"]]["ranking"].tolist()[1:]
        beside = f"; the intervals of {listed(as_good)} reach its own" if as_good else ""
        said.append(
            f"With the {NAMES.get(str(probe), probe)} probe, the top {count(middle)} of {best['ranking']} do best on test "
            f"({percent(best['score'])}, 95{SPACE}% interval "
            f"{percent(best['low'])} to {percent(best['high'])}){beside}; those of "
            f"{ordered.iloc[-1]['ranking']} do worst ({percent(ordered.iloc[-1]['score'])})."
        )
    return said


NAMES = {"exact": "exact linear", "adam": "linear (Adam)", "gaussian": "Gaussian"}


def table(f: Findings) -> pd.DataFrame:
    """One row a ranking and size: agreement, the best detectors among its top neurons, and each probe's accuracy."""
    shown = f.tables["rankings"].drop(columns="chance").dropna(axis=1, how="all")
    probes = f.tables["ranking_probes"]
    if len(probes):
        wide = probes.pivot_table(index=["ranking", "k"], columns="probe", values="score", sort=False).reset_index()
        shown = shown.merge(wide, on=["ranking", "k"], how="left", sort=False)
    parts = [name for name in shown if name not in ("ranking", "k")]
    for name in parts:
        shown[name] = 100 * shown[name]
    heads = {name: f"{NAMES.get(str(name), str(name).replace('_', ' '))} %" for name in parts}
    return shown.rename(columns=heads)


def caution(f: Findings) -> str | None:
    """A ranking and a probe of the same kind."""
    if not len(f.tables["ranking_probes"]):
        return None
    return (
        "A ranking made from a linear probe is flattered by linear probes, one made from normal distributions by the Gaussian "
        "probe: a ranking is good where probes of another kind agree."
    )


SECTION = Section(
    "rankings",
    "Whether rankings agree, and which one serves",
    needs=(ONCE, has_table("rankings")),
    words=words,
    table=table,
    caution=caution,
    figures={
        "rankings": Figure(
            ranking_probes,
            exact_probes,
            "Accuracy on test of the exact linear probe on the top neurons of each ranking, with 95 % intervals.",
            needs=(LABELS,),
        )
    },
)
