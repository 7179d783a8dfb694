"""``report`` and ``info``: what a run or a store holds."""

from __future__ import annotations

from pathlib import Path

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.output import CSV_OPTION, QUIET_OPTION, TABLE_OPTION, chosen_format, emit, reporting


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    add(app, report, info)


def report(
    run: Path = typer.Argument(..., help="The run's folder.", metavar="RUN"),
    quiet: bool = QUIET_OPTION,
) -> None:
    """Write the results of everything that a run holds, and print where the page is.

    Needs `search`, `ablate` and `minimal`, and shows `control` where it was run. Baselines, scores of labels, parts of
    neurons and text to read are computed by `run` alone, which adds them to the same folder. Writes results.csv (every score),
    rankings.csv (every neuron), tables/, figures/ and report.html, which opens without a network.

    In Python: neurosieve.open_run(folder).report()

    Example:
        neurosieve report runs/bert
    """
    from neurosieve.runs.opened import open_run

    with reporting(quiet=quiet):
        print(open_run(run).report())


def info(
    path: Path = typer.Argument(..., help="A run's folder, or one of its activation stores.", metavar="FOLDER"),
    verify: bool = typer.Option(False, "--verify", help="Compare every file with its digest; exit 1 if one differs."),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
) -> None:
    """Say what a run or an activation store holds.

    Of a run: its activations with their size, and the finished stages of each model and property. Of a store: model,
    corpus, words of each split, properties, layers, and how many words were left out. With --verify, whether all files are
    what was written: one row a file that is not, and what to do.

    In Python: neurosieve.open_store

    Example:
        neurosieve info runs/bert --table
    """
    form = chosen_format(csv=csv, table=table)
    if verify:
        from neurosieve.runs.verify import verify as compared

        problems, counted = compared(path)
        emit(problems, form=form, title="files that are not what was written" if len(problems) else "", **counted)
        if len(problems):
            raise typer.Exit(1)
        return
    from neurosieve.runs.info import describe

    frame, summary = describe(path)
    emit(frame, form=form, **summary)
