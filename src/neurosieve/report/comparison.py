"""The page of a comparison: tables, what they say in words, and the figures across models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from neurosieve.csv_files import write_csv
from neurosieve.figures.across import draw_across
from neurosieve.figures.panels import Panel
from neurosieve.figures.save import save_figure
from neurosieve.report import numbers
from neurosieve.report.page import picture, rows_of, write_page
from neurosieve.report.tables import written_value

PAGE = "compare.html"
CAPTIONS = {
    "figure1": "Neurons of the minimal set in each layer, with the number expected by chance.",
    "figure2": "Neurons that a label takes: the labels with the most and with the fewest.",
    "figure3": "Share of the minimal set that each label takes: focused labels to the left, distributed ones to the right.",
    "figure4": "Neurons that each label takes.",
    "figure5": "The layer that holds most of each label's neurons, from the first (light) to the last (dark).",
}
"""What each figure across models and properties shows, by the beginning of its name."""
CELL = ("run", "model", "property", "corpus", "ranking")
"""Columns that tell cells apart, where a table has them."""
PERCENT = (
    "accuracy",
    "set_accuracy",
    "selected_share",
    "distributedness",
    "layer_evenness",
    "overlap",
    "overlap_by_chance",
)


def write_comparison(
    folder: str | Path,
    *,
    cells: pd.DataFrame,
    pairs: pd.DataFrame,
    labels: pd.DataFrame,
    layers: pd.DataFrame,
    settings: pd.DataFrame,
    differences: pd.DataFrame,
) -> Path:
    """Write ``compare.html``, with a CSV file of each table and ``figures/`` beside it.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    cells, pairs, labels, layers, settings, differences : DataFrame
        As in `neurosieve.runs.compare.Comparison`.

    Returns
    -------
    Path
        The page.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    tables = {"cells": cells, "pairs": pairs, "labels": labels, "layers": layers, "settings": settings}
    tables["differences"] = differences
    for name, table in tables.items():
        write_csv(target / f"{name}.csv", table.dropna(axis=1, how="all"))
    return write_page(
        target / PAGE,
        "compare.html",
        title=f"Comparison of {numbers.listed(list(dict.fromkeys(cells['run'])), most=4)}",
        cells=rows_of(in_percent(cells)),
        pairs=rows_of(pairs.drop(columns=_empty(pairs))) if len(pairs) else None,
        said=in_words(cells),
        differences=differences["said"].tolist(),
        figures=across_figures(target, panels_of(cells, layers=layers, labels=labels)),
        links=[f"{name}.csv" for name in tables],
    )


def in_percent(cells: pd.DataFrame) -> pd.DataFrame:
    """The table of cells to read: percent, intervals in one column, columns without values left out."""
    table = cells.copy()
    table["delta"] = [f"{delta:g}" for delta in table["delta"]]  # 0.005 would be 0.01 with two decimals
    for name in PERCENT:
        for column in (name, f"{name}_low", f"{name}_high"):
            if column in table:
                table[column] = 100 * table[column]
    for name in ("neurons_per_label", "distributedness"):
        low, high = table.pop(f"{name}_low"), table.pop(f"{name}_high")
        intervals = [
            "" if pd.isna(a) else f"{written_value(float(a))} to {written_value(float(b))}"
            for a, b in zip(low, high, strict=True)
        ]
        table.insert(list(table.columns).index(name) + 1, f"{name}, 95 %", intervals)
    renamed = {name: f"{name} %" for name in PERCENT}
    return table.drop(columns=_empty(table)).rename(columns=renamed).rename(columns=lambda name: name.replace("_", " "))


def _empty(table: pd.DataFrame) -> list[str]:
    return [str(column) for column in table if table[column].isna().all() or (table[column] == "").all()]


def in_words(cells: pd.DataFrame) -> list[str]:
    """For each property: which model needs the smallest share, and which holds it most distributed, if seeds tell."""
    said = []
    for prop, table in cells.groupby("property", sort=False):
        if len(table) < 2:
            continue
        names = cell_names(table)
        by_size = table["selected_share"].to_numpy().argsort(kind="stable")
        few, many = by_size[0], by_size[-1]
        shares = table["selected_share"].to_numpy()
        said.append(
            f"{prop}: {names[few]} needs the smallest share of its neurons ({numbers.percent(shares[few], 1)}), "
            f"{names[many]} the largest ({numbers.percent(shares[many], 1)})."
        )
        spread = table.dropna(subset=["distributedness"]).sort_values("distributedness", kind="stable")
        if len(spread) < 2:  # only weight mass tells how labels spread their weight
            continue
        low, high = spread.iloc[0], spread.iloc[-1]
        ends = dict(zip(table.index, names, strict=True))
        apart = high["distributedness_low"] > low["distributedness_high"]
        told = (
            "their intervals over seeds do not meet."
            if apart
            else "their intervals over seeds meet, so seeds alone could make this difference."
            if pd.notna(high["distributedness_low"])
            else "there are too few seeds for an interval."
        )
        said.append(
            f"{prop}: the labels of {ends[high.name]} spread their weight most "
            f"({numbers.percent(float(high['distributedness']), 1)} of the neurons), those of {ends[low.name]} least "
            f"({numbers.percent(float(low['distributedness']), 1)}); {told}"
        )
    return said


def cell_names(table: pd.DataFrame) -> list[str]:
    """How a property's cells are called: by model, with the run, corpus and ranking where they tell cells apart."""
    several = [part for part in ("run", "corpus", "ranking") if part in table and len(table[part].unique()) > 1]
    names = []
    for record in table.to_dict("records"):
        where = ", ".join(str(record[part]) for part in several if record[part])
        names.append(f"{record['model']} ({where})" if where else str(record["model"]))
    return names


def panels_of(cells: pd.DataFrame, *, layers: pd.DataFrame, labels: pd.DataFrame) -> list[Panel]:
    """What the figures draw: layers as means over seeds, labels of the first seed."""
    names = cell_names(cells)
    panels = []
    for name, record in zip(names, cells.to_dict("records"), strict=True):

        def of(table: pd.DataFrame, record: dict[Any, Any] = record) -> pd.DataFrame:
            parts = [part for part in CELL if part in table and part in record]
            return table[(table[parts] == [record[part] for part in parts]).all(axis=1)]

        own_layers, own_labels = of(layers), of(labels)
        columns = ["n_selected", "n_neurons", "expected"]
        panels.append(
            Panel(
                name,
                str(record["property"]),
                own_layers.groupby("layer", sort=False)[columns].mean().reset_index(),
                own_labels[own_labels["seed"] == own_labels["seed"].min()].reset_index(drop=True),
            )
        )
    return panels


def across_figures(target: Path, panels: list[Panel]) -> list[dict[str, Any]]:
    """Draw the figures across models into ``figures/`` as PNG, SVG and PDF, and say how the page shows them."""
    shown = []
    for name, (figure, data) in draw_across(panels).items():
        written = save_figure(figure, target / "figures" / name, data=data, formats=("png", "svg", "pdf"))
        props = ", ".join(dict.fromkeys(str(prop) for prop in data["property"]))
        caption = f"{CAPTIONS[name.partition('-')[0]].removesuffix('.')} ({props})."
        models = numbers.listed(list(dict.fromkeys(data["model"])), most=12)
        shown.append(picture(target, written, caption=caption, said=[f"Models: {models}."]))
    return shown
