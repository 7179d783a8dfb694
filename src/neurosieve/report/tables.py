"""The tables of the paper, in its layout: properties down, models across, percent with two decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurosieve.csv_files import write_csv
from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import power
from neurosieve.report import numbers, paper
from neurosieve.report.numbers import Spread

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

Entry = tuple[str, str, str, "Spread | float | str"]
"""Property, row, model, value."""


def paper_tables(findings: Sequence[Findings]) -> dict[str, pd.DataFrame]:
    """Make the paper's tables.

    Parameters
    ----------
    findings : sequence of Findings

    Returns
    -------
    dict of str to DataFrame
        ``ablation_test`` and ``ablation_dev`` (Tables 1 and 6), ``ablation_mean_fill_test`` and ``_dev`` (ablated
        neurons set to their mean), ``minimal_<delta in points>_test`` and ``_dev`` (Tables 2, 3 and 7), ``data``
        (Table 4, in words and sentences), ``lambdas`` (Table 5), ``runtime`` (seconds), ``architectures`` (section 5.2).
        All but ``data`` have the columns property and row, and for each model the mean over seeds and ``<model> sd``,
        the standard deviation over seeds (missing for one seed). Accuracies, and R² of real values, are percent. Where
        the paper printed a number for the same model and task, it stands in ``<model> paper``. Where a property labels
        sentences, ``data`` says so in a column of its own.

    Raises
    ------
    NeurosieveError
        If there are no findings.
    """
    if not findings:
        raise NeurosieveError("there are no findings to make tables of; run at least one model and property")
    cells = list(zip(numbers.cell_names(findings), findings, strict=True))
    tables = {}
    known = Known(cells)
    for split in ("test", "dev"):
        tables[f"ablation_{split}"] = _wide([e for c in cells for e in _ablation(*c, split=split, fill="zero")])
        tables[f"ablation_mean_fill_{split}"] = _wide(
            [e for c in cells for e in _ablation(*c, split=split, fill="mean")]
        )
    for delta in sorted({delta for f in findings for delta in numbers.deltas(f)}):
        for split in ("test", "dev"):
            entries = [e for c in cells for e in _minimal(*c, delta=delta, split=split)]
            tables[f"minimal_{100 * delta:g}_{split}"] = _wide(entries)
    tables["data"] = _data(cells)
    tables["lambdas"] = _wide([(prop, "l1, l2", model, f"{power(f.l1)}, {power(f.l2)}") for (model, prop), f in cells])
    tables["runtime"] = _wide([e for c in cells for e in _runtime(*c)])
    tables["architectures"] = _wide([e for c in cells for e in _architecture(*c)])
    return {name: known.beside(name, table) for name, table in tables.items() if len(table)}


def write_tables(folder: str | Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write each table to ``<name>.csv`` in `folder`, which is made; two decimals, whole numbers without.

    Returns
    -------
    list of Path
        The files written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in tables.items():
        path = target / f"{name}.csv"
        written.append(write_csv(path, table.map(written_value)))
    return written


def written_value(value: object) -> str:
    """An entry as text: two decimals, whole numbers as they are, nothing for what is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.2f}" if isinstance(value, (float, np.floating)) else str(value)


