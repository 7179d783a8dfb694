"""``compare``: runs side by side."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.output import CSV_OPTION, TABLE_OPTION, Format, chosen_format, emit, say


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    add(app, compare)


def compare(
    runs: list[Path] = typer.Argument(
        ..., help="Folders of runs; one is enough if it holds several models.", metavar="RUN..."
    ),
    pairs: bool = typer.Option(False, "--pairs", help="Print the pairs of cells instead of the cells."),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="Write a page with figures and tables here as well.", metavar="DIR"
    ),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
) -> None:
    """Compare models, checkpoints or settings across runs.

    Prints one row a run, model and property: how many neurons suffice, how many a label takes, how many are exclusive to
    one label and how many shared, how distributed labels are (with an interval over seeds), and how far labels overlap
    beyond chance. --pairs: agreement of two cells, neuron by neuron where they have the same neurons, as checkpoints of
    one model have. Reads the runs' result files and manifests alone, and says in which settings, text, labels and seeds the
    cells of a property differ.

    In Python: neurosieve.compare

    Example:
        neurosieve compare runs/step1000 runs/step2000 --pairs --table
    """
    form = chosen_format(csv=csv, table=table)
    from neurosieve.runs.compare import compare as compare_runs

    found = compare_runs(*runs)
    if out is not None:
        print(found.save(out), file=sys.stderr)
    frame = found.pairs if pairs else found.cells
    empty = [column for column in frame if frame[column].isna().all() or (frame[column] == "").all()]
    said = found.differences["said"].tolist()
    for text in said if form is Format.csv else ():
        say(f"warning: {text}")
    emit(frame.drop(columns=empty), form=form, title="pairs" if pairs else "cells", what_else_differs=said)
