"""Which neurons tell two labels apart, for any two that a reader chooses, and how often each is taken for the other."""

from __future__ import annotations

from collections import Counter
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
    """The pair of labels that is confused most, and the neurons that tell its labels apart."""
    pair = _most_confused(f)
    said = [
        "Choose two labels. Of all neurons those are named whose means differ most between the training "
        f"{numbers.units(f)} of the one and of the other, in standard deviations within them (Cohen's d); below stand the neurons "
        "that were looked at, in standard deviations of the neuron, with what the probe adds to the first label's score against "
        "the second's when the neuron rises by one."
    ]
    rows = _telling(f)
    if pair is not None:
        rows = rows[(rows["first"].isin(pair)) & (rows["second"].isin(pair))]
        if len(rows):
            turned = 1 if rows["first"].iloc[0] == pair[0] else -1
            named = [
                f"{f.neurons['neuron'].iloc[int(index)]} ({signed(turned * d, 1)})"
                for index, d in zip(rows["index"][:NAMED], rows["d"][:NAMED], strict=True)
            ]
            said.append(
                f"Most often confused are “{visible(pair[0])}” and “{visible(pair[1])}”, which {', '.join(named)} tell apart best "
                f"(above 0: higher in “{visible(pair[0])}”)."
            )
    return said


def _telling(f: Findings) -> pd.DataFrame:
    """The table ``label_pairs``; without rows in runs that lack it."""
    return f.tables.get("label_pairs", pd.DataFrame({name: [] for name in ("first", "second", "index", "d")}))


def _confused(f: Findings) -> pd.DataFrame:
    return f.tables["confusion"].query("split == 'test' and gold != predicted")


def _most_confused(f: Findings) -> tuple[str, str] | None:
    wrong = _confused(f)
    known = set(f.label_counts.loc[f.label_counts["train"] > 0, "label"].astype(str))
    wrong = wrong[wrong["gold"].isin(known)]
    if not len(wrong):
        return None
    both: Counter[tuple[str, str]] = Counter()
    for gold, predicted, n in zip(wrong["gold"].astype(str), wrong["predicted"].astype(str), wrong["n"], strict=True):
        both[min(gold, predicted), max(gold, predicted)] += int(n)
    return both.most_common(1)[0][0]


def parts(f: Findings, anchor: str, most: int) -> Sequence[Mapping[str, Any]]:
    """One part: what the page needs to compare any two labels, packed into the options of a list."""
    looked = list(neurons_of(f).values())[:most]
    counts = f.label_counts[f.label_counts["train"] > 0].sort_values("train", ascending=False, kind="stable")[
        :MOST_LABELS
    ]
    names = [str(label) for label in counts["label"]]
    number = {name: i for i, name in enumerate(names)}
    means = _matrix(looked, number, "labels")
    weights = _matrix(looked, number, "weights")
    wrong = _confused(f)
    wrong = wrong[wrong["gold"].isin(number) & wrong["predicted"].isin(number)]
    given: dict[str, list[str]] = {}
    for gold, predicted, n in zip(wrong["gold"], wrong["predicted"], wrong["n"], strict=True):
        given.setdefault(str(gold), []).append(f"{number[str(predicted)]}:{int(n)}")
    apart: dict[str, dict[int, list[str]]] = {}
    told = _telling(f)
    told = told[told["first"].isin(number) & told["second"].isin(number)]
    for first, second, index, d in zip(told["first"], told["second"], told["index"], told["d"], strict=True):
        name = f.neurons["neuron"].iloc[int(index)]
        apart.setdefault(str(first), {}).setdefault(number[str(second)], []).append(f"{name} {d:.1f}")
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
                    "apart": ";".join(f"{other}:{','.join(named)}" for other, named in apart.get(name, {}).items()),
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