def _wide(entries: Sequence[Entry]) -> pd.DataFrame:
    """Rows (property, row) in order of appearance; for each model its mean and, where there is one, its spread."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    models = list(dict.fromkeys(model for _, _, model, _ in entries))
    spread = any(isinstance(value, Spread) for *_, value in entries)
    for prop, row, model, value in entries:
        line = rows.setdefault((prop, row), {"property": prop, "row": row})
        line[model] = value.mean if isinstance(value, Spread) else value
        line[f"{model} sd"] = value.sd if isinstance(value, Spread) else np.nan
    columns = [name for model in models for name in ([model, f"{model} sd"] if spread else [model])]
    by_property = sorted(
        rows.values(), key=lambda line: list(dict.fromkeys(p for p, _ in rows)).index(str(line["property"]))
    )
    return pd.DataFrame(by_property, columns=["property", "row", *columns], dtype=object)


def _scaled(values: pd.Series) -> Spread:
    return Spread.of(round(100 * value, 10) for value in values)


def _ablation(name: tuple[str, str], f: Findings, *, split: str, fill: str) -> list[Entry]:
    model, prop = name
    entries: list[Entry] = []
    for subset in ("all", "top", "random", "bottom"):
        # Nothing is ablated from all neurons, so there is one value whatever the others are filled with.
        values = numbers.ablated(f, subset, fill="zero" if subset == "all" else fill, split=split)
        if len(values):
            entries.append((prop, subset.capitalize(), model, _scaled(values)))
    return entries if len(entries) > 1 else []


def _minimal(name: tuple[str, str], f: Findings, *, delta: float, split: str) -> list[Entry]:
    model, prop = name
    found = numbers.minimal(f, delta)
    if found.empty:
        return []
    sizes, score = found["n_neurons"], "R2" if f.metric == "r2" else "Acc"
    entries: list[Entry] = [
        (prop, "Neu_a", model, f.n_neurons),
        (prop, "Neu_t", model, Spread.of(sizes)),
        (prop, "Neu_t %", model, _scaled(sizes / f.n_neurons)),
        (prop, f"{score}_a", model, _scaled(found[f"oracle_{split}"])),
        (prop, f"{score}_t", model, _scaled(found[split])),
    ]
    for row, subset in (("Sel_a", None), ("Sel_t", delta)):
        values = numbers.selective(f, subset, split=split)
        if len(values):
            entries.append((prop, row, model, _scaled(values)))
    return entries


def _data(cells: Sequence[tuple[tuple[str, str], Findings]]) -> pd.DataFrame:
    """Labelled words and sentences of each split and number of labels; one row a property, more where models differ."""
    splits = ("train", "dev", "test")
    of_words = all(f.unit == "word" for _, f in cells)
    counted = of_words and all(f.sentences for _, f in cells)
    rows: dict[tuple[object, ...], list[tuple[str, Findings]]] = {}
    for (model, prop), f in cells:
        sentences = [f.sentences[split] for split in splits] if counted else []
        n_labels = "real values" if f.metric == "r2" else f.n_labels
        key = (prop, *(f.words[split] for split in splits), *sentences, n_labels, numbers.units(f))
        rows.setdefault(key, []).append((model, f))
    heads = [f"{split} words" if of_words else split for split in splits] + [
        f"{split} sentences" for split in splits if counted
    ]
    table = pd.DataFrame(
        [(*key, ", ".join(model for model, _ in models)) for key, models in rows.items()],
        columns=["property", *heads, "labels", "unit", "models"],
    )
    if of_words:
        table = table.drop(columns="unit")
    for row, name in [(split, f"{split} sentences, paper") for split in splits] + [("labels", "labels, paper")]:
        values = [_printed_data(row, [f for _, f in models]) for models in rows.values()]
        if any(value is not None for value in values):
            table[name] = pd.Series(values, dtype=object)
    return table


def _printed_data(row: str, found: Sequence[Findings]) -> int | None:
    """What the paper's Table 4 has, if one of the models is the paper's."""
    values = [paper.printed("data", row, model=paper.paper_model(f), task=paper.paper_task(f.prop)) for f in found]
    return next((int(value) for value in values if value is not None), None)


def _runtime(name: tuple[str, str], f: Findings) -> list[Entry]:
    model, prop = name
    stages: list[Entry] = [(prop, stage, model, float(seconds)) for stage, seconds in f.seconds.items()]
    return [*stages, (prop, "total", model, float(sum(f.seconds.values())))] if stages else []


ARCHITECTURE_ROWS = {
    "neurons_per_label": "neurons a label (median)",
    "n_exclusive": "neurons of one label",
    "n_shared": "neurons of several labels",
    "distributedness": "distributedness, %",
    "layer_evenness": "evenness over layers, %",
    "overlap": "overlap of labels, %",
    "overlap_by_chance": "overlap by chance, %",
    "overlap_z": "overlap, deviations from chance",
}
"""Rows of the table of architectures (see `neurosieve.analysis.architectures`)."""


def _architecture(name: tuple[str, str], f: Findings) -> list[Entry]:
    model, prop = name
    found = f.by_seed.get("architecture")
    if found is None or found.empty or f.metric == "r2":  # without weight mass, or labels, nothing is shared
        return []
    return [
        (prop, row, model, _scaled(found[column]) if row.endswith("%") else Spread.of(found[column]))
        for column, row in ARCHITECTURE_ROWS.items()
    ]


class Known:
    """The cells whose numbers the paper printed, which ranks by weight mass.

    Parameters
    ----------
    cells : sequence of ((model, property), Findings)
    """

    def __init__(self, cells: Sequence[tuple[tuple[str, str], Findings]]) -> None:
        self._of = {name: (paper.paper_model(f) if f.by_mass else None, paper.paper_task(f.prop)) for name, f in cells}

    def beside(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """Put what the paper printed in its counterpart of the table `name` beside our numbers."""
        if "row" not in table:
            return table
        for model in dict.fromkeys(model for model, _ in self._of):
            if model not in table:
                continue
            values = [
                self._value(name, row, model, prop) for prop, row in zip(table["property"], table["row"], strict=True)
            ]
            if any(value is not None for value in values):
                last = f"{model} sd" if f"{model} sd" in table else model
                place = list(table.columns).index(last) + 1
                table = table.copy()
                table.insert(place, f"{model} paper", pd.Series(values, dtype=object, index=table.index))
        return table

    def _value(self, name: str, row: str, model: str, prop: str) -> float | int | str | None:
        known, task = self._of.get((model, prop), (None, None))
        value = paper.printed(name, row, model=known, task=task)
        if isinstance(value, float) and name == "runtime":
            return 3600.0 * value  # hours
        return int(value) if isinstance(value, float) and row.startswith("Neu") else value

    def note(self, name: str, row: str, *, model: str, prop: str) -> str | None:
        """What is odd about the number that the paper printed."""
        known, task = self._of.get((model, prop), (None, None))
        return paper.note(name, row, model=known, task=task)
