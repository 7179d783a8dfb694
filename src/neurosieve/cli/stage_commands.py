"""``search``, ``rank``, ``ablate``, ``minimal``, ``control``, ``layers``, ``labels``: one stage each, on a run's folder."""

from __future__ import annotations

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.on_run import TOP, OnRun, on_run
from neurosieve.cli.output import UsageError
from neurosieve.cli.solver import refuse_idle
from neurosieve.errors import NeurosieveError


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    add(app, on_run(search, without=("ranking",)), *map(on_run, (rank, ablate, minimal, control, layers, labels)))


def search(
    on: OnRun,
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
    epochs: int | None = typer.Option(None, "--epochs", help="Passes over the training words.", metavar="N"),
    batch_size: int | None = typer.Option(None, "--batch-size", help="Words in a batch.", metavar="N"),
    learning_rate: float | None = typer.Option(
        None, "--learning-rate", help="Step size of adam and neurox.", metavar="RATE"
    ),
    tol: float | None = typer.Option(None, "--tol", help="Duality gap at which exact stops, a share.", metavar="SHARE"),
    standardize: bool | None = typer.Option(None, "--standardize/--raw", help="Fit on z-scores of the activations."),
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

    changes = {
        "grid": grid,
        "seeds": seeds,
        "keep": keep,
        "rare_labels": rare_labels,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "tol": tol,
        "standardize": standardize,
    }
    with on.cell(remembered=changes, **changes) as cell:
        refuse_idle([name for name, value in changes.items() if value is not None], solver=cell.settings.solver)
        result = stages.search(cell)
    frame = result["search"]  # the chosen pair first: among equals the one that regularises more
    frame = frame.assign(both=frame["l1"] + frame["l2"]).sort_values(["score", "both"], ascending=False, kind="stable")
    chosen = {name: float(result["chosen"][name].iloc[0]) for name in ("l1", "l2")}
    frame = frame.drop(columns="both").dropna(axis=1, how="all")  # gaps and margins, where the solver proves nothing
    on.emit(frame, title="all pairs, scores on dev", **chosen)


def rank(
    on: OnRun,
    top: int | None = TOP,
    seed: int = typer.Option(0, "--seed", help="The run whose ranking is shown.", metavar="SEED", min=0),
    labels: bool = typer.Option(False, "--labels", help="Add each label's own rank."),
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

    with on.cell() as cell:
        if cell.ranks_probes:
            stages.search(cell) if seed == 0 else stages.oracles(cell)
        frame = cell.ranking(seed).to_frame(cell.store.neurons)
    frame = frame if labels else frame[[name for name in frame if not str(name).startswith("rank:")]]
    title = f"neurons by {cell.method.replace('-', ' ')}"
    on.emit(frame.head(on.rows(top, len(frame))), title=title, seed=seed)


def ablate(on: OnRun) -> None:
    """Keep only the top, random or bottom neurons, without retraining.

    Prints one row a seed, split and subset. The other neurons are set to zero, as in the paper, or to their mean over
    train (fill). The share that is kept is an option of `search`.

    In Python: neurosieve.ablate

    Example:
        neurosieve ablate runs/bert --property pos --table
    """
    from neurosieve.study import stages

    with on.cell() as cell:
        frame = stages.ablation(cell)["ablation"].rename(columns={"score": cell.metric})
    on.emit(frame, title=f"{cell.metric} with only these neurons", keep=cell.settings.keep)


def minimal(
    on: OnRun,
    delta: list[float] = typer.Option(
        [],
        "--delta",
        help="Dev accuracy that the set may lose, as a fraction: 0.005 is half a point; repeatable.",
        metavar="LOSS",
    ),
    step: float | None = typer.Option(
        None, "--step", help="By what share of all neurons the set grows.", metavar="SHARE"
    ),
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
    from neurosieve.study.folder import RunFolder
    from neurosieve.study.steps import deltas_of

    with on.cell(remembered=("step",), deltas=delta or None, step=step) as cell:
        result = stages.minimal(cell)
        if delta:
            RunFolder(on.run).remember(deltas=deltas_of(cell))  # with those that are there already
        title = f"minimal sets, {cell.metric} on dev and test"
    on.emit(result["minimal"], title=title, neurons_in_all=cell.store.n_neurons)


def control(on: OnRun) -> None:
    """Compare with control tasks: how selective the probes are.

    A control task gives every word type one label, drawn at random; a probe can only memorise it. Selectivity is the
    accuracy on the property minus that on the control task. Prints one row a seed, split and subset: all neurons, and
    the minimal set of each delta.

    In Python: neurosieve.ControlTask and neurosieve.selectivity

    Example:
        neurosieve control runs/bert --property pos --table
    """
    from neurosieve.study.steps import selectivity_of

    with on.cell(control=True) as cell:
        frame = selectivity_of(cell)
    on.emit(frame, title=f"{cell.metric} on the property and on the control task")


def layers(on: OnRun) -> None:
    """Count the selected neurons in each layer.

    Selected is the minimal set of the smallest delta, averaged over seeds; expected is what an even spread over all
    neurons would give.

    In Python: neurosieve.layer_distribution

    Example:
        neurosieve layers runs/bert --property pos --csv
    """
    _distribution("layers", on)


def labels(
    on: OnRun,
    between: list[str] = typer.Option(
        [], "--between", help="Name two labels to list the neurons that tell them apart.", metavar="LABEL"
    ),
    top: int | None = TOP,
) -> None:
    """Count the selected neurons that each label takes.

    Selected is the minimal set of the smallest delta; numbers are means over seeds. A neuron may serve several labels;
    n_exclusive counts those that serve no other. main_layer is the layer that holds most of a label's neurons. With two
    labels, prints one row a neuron instead: d is the difference of its means in standard deviations within both, on train.

    In Python: neurosieve.label_distribution and neurosieve.analysis.label_pairs.label_pairs

    Example:
        neurosieve labels runs/bert --property pos --table
    """
    if not between:
        return _distribution("labels", on)
    from neurosieve.study.label_scores import neurons_between

    if len(set(between)) != 2:
        raise UsageError(f"--between names two labels, each with an option of its own; got {len(set(between))}")
    with on.cell() as cell:
        if cell.metric == "r2":
            raise NeurosieveError(f"'{cell.prop}' has real values, so there are no labels to tell apart; see `layers`")
        found = neurons_between(
            cell.splits, cell.store.neurons, between=(between[0], between[1]), top=on.rows(top, cell.store.n_neurons)
        )
    return on.emit(found, title="neurons that tell the two apart", first=between[0], second=between[1])


def _distribution(what: str, on: OnRun) -> None:
    from neurosieve.study.stage import WEIGHT_MASS
    from neurosieve.study.steps import distributions_of

    with on.cell() as cell:
        if what == "labels" and cell.metric == "r2":
            raise NeurosieveError(f"'{on.named}' has real values, so there are no labels to tell apart; see `layers`")
        if what == "labels" and cell.method != WEIGHT_MASS:
            raise NeurosieveError(
                f"which labels take a neuron is said by {WEIGHT_MASS}, not by {cell.method}; see `layers`"
            )
        found = distributions_of(cell)[what]
    on.emit(found, title=f"selected neurons by {what[:-1]}", delta=min(cell.settings.deltas))
