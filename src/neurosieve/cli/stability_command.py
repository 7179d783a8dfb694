"""``stability``: how sure the results of a run are."""

from __future__ import annotations

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.on_run import TOP, OnRun, on_run

RESAMPLES = 20


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    add(app, on_run(stability, without=("ranking",)))


def stability(
    on: OnRun,
    resamples: int | None = typer.Option(
        None,
        "--resamples",
        help="Resamples of the sentences, and permutations of the labels; the run's own, else 20.",
        metavar="N",
        min=2,
    ),
    rate: float | None = typer.Option(
        None, "--rate", help="Share of false entries allowed on the list of neurons.", metavar="SHARE"
    ),
    top: int | None = TOP,
    scores: bool = typer.Option(False, "--scores", help="Show the intervals of the scores instead of the neurons."),
) -> None:
    """Say how sure the ranking, the scores and the sets are.

    Repeats them on resampled sentences, with other seeds, and with labels permuted within word types. Prints one row a
    neuron, in the order of seed 0's ranking: frequency is the share of the resamples that have it in their top k, q_value
    the smallest rate of false entries at which it is listed as carrying more than word types. `report` shows the rest.

    In Python: neurosieve.stability and neurosieve.discover_neurons

    Example:
        neurosieve stability runs/bert --property pos --resamples 20 --table
    """
    from neurosieve.study.steps import stability_summary

    with on.cell(resamples=resamples, discovery_rate=rate) as cell:
        neurons, intervals, said = stability_summary(cell, default=RESAMPLES)
    if scores:
        on.emit(intervals, title="scores with 95 % intervals", **said)
    else:
        on.emit(neurons.head(on.rows(top, len(neurons))), title="neurons by weight mass", **said)
