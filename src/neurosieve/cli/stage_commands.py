"""``search``, ``rank``, ``ablate``, ``minimal``, ``control``, ``layers``, ``labels``: one stage each, on a run's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neurosieve.cli.output import CSV_OPTION, TABLE_OPTION, chosen_format, emit, reporting

if TYPE_CHECKING:
    from neurosieve.study.cell import Cell

RUN = typer.Argument(..., help="The run's folder, in which `neurosieve extract` or `run` left activations.")
PROPERTY = typer.Option(..., "--property", "-p", help="The property.")
MODEL = typer.Option(None, "--model", "-m", help="Which model, where the run has several.")
QUIET = typer.Option(False, "--quiet", "-q", help="No progress.")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (search, rank, ablate, minimal, control, layers, labels):
        app.command(help=command.__doc__)(command)


@contextmanager
def _cell(run: Path, prop: str, model: str | None, *, quiet: bool, **changes: Any) -> Iterator[Cell]:  # noqa: ANN401
    from neurosieve.study.steps import open_cell

    with reporting(quiet=quiet) as report:
        yield open_cell(run, prop, model=model, report=report, **changes)


def search(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    grid: str | None = typer.Option(None, "--grid", help="paper (81 pairs) or quick (16)."),
    seeds: int | None = typer.Option(None, "--seeds", help="Runs that later stages average."),
    solver: str | None = typer.Option(None, "--solver", help="adam or neurox."),
    epochs: int | None = typer.Option(None, "--epochs", help="Passes over the training words."),
    keep: float | None = typer.Option(None, "--keep", help="Share of the neurons that ablation keeps."),
    standardize: bool | None = typer.Option(None, "--standardize/--raw", help="Fit on z-scores of the activations."),
    rare_labels: str | None = typer.Option(None, "--rare-labels", help="Labels seen once in train: refuse, keep or drop."),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET,
) -> None:
    """Choose the lambdas by the paper's ablation score, on dev. In Python: neurosieve.search_lambdas.

    The options given here are kept for the later stages of the same run.

    Example: neurosieve search runs/bert --property pos --grid quick --table
    """
    from neurosieve.study import stages
    from neurosieve.study.steps import remember_probe_settings

    form = chosen_format(csv=csv, table=table)
    changes = {
        "grid": grid, "seeds": seeds, "solver": solver, "epochs": epochs, "keep": keep, "standardize": standardize,
        "rare_labels": rare_labels,
    }
    with _cell(run, prop, model, quiet=quiet, **changes) as cell:
        result = stages.search(cell)
        remember_probe_settings(run, cell.settings)
    frame = _frame(result["table"]).sort_values("score", ascending=False, kind="stable")
    emit(frame, form=form, title="lambda search on dev", l1=result["l1"], l2=result["l2"])


def rank(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    top: int = typer.Option(20, "--top", help="Neurons to show; 0 for all."),
    seed: int = typer.Option(0, "--seed", help="Run whose ranking is shown."),
    labels: bool = typer.Option(False, "--labels", help="Add each label's own rank."),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET,
) -> None:
    """Rank all neurons by weight mass. In Python: neurosieve.weight_mass_ranking.

    Example: neurosieve rank runs/bert --property pos --top 20 --table
    """
    from neurosieve.study import stages

    form = chosen_format(csv=csv, table=table)
    with _cell(run, prop, model, quiet=quiet) as cell:
        stages.search(cell) if seed == 0 else stages.oracles(cell)
        frame = cell.ranking(seed).to_frame(cell.store.neurons)
    frame = frame if labels else frame.iloc[:, :6]
    emit(frame.head(top) if top else frame, form=form, title="neurons by weight mass", property=prop, seed=seed)


def ablate(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET,
) -> None:
    """Keep the top, random and bottom neurons without retraining. In Python: neurosieve.ablate.

    Example: neurosieve ablate runs/bert --property pos --table
    """
    from neurosieve.study import stages

    form = chosen_format(csv=csv, table=table)
    with _cell(run, prop, model, quiet=quiet) as cell:
        result = stages.ablation(cell)
    emit(_frame(result["rows"]), form=form, title="ablation without retraining", keep=cell.settings.keep)


def minimal(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    delta: list[float] = typer.Option([], "--delta", help="Allowed loss, a fraction; repeatable."),
    step: float | None = typer.Option(None, "--step", help="Growth of the set, a share of all neurons."),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET,
) -> None:
    """Find the fewest neurons that, retrained, come within delta of the oracle. In Python: neurosieve.minimal_neurons.

    Example: neurosieve minimal runs/bert --property pos --table
    """
    from neurosieve.study import stages
    from neurosieve.study.steps import remember_probe_settings

    form = chosen_format(csv=csv, table=table)
    with _cell(run, prop, model, quiet=quiet, deltas=delta or None, step=step) as cell:
        result = stages.minimal(cell)
        remember_probe_settings(run, cell.settings)
    emit(_frame(result["rows"]), form=form, title="minimal sets (chosen on dev)", n_all=cell.store.n_neurons)


def control(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET,
) -> None:
    """Fit control tasks and give the selectivity, with all and with the selected neurons. In Python: neurosieve.ControlTask.

    Example: neurosieve control runs/bert --property pos --table
    """
    from neurosieve.study.findings import collect

    form = chosen_format(csv=csv, table=table)
    with _cell(run, prop, model, quiet=quiet, control=True) as cell:
        frame = collect(cell).selectivity
    emit(frame, form=form, title="selectivity")


def layers(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET,
) -> None:
    """Count the selected neurons in each layer. In Python: neurosieve.layer_distribution.

    Example: neurosieve layers runs/bert --property pos --csv
    """
    _distribution("layers", run, prop, model, csv=csv, table=table, quiet=quiet)


def labels(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET,
) -> None:
    """Count the neurons that each label takes. In Python: neurosieve.label_distribution.

    Example: neurosieve labels runs/bert --property pos --table
    """
    _distribution("labels", run, prop, model, csv=csv, table=table, quiet=quiet)


def _distribution(
    what: str, run: Path, prop: str, model: str | None, *, csv: bool, table: bool, quiet: bool
) -> None:
    from neurosieve.study.findings import distributions

    form = chosen_format(csv=csv, table=table)
    with _cell(run, prop, model, quiet=quiet) as cell:
        found = distributions(cell)
        emit(found[what], form=form, title=f"selected neurons by {what[:-1]}", delta=min(cell.settings.deltas))


def _frame(rows: Any) -> Any:  # noqa: ANN401 (JSON in, a DataFrame out, imported late)
    import pandas as pd

    return pd.DataFrame(rows)
