"""``search``, ``rank``, ``ablate``, ``minimal``, ``control``, ``layers``, ``labels``: one stage each, on a run's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.options import RANKING
from neurosieve.cli.output import CSV_OPTION, QUIET_OPTION, TABLE_OPTION, chosen_format, emit, reporting
from neurosieve.cli.solver import CERTIFIED, SOLVER, chosen_solver, refuse_idle
from neurosieve.errors import NeurosieveError

if TYPE_CHECKING:
    from neurosieve.study.cell import Cell

RUN = typer.Argument(
    ..., help="The run's folder, in which `neurosieve extract` or `run` left activations.", metavar="RUN"
)
PROPERTY = typer.Option(..., "--property", "-p", help="The property.", metavar="NAME")
MODEL = typer.Option(None, "--model", "-m", help="Which model, where the run has several.", metavar="NAME")
CORPUS = typer.Option(None, "--corpus", "-c", help="Which corpus, where several have the property.", metavar="NAME")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    add(app, search, rank, ablate, minimal, control, layers, labels)


@contextmanager
def open_for_stage(
    run: Path,
    prop: str,
    model: str | None,
    corpus: str | None,
    *,
    quiet: bool,
    **changes: Any,  # noqa: ANN401
) -> Iterator[Cell]:
    """Open a cell of a run with changed settings, with progress and messages on stderr."""
    from neurosieve.study.steps import open_cell, remember_solver

    with reporting(quiet=quiet) as report:
        cell = open_cell(run, prop, model=model, corpus=corpus, report=report, **changes)
        yield cell
        if changes.get("solver"):
            remember_solver(run, cell.asked.solver)  # the later stages must go on with it


def search(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    grid: str | None = typer.Option(
        None,
        "--grid",
        help="Regularisation to try: paper (64 pairs of l1 and l2), quick (16) or strict (16 without zeros).",
        metavar="GRID",
    ),
    seeds: int | None = typer.Option(None, "--seeds", help="Number of runs that later stages average.", metavar="N"),
    keep: float | None = typer.Option(
        None, "--keep", help="Share of the neurons that ablation keeps.", metavar="SHARE"
    ),
    rare_labels: str | None = typer.Option(
        None, "--rare-labels", help="Labels seen once in train: refuse, keep or drop.", metavar="WHAT"
    ),
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    epochs: int | None = typer.Option(None, "--epochs", help="Passes over the training words.", metavar="N"),
    batch_size: int | None = typer.Option(None, "--batch-size", help="Words in a batch.", metavar="N"),
    learning_rate: float | None = typer.Option(
        None, "--learning-rate", help="Step size of adam and neurox.", metavar="RATE"
    ),
    tol: float | None = typer.Option(None, "--tol", help="Duality gap at which exact stops, a share.", metavar="SHARE"),
    standardize: bool | None = typer.Option(None, "--standardize/--raw", help="Fit on z-scores of the activations."),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Choose the lambdas l1 and l2 by the paper's score, on dev.

    Prints one row a pair, best score first: the accuracy (r2 of real values) of all neurons (a_all), of the top (a_top)
    and of the bottom share (a_bottom), and score = 0.5 (a_top - a_bottom) - 0.5 (a_all at l1 = l2 = 0, minus a_all). The
    options given here hold for the later stages of the same run; by default they are the run's own.

    In Python: neurosieve.search_lambdas

    Example:
        neurosieve search runs/bert --property pos --grid quick --table
    """
    from neurosieve.study import stages
    from neurosieve.study.steps import remember_probe_settings

    form = chosen_format(csv=csv, table=table)
    changes = {
        "grid": grid,
        "seeds": seeds,
        "keep": keep,
        "rare_labels": rare_labels,
        "solver": chosen_solver(solver, certified=certified),
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "tol": tol,
        "standardize": standardize,
    }
    with open_for_stage(run, prop, model, corpus, quiet=quiet, **changes) as cell:
        refuse_idle([name for name, value in changes.items() if value is not None], solver=cell.settings.solver)
        result = stages.search(cell)
        remember_probe_settings(run, cell.asked)
    frame = result["search"]  # the chosen pair first: among equals the one that regularises more
    frame = frame.assign(both=frame["l1"] + frame["l2"]).sort_values(["score", "both"], ascending=False, kind="stable")
    emit(
        frame.drop(columns="both"),
        form=form,
        title="all pairs, scores on dev",
        property=prop,
        **{name: float(result["chosen"][name].iloc[0]) for name in ("l1", "l2")},
    )


