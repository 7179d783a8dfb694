"""``rankings``: the rankings of a run side by side."""

from __future__ import annotations

from pathlib import Path

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.output import CSV_OPTION, QUIET_OPTION, TABLE_OPTION, chosen_format, emit
from neurosieve.cli.solver import CERTIFIED, SOLVER, chosen_solver
from neurosieve.cli.stage_commands import CORPUS, MODEL, PROPERTY, RUN, open_for_stage


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    add(app, rankings)


def rankings(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    ranking: list[str] = typer.Option(
        [],
        "--ranking",
        help="Method to compare, repeatable; the run's own by default, or, where it has one, all that need no training.",
        metavar="NAME",
    ),
    probes: bool = typer.Option(False, "--probes", help="Print each probe's accuracy with its interval instead."),
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Compare rankings: agreement, detectors, and probes on the top neurons.

    Prints one row a ranking and size k of its top set: avg_overlap and neuron_vote say how far it agrees with the others
    (chance: two random sets), f1 to auprc how well the best of its k neurons detects a label on test (mean over labels), exact,
    adam and gaussian the accuracy on test of each probe trained on the k neurons.

    In Python: neurosieve.rank_all

    Example:
        neurosieve rankings runs/bert --property pos --ranking weight-mass --ranking probeless --table
    """
    form = chosen_format(csv=csv, table=table)
    from neurosieve.study import comparison

    changes = {"solver": chosen_solver(solver, certified=certified)}
    with open_for_stage(run, prop, model, corpus, quiet=quiet, **changes) as cell:
        result = comparison.compared(cell, ranking)
    frame = result["ranking_probes"] if probes else comparison.wide(result)
    emit(frame, form=form, title="rankings", property=prop)
