"""How well each label is told, and which is taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurosieve.report import numbers
from neurosieve.report.numbers import count, percent
from neurosieve.report.section import LABELS, Parts, Section, has_table
from neurosieve.report.text import visible

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

MOST_LABELS, MOST_IN_MATRIX, MOST_PAIRS = 100, 15, 5
ENOUGH = 20
"""Test words from which on a label is named as the best or the worst told."""


def words(f: Findings) -> list[str]:
    """The labels told best and worst, and the most frequent confusions."""
    t = _test(f, "label_scores")
    often = t[t["support"] >= ENOUGH].sort_values("f1", ascending=False, kind="stable")
    units = numbers.units(f)
    said = [
        f"Of the probe on all neurons, on test: precision is the share of the {units} given a label that have it, recall the "
        f"share of the {units} of a label that are given it, F1 their harmonic mean. In brackets 95{numbers.SPACE}% intervals "
        f"(Wilson's, {units} taken as independent)."
    ]
    if len(often) > 3:
        best, worst = (
            ", ".join(f"“{visible(row['label'])}” {percent(row['f1'], 0)}" for row in rows.to_dict("records"))
            for rows in (often[:3], often[::-1][:3])
        )
        said.append(f"Among labels with at least {ENOUGH} test {units}, F1 is highest for {best}; lowest for {worst}.")
    wrong = _wrong(f)[:MOST_PAIRS]
    if len(wrong):
        pairs = ", ".join(
            f"“{visible(row['gold'])}” taken for “{visible(row['predicted'])}” ({count(row['n'])})"
            for row in wrong.to_dict("records")
        )
        share = wrong["n"].sum() / _wrong(f)["n"].sum()
        said.append(f"The most frequent errors: {pairs}; together {percent(share, 0)} of all errors.")
    if len(t) > MOST_LABELS:
        said.append(f"The table has the {MOST_LABELS} most frequent of {count(len(t))} labels.")
    return said


def table(f: Findings) -> pd.DataFrame:
    """One row a label: support, precision, recall and F1 on test."""
    return pd.DataFrame(
        [
            {
                "label": visible(row["label"]),
                f"test {numbers.units(f)}": int(row["support"]),
                "precision": _share(row, "precision"),
                "recall": _share(row, "recall"),
                "F1": percent(row["f1"], 1),
            }
            for row in _test(f, "label_scores")[:MOST_LABELS].to_dict("records")
        ]
    )


def _share(row: Mapping[Any, Any], name: str) -> str:
    if row[name] is None or row[name] != row[name]:
        return "–"
    return f"{percent(row[name], 1)} ({100 * row[f'{name}_low']:.0f} to {100 * row[f'{name}_high']:.0f})"


def _test(f: Findings, name: str) -> pd.DataFrame:
    return f.tables[name].query("split == 'test'")


def _wrong(f: Findings) -> pd.DataFrame:
    return _test(f, "confusion").query("gold != predicted")


def parts(f: Findings, anchor: str, most: int) -> Sequence[Mapping[str, Any]]:
    """The confusions among the labels that are most often confused, as one table."""
    wrong = _wrong(f)
    if not len(wrong) or not most:
        return []
    errors = wrong.groupby("gold")["n"].sum().add(wrong.groupby("predicted")["n"].sum(), fill_value=0)
    names = errors.sort_values(ascending=False, kind="stable").index[:MOST_IN_MATRIX].tolist()
    whole = _test(f, "confusion").pivot_table(
        index="gold", columns="predicted", values="n", aggfunc="sum", fill_value=0
    )
    matrix = whole.reindex(index=names, columns=names, fill_value=0)
    largest = max(1, wrong["n"].max())
    rows = [
        {
            "label": visible(name),
            "cells": [
                {"n": count(int(n)), "level": "z" if name == other or not n else f"p{1 + int(2.99 * n / largest)}"}
                for other, n in matrix.loc[name].items()
            ],
            "rest": count(int(whole.loc[name].sum() - matrix.loc[name].sum()) if name in whole.index else 0),
        }
        for name in names
    ]
    return [{"id": f"{anchor}--confusion", "heads": [visible(name) for name in names], "rows": rows}]


SECTION = Section(
    "label-scores",
    "How well each label is told",
    needs=(LABELS, has_table("label_scores")),
    words=words,
    table=table,
    parts=Parts("confusion.html", parts, lambda f: int(len(_wrong(f)) > 0)),
)
