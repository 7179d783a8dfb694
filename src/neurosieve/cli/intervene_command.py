"""``intervene``: does the network use the neurons that a ranking takes first?"""

from __future__ import annotations

from pathlib import Path

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.on_run import OnRun, on_run
from neurosieve.cli.output import UsageError

OF_PAIRS = ("edit", "of", "to", "value", "dose", "sizes", "reading", "draws", "texts", "untrained", "also")
"""Options that mean nothing without pairs."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    add(app, on_run(intervene, without=("solver", "certified")))


def intervene(
    on: OnRun,
    pairs: Path | None = typer.Option(
        None,
        "--pairs",
        help="Minimal pairs: .jsonl as BLiMP has it, or .csv with the columns good,bad; as in the run, if left out.",
        metavar="FILE",
    ),
    probes: bool = typer.Option(
        False, "--probes", help="No pairs: a held-out probe tells what the deepest layer makes of edits below it."
    ),
    edit: str = typer.Option(
        "mean",
        "--edit",
        help="What is done: mean, zero, value, translate, resample or interchange.",
        metavar="EDIT",
    ),
    of: str | None = typer.Option(None, "--from", help="Label that is translated.", metavar="LABEL"),
    to: str | None = typer.Option(None, "--to", help="Label to which is translated, or whose mean.", metavar="LABEL"),
    value: float = typer.Option(0.0, "--value", help="For the edit value.", metavar="X"),
    dose: list[float] = typer.Option(
        [1.0], "--dose", help="How much of the difference is added; repeatable.", metavar="X"
    ),
    sizes: str | None = typer.Option(None, "--sizes", help="Numbers of neurons, such as 1,10,100.", metavar="LIST"),
    reading: str | None = typer.Option(
        None, "--reading", help="How pairs are read: next, sentence, rest, masked or pseudo.", metavar="HOW"
    ),
    draws: int = typer.Option(20, "--draws", help="Matched random sets of each size.", metavar="N"),
    texts: int = typer.Option(30, "--texts", help="Sentences on which the loss is measured.", metavar="N"),
    untrained: int | None = typer.Option(
        None, "--untrained", help="Seed of an untrained twin, whose top set is edited as well.", metavar="SEED"
    ),
    also: list[str] = typer.Option(
        [],
        "--also",
        help="What is asked beside: keep (sets that alone are kept), layers and neurons (one at a time), repair; repeatable.",
        metavar="WHAT",
    ),
    everything: bool = typer.Option(False, "--all", help="Print every edited version instead of the effects."),
) -> None:
    """Say whether the network uses the neurons that the ranking takes first.

    Edits them in the running model and measures how far it still prefers the good sentences of minimal pairs, beside
    random sets matched by layer and variance, random directions and the set of the control task. Prints one row a set and
    size: effect is how far the log-odds fall beyond matched random sets, in nats. `report` shows the rest.

    In Python: neurosieve.intervene

    Example:
        neurosieve intervene runs/gpt2 --property number --pairs agreement.jsonl --table
    """
    asked = None
    if pairs is not None and probes:
        raise UsageError("choose one of --pairs and --probes")
    if pairs is None and not probes:
        _refuse_idle(on.context)
    else:
        asked = {
            "pairs": None if pairs is None else str(pairs.absolute()),
            "property": on.named,
            "edit": edit,
            "of": of,
            "to": to,
            "value": value,
            "doses": dose,
            "sizes": None if sizes is None else _numbers(sizes),
            "reading": reading,
            "draws": draws,
            "texts": texts,
            "untrained": untrained,
            "also": also,
        }
    from neurosieve.study.stages import interventions

    with on.cell(interventions=asked) as cell:
        found = interventions(cell)
    verdict = found["intervention_verdict"].iloc[0]
    named = ("verdict", "why", "completeness", "selectivity", "intact", "refuted_by", "n_pairs", "n_excluded")
    said = {name: verdict[name] for name in named}
    said = {key: _plain(value) for key, value in said.items() if value == value and value is not None}
    if everything:
        on.emit(found["interventions"], title="edited versions", **said)
        return
    effects = found["intervention_effects"]
    left = ["property", "ranking", "site", "layers", "edit"]
    about = {name: effects[name].iloc[0] for name in left if name != "property"}
    shown = effects.drop(columns=left)
    on.emit(shown, title="effects beyond matched random sets, nats", **about, **said)


def _refuse_idle(context: typer.Context | None) -> None:
    """Refuse options that say what is done with pairs where none are named: the run's own settings hold."""
    given = []
    for option in context.command.params if context is not None else []:
        source = context.get_parameter_source(option.name) if context and option.name in OF_PAIRS else None
        if source is not None and source.name == "COMMANDLINE":
            given.append(option.opts[0])
    if given:
        named = given[0] if len(given) == 1 else f"{', '.join(given[:-1])} and {given[-1]}"
        verb = "changes" if len(given) == 1 else "change"
        raise UsageError(f"{named} {verb} what is done with pairs; name their file as well (--pairs)")


def _plain(value: object) -> object:
    item = getattr(value, "item", None)
    return value if item is None else item()


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(
            f"--sizes is {text!r}; expected whole numbers with commas between, such as 1,10,100"
        ) from error
