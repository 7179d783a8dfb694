"""Sentences of test to read: words coloured by a neuron, by the set, or by how probable a label is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurosieve.analysis.neurons.levels import LEVELS, levels_of
from neurosieve.report import numbers
from neurosieve.report.neuron.view import CLASSES, scale_of
from neurosieve.report.numbers import count
from neurosieve.report.section import Parts, Section, has_table
from neurosieve.report.sections.looks import neurons_of
from neurosieve.report.text import visible

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

ROWS_A_PART = 100
"""Words a part that the page may have: a page of many cells has fewer sentences of each, and stays small."""
PROBABLE = (0.05, 0.5, 0.9)
"""Probabilities of a label at which a word's colour changes."""


def words(f: Findings) -> list[str]:
    """Which sentences they are, and what the colours are made of."""
    kept = f.tables["text_words"]
    units = numbers.units(f)
    drawn = f"{count(len(kept))} of the test {units}"
    if f.unit == "word":
        drawn = f"{count(kept['sentence'].nunique())} sentences of test ({count(len(kept))} words)"
    said = [
        f"{drawn[0].upper()}{drawn[1:]}, drawn at random with a fixed seed, not chosen. Colour them by a neuron, by the whole "
        f"minimal set, or by a label. Values are binned into seven levels, at {', '.join(map(str, LEVELS))} standard deviations "
        "from the neuron's mean."
    ]
    if f.metric != "r2":
        wrong = kept["gold"].notna() & (kept["gold"] != kept["predicted"])
        said.append(
            f"Below each word stands its label; a crossed-out one is what the probe on all neurons gives in its place "
            f"({count(int(wrong.sum()))} of {count(int(kept['gold'].notna().sum()))})."
        )
    return said


def parts(f: Findings, anchor: str, most: int) -> Sequence[Mapping[str, Any]]:
    """One part: the sentences, with what each view colours them by."""
    whole = f.tables["text_words"]
    kept = whole[whole["sentence"].isin(_first_sentences(whole, ROWS_A_PART * most))]
    looked = list(neurons_of(f).values())[:most]
    counts = f.label_counts.sort_values("train", ascending=False, kind="stable")  # of real values there are none
    names = [str(label) for label in counts["label"]] if f.metric != "r2" else []
    number = {name: i for i, name in enumerate(names)}
    probable = f.tables["text_labels"]
    probable = probable[probable["row"].isin(kept.index) & probable["label"].isin(number)]
    levels = np.searchsorted(PROBABLE, probable["probability"].to_numpy(dtype=float), side="right")
    of_row: dict[int, list[str]] = {}
    for row, label, level in zip(probable["row"], probable["label"], levels.tolist(), strict=True):
        of_row.setdefault(int(row), []).append(f"{number[label]}:{level}")
    return [
        {
            "id": f"{anchor}--text-view",
            "prop": f.prop,
            "unit": f.unit,
            "neurons": [(n.name, i, scale_of(n)) for i, n in enumerate(looked)],
            "labels": [(visible(name), i) for i, name in enumerate(names)],
            "set_scale": _set_scale(f),
            "label_scale": _label_scale(),
            "n_sentences": count(kept["sentence"].nunique()),
            "sentences": [
                _sentence(f, rows, of_row, anchor=anchor, n=len(looked))
                for _, rows in kept.groupby("sentence", sort=False)
            ],
        }
    ]


def _first_sentences(kept: pd.DataFrame, most: int) -> pd.Series:
    """The first sentences with at most `most` words together, and the first in any case."""
    sizes = kept.groupby("sentence", sort=False).size()
    return pd.Series(sizes.index[(sizes.cumsum() <= most) | (np.arange(len(sizes)) == 0)])


def _sentence(
    f: Findings, rows: pd.DataFrame, of_row: Mapping[int, list[str]], *, anchor: str, n: int
) -> dict[str, Any]:
    number, shown, before = int(rows["sentence"].iloc[0]), [], None
    levels = levels_of(rows["set_margin"].fillna(0.0))
    for place, level, row in zip(rows.index, levels.tolist(), rows.to_dict("records"), strict=True):
        gap = row["position"] != (0 if before is None else before + 1) and f.unit == "word"
        before = row["position"]
        gold = _told(row["gold"])
        shown.append(
            {
                "gap": gap,
                "text": visible(str(row["word"]), most=400 if f.unit == "sentence" else 40),
                "gold": gold,
                "wrong": _told(row["predicted"]) if _differs(f, row, "predicted") else "",
                "set_wrong": _told(row["set_predicted"]) if _differs(f, row, "set_predicted") else "",
                "set_level": level + 3,
                "class": CLASSES[level + 3],
                "levels": str(row["levels"])[:n],
                "labels": " ".join(of_row.get(int(place), ())),
            }
        )
    return {"id": f"{anchor}--s{number}", "number": number, "words": shown}


def _told(label: object) -> str:
    return "" if label is None or label != label else visible(str(label))


def _differs(f: Findings, row: Mapping[Any, Any], name: str) -> bool:
    """Whether a word has a label and is given another one; a predicted value stands beside every real one."""
    return bool(_told(row["gold"])) and (f.metric == "r2" or row["gold"] != row[name])


def _set_scale(f: Findings) -> list[tuple[str, str]]:
    unit = " sds" if f.metric == "r2" else ""
    low = [(f"n{i}", f"to \N{MINUS SIGN}{edge:g}{unit}") for i, edge in reversed([*enumerate(LEVELS, 1)])]
    return [*low, ("z", "near 0"), *((f"p{i}", f"from {edge:g}{unit}") for i, edge in enumerate(LEVELS, 1))]


def _label_scale() -> list[tuple[str, str]]:
    return [("z", f"below {PROBABLE[0]:g}"), *((f"p{i}", f"from {edge:g}") for i, edge in enumerate(PROBABLE, 1))]


SECTION = Section(
    "text",
    "Read the text",
    needs=(has_table("text_words"), has_table("neuron_summary")),
    words=words,
    parts=Parts("text.html", parts, lambda _: 1),
)
