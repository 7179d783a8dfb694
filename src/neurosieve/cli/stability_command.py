"""``stability``: how sure the results of a run are."""

from __future__ import annotations

from pathlib import Path

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.output import CSV_OPTION, QUIET_OPTION, TABLE_OPTION, chosen_format, emit
from neurosieve.cli.solver import CERTIFIED, SOLVER, chosen_solver
from neurosieve.cli.stage_commands import CORPUS, MODEL, PROPERTY, RUN, open_for_stage

RESAMPLES = 20


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    add(app, stability)


def stability(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
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
    top: int = typer.Option(20, "--top", help="Neurons to show; 0 for all.", metavar="N", min=0),
    scores: bool = typer.Option(False, "--scores", help="Show the intervals of the scores instead of the neurons."),
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Say how sure the ranking, the scores and the sets are.

    Repeats them on resampled sentences, with other seeds, and with labels permuted within word types. Prints one row a
    neuron, in the order of seed 0's ranking: frequency is the share of the resamples that have it in their top k, q_value
    the smallest rate of false entries at which it is listed as carrying more than word types. `report` shows the rest.

    In Python: neurosieve.stability and neurosieve.discover_neurons

    Example:
        neurosieve stability runs/bert --property pos --resamples 20 --table
    """
    form = chosen_format(csv=csv, table=table)
    from neurosieve.study.steps import stability_summary

    changes = {
        "resamples": resamples,
        "discovery_rate": rate,
        "solver": chosen_solver(solver, certified=certified),
    }
    with open_for_stage(run, prop, model, corpus, quiet=quiet, **changes) as cell:
        neurons, intervals, said = stability_summary(cell, default=RESAMPLES)
    if scores:
        emit(intervals, form=form, title="scores with 95 % intervals", property=prop, **said)
    else:
        emit(neurons.head(top) if top else neurons, form=form, title="neurons by weight mass", property=prop, **said)
