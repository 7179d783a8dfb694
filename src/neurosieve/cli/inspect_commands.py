"""``report`` and ``info``: what a run or a store holds."""

from __future__ import annotations

from pathlib import Path

import typer

from neurosieve.cli.output import CSV_OPTION, TABLE_OPTION, chosen_format, emit, reporting


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(help=report.__doc__)(report)
    app.command(help=info.__doc__)(info)


def report(
    run: Path = typer.Argument(..., help="The run's folder."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress."),
) -> None:
    """Write results.csv, rankings.csv, tables, figures and report.html of what a run holds.

    Example: neurosieve report runs/bert
    """
    from neurosieve.study.steps import report_run

    with reporting(quiet=quiet) as progress:
        print(report_run(run, report=progress))


def info(
    path: Path = typer.Argument(..., help="A run's folder, or an activation store."),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
) -> None:
    """Say what a run or a store holds: model, layers, words, properties, sizes, finished stages.

    Example: neurosieve info runs/bert --table
    """
    from neurosieve.study.info import describe

    form = chosen_format(csv=csv, table=table)
    frame, summary = describe(path)
    emit(frame, form=form, **summary)