def rank(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    top: int = typer.Option(20, "--top", help="Neurons to show; 0 for all.", metavar="N", min=0),
    seed: int = typer.Option(0, "--seed", help="The run whose ranking is shown.", metavar="SEED", min=0),
    labels: bool = typer.Option(False, "--labels", help="Add each label's own rank."),
    ranking: str | None = RANKING,
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Rank all neurons, by the weight that the probe gives them or by another method.

    Prints one row a neuron, rank 0 first: key is the share of a label's weight mass at which the neuron is taken, mass
    its largest share of one label's mass; other methods have a score. L3N251 is neuron 251 of layer 3; layer 0 holds the
    embeddings.

    In Python: neurosieve.rank

    Example:
        neurosieve rank runs/bert --property pos --top 20 --table
    """
    from neurosieve.study import stages

    form = chosen_format(csv=csv, table=table)
    with open_for_stage(
        run, prop, model, corpus, quiet=quiet, ranking=ranking, solver=chosen_solver(solver, certified=certified)
    ) as cell:
        if cell.ranks_probes:
            stages.search(cell) if seed == 0 else stages.oracles(cell)
        frame = cell.ranking(seed).to_frame(cell.store.neurons)
    frame = frame if labels else frame[[name for name in frame if not str(name).startswith("rank:")]]
    title = f"neurons by {cell.method.replace('-', ' ')}"
    emit(frame.head(top) if top else frame, form=form, title=title, property=prop, seed=seed)


def ablate(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    ranking: str | None = RANKING,
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Keep only the top, random or bottom neurons, without retraining.

    Prints one row a seed, split and subset. The other neurons are set to zero, as in the paper, or to their mean over
    train (fill). The share that is kept is an option of `search`.

    In Python: neurosieve.ablate

    Example:
        neurosieve ablate runs/bert --property pos --table
    """
    from neurosieve.study import stages

    form = chosen_format(csv=csv, table=table)
    with open_for_stage(
        run, prop, model, corpus, quiet=quiet, ranking=ranking, solver=chosen_solver(solver, certified=certified)
    ) as cell:
        result = stages.ablation(cell)
        metric = cell.metric
    emit(
        result["ablation"].rename(columns={"score": metric}),
        form=form,
        title=f"{metric} with only these neurons",
        property=prop,
        keep=cell.settings.keep,
    )


def minimal(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    delta: list[float] = typer.Option(
        [],
        "--delta",
        help="Dev accuracy that the set may lose, as a fraction: 0.005 is half a point; repeatable.",
        metavar="LOSS",
    ),
    step: float | None = typer.Option(
        None, "--step", help="By what share of all neurons the set grows.", metavar="SHARE"
    ),
    ranking: str | None = RANKING,
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Find the fewest neurons that suffice.

    Probes are retrained on the top 1 %, 2 %, ... of the neurons until dev accuracy is within delta of the oracle, the
    probe on all neurons. Prints one row a seed and delta, with the accuracies of the set and of the oracle. Chosen on
    dev; test is reported only.

    In Python: neurosieve.minimal_neurons

    Example:
        neurosieve minimal runs/bert --property pos --delta 0.005 --table
    """
    from neurosieve.study import stages
    from neurosieve.study.steps import deltas_of, remember_probe_settings

    form = chosen_format(csv=csv, table=table)
    changes = {"deltas": delta or None, "step": step, "solver": chosen_solver(solver, certified=certified)}
    with open_for_stage(run, prop, model, corpus, quiet=quiet, ranking=ranking, **changes) as cell:
        result = stages.minimal(cell)
        remember_probe_settings(run, cell.asked.model_copy(update={"deltas": deltas_of(cell)}))
        metric = cell.metric
    emit(
        result["minimal"],
        form=form,
        title=f"minimal sets, {metric} on dev and test",
        property=prop,
        neurons_in_all=cell.store.n_neurons,
    )


def control(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    ranking: str | None = RANKING,
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Compare with control tasks: how selective the probes are.

    A control task gives every word type one label, drawn at random; a probe can only memorise it. Selectivity is the
    accuracy on the property minus that on the control task. Prints one row a seed, split and subset: all neurons, and
    the minimal set of each delta.

    In Python: neurosieve.ControlTask and neurosieve.selectivity

    Example:
        neurosieve control runs/bert --property pos --table
    """
    from neurosieve.study.steps import selectivity_of

    form = chosen_format(csv=csv, table=table)
    changes = {"control": True, "solver": chosen_solver(solver, certified=certified)}
    with open_for_stage(run, prop, model, corpus, quiet=quiet, ranking=ranking, **changes) as cell:
        frame, metric = selectivity_of(cell), cell.metric
    emit(frame, form=form, title=f"{metric} on the property and on the control task", property=prop)


def layers(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    ranking: str | None = RANKING,
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Count the selected neurons in each layer.

    Selected is the minimal set of the smallest delta, averaged over seeds; expected is what an even spread over all
    neurons would give.

    In Python: neurosieve.layer_distribution

    Example:
        neurosieve layers runs/bert --property pos --csv
    """
    asked = chosen_solver(solver, certified=certified)
    _distribution("layers", run, prop, model, corpus, ranking=ranking, solver=asked, csv=csv, table=table, quiet=quiet)


def labels(
    run: Path = RUN,
    prop: str = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    ranking: str | None = RANKING,
    solver: str | None = SOLVER,
    certified: bool = CERTIFIED,
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    """Count the selected neurons that each label takes.

    Selected is the minimal set of the smallest delta; numbers are means over seeds. A neuron may serve several labels;
    n_exclusive counts those that serve no other. main_layer is the layer that holds most of a label's neurons.

    In Python: neurosieve.label_distribution

    Example:
        neurosieve labels runs/bert --property pos --table
    """
    asked = chosen_solver(solver, certified=certified)
    _distribution("labels", run, prop, model, corpus, ranking=ranking, solver=asked, csv=csv, table=table, quiet=quiet)


def _distribution(
    what: str,
    run: Path,
    prop: str,
    model: str | None,
    corpus: str | None,
    *,
    ranking: str | None,
    solver: str | None,
    csv: bool,
    table: bool,
    quiet: bool,
) -> None:
    from neurosieve.study.stage import WEIGHT_MASS
    from neurosieve.study.steps import distributions_of

    form = chosen_format(csv=csv, table=table)
    with open_for_stage(run, prop, model, corpus, quiet=quiet, ranking=ranking, solver=solver) as cell:
        if what == "labels" and cell.metric == "r2":
            raise NeurosieveError(f"'{prop}' has real values, so there are no labels to tell apart; see `layers`")
        if what == "labels" and cell.method != WEIGHT_MASS:
            raise NeurosieveError(
                f"which labels take a neuron is said by {WEIGHT_MASS}, not by {cell.method}; see `layers`"
            )
        found = distributions_of(cell)
        emit(
            found[what],
            form=form,
            title=f"selected neurons by {what[:-1]}",
            property=prop,
            delta=min(cell.settings.deltas),
        )
