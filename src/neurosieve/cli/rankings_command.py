"""``rankings``: the rankings of a run side by side."""

from __future__ import annotations

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.on_run import OnRun, on_run


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    add(app, on_run(rankings, without=("ranking",)))


def rankings(
    on: OnRun,
    ranking: list[str] = typer.Option(
        [],
        "--ranking",
        help="Method to compare, repeatable; the run's own by default, or, where it has one, all that need no training.",
        metavar="NAME",
    ),
    probes: bool = typer.Option(False, "--probes", help="Print each probe's accuracy with its interval instead."),
) -> None:
    """Compare rankings: agreement, detectors, and probes on the top neurons.

    Prints one row a ranking and size k of its top set: avg_overlap and neuron_vote say how far it agrees with the others
    (chance: two random sets), f1 to auprc how well the best of its k neurons detects a label on test (mean over labels), exact,
    adam and gaussian the accuracy on test of each probe trained on the k neurons.

    In Python: neurosieve.rank_all

    Example:
        neurosieve rankings runs/bert --property pos --ranking weight-mass --ranking probeless --table
    """
    from neurosieve.study import comparison

    with on.cell() as cell:
        result = comparison.compared(cell, ranking)
    on.emit(result["ranking_probes"] if probes else comparison.wide(result), title="rankings")
