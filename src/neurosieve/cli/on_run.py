"""The options of every command that runs a stage of a run's folder, as one object."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from neurosieve.cli.options import RANKING
from neurosieve.cli.output import CSV_OPTION, QUIET_OPTION, TABLE_OPTION, UsageError, chosen_format, emit, reporting
from neurosieve.cli.solver import CERTIFIED, SOLVER, chosen_solver

if TYPE_CHECKING:
    import pandas as pd

    from neurosieve.study.cell import Cell

RUN = typer.Argument(
    ..., help="The run's folder, in which `neurosieve extract` or `run` left activations.", metavar="RUN"
)
PROPERTY = typer.Option(
    None, "--property", "-p", help="The property; not needed where the run has one.", metavar="NAME"
)
MODEL = typer.Option(None, "--model", "-m", help="Which model, where the run has several.", metavar="NAME")
CORPUS = typer.Option(None, "--corpus", "-c", help="Which corpus, where several have the property.", metavar="NAME")
MOST_ROWS = 20
TOP = typer.Option(
    None, "--top", help="Neurons to show, 0 for all; by default 20, and all with --csv.", metavar="N", min=0
)


@dataclass(frozen=True)
class OnRun:
    """What the command line says of the run, the cell and the output."""

    run: Path = RUN
    prop: str | None = PROPERTY
    model: str | None = MODEL
    corpus: str | None = CORPUS
    ranking: str | None = RANKING
    solver: str | None = SOLVER
    certified: bool = CERTIFIED
    csv: bool = CSV_OPTION
    table: bool = TABLE_OPTION
    quiet: bool = QUIET_OPTION
    context: typer.Context | None = None

    def rows(self, top: int | None, n: int) -> int:
        """How many of `n` rows are shown: a file is to be whole, a screen is small."""
        if top is None:
            return n if self.csv else MOST_ROWS
        return top or n

    def check(self) -> None:
        """Refuse options that contradict each other, before anything is done."""
        chosen_format(csv=self.csv, table=self.table)
        chosen_solver(self.solver, certified=self.certified)

    @cached_property
    def named(self) -> str:
        """The property: the one that is named, else the run's only one."""
        if self.prop is not None:
            return self.prop
        from neurosieve.study.sources import properties_of

        names = properties_of(self.run)
        if len(names) != 1:
            several = f"; the run has {', '.join(names)}" if names else ""
            raise UsageError(f"Missing option '--property' / '-p'{several}", ctx=self.context)  # type: ignore[call-arg]
        return names[0]

    @contextmanager
    def cell(self, remembered: Collection[str] = (), **changes: Any) -> Iterator[Cell]:  # noqa: ANN401
        """Open the cell with changed settings, with progress and messages on stderr.

        Parameters
        ----------
        remembered : collection of str
            Those of the changes that later stages go on with, as they do with the solver.
        **changes
            Probe settings; None leaves one as it is.
        """
        from neurosieve.study.steps import open_cell, working_in

        solver = chosen_solver(self.solver, certified=self.certified)
        with reporting(quiet=self.quiet) as report, working_in(self.run) as folder:
            where = {"model": self.model, "corpus": self.corpus, "ranking": self.ranking}
            cell = open_cell(self.run, self.named, report=report, solver=solver, **where, **changes)
            yield cell
            folder.remember(solver=solver, **{name: changes[name] for name in remembered if name in changes})

    def emit(self, frame: pd.DataFrame, **said: Any) -> None:  # noqa: ANN401
        """Print a table in the form that was asked for."""
        emit(frame, form=chosen_format(csv=self.csv, table=self.table), property=self.named, **said)


def on_run(command: Callable[..., None], *, without: tuple[str, ...] = ()) -> Callable[..., None]:
    """Give a command the options of `OnRun`, which it gets as its first argument, around its own.

    Parameters
    ----------
    command : callable
        ``command(on, ...)``; the defaults of its other arguments are typer's.
    without : tuple of str
        Options that would have no effect.
    """
    types = get_type_hints(OnRun)
    shared = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=types[f.name])
        for f in fields(OnRun)
        if f.name not in (*without, "context")
    ]
    types = get_type_hints(command)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=types[name])
        for name, parameter in list(inspect.signature(command).parameters.items())[1:]
    ]

    def whole(context: typer.Context, **given: Any) -> None:  # noqa: ANN401
        of_run: dict[str, Any] = {part.name: given.pop(part.name) for part in shared} | dict.fromkeys(without)
        of_run["context"] = context
        on = OnRun(**of_run)
        on.check()
        command(on, **given)

    first = [part for part in shared if part.name in ("run", "prop", "model", "corpus")]
    asking = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parts = [asking, *first, *own, *shared[len(first) :]]
    whole.__signature__ = inspect.Signature(parts)  # type: ignore[attr-defined]  # which typer reads
    whole.__annotations__ = {part.name: part.annotation for part in parts}
    whole.__name__, whole.__doc__ = command.__name__, command.__doc__
    return whole
