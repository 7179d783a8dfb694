"""What a stage is: a question about one cell, the settings that its answer depends on, and the tables that it leaves.

Asking for more units (seeds and deltas) computes those that are missing and keeps the rest; what is left is a
`neurosieve.study.result.Result`. Stages are functions of a `neurosieve.study.cell.Cell`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from neurosieve.errors import StudyError
from neurosieve.study.result import Result, Table, Tables, Unit

if TYPE_CHECKING:
    from neurosieve.study.probe_settings import ProbeSettings

WEIGHT_MASS = "weight-mass"
"""The ranking method that a study uses unless it names others."""
FITTING = "fitting"
"""Stands in a stage's settings for those of fitting: the solver, what it reads, standardisation and rare labels."""


class Takes(Protocol):
    """A cell, as a stage sees it."""

    def take(self, stage: Stage) -> Result:
        """A stage's result, from disk or computed now."""


def once(_settings: ProbeSettings) -> list[Unit]:
    """One unit, whatever the seeds and deltas."""
    return [(None, None)]


def each_seed(settings: ProbeSettings) -> list[Unit]:
    """One unit a seed."""
    return [(seed, None) for seed in range(settings.seeds)]


def each_set(settings: ProbeSettings) -> list[Unit]:
    """One unit a seed and delta."""
    return [(seed, delta) for seed in range(settings.seeds) for delta in settings.deltas]


def all_neurons_and_each_set(settings: ProbeSettings) -> list[Unit]:
    """For each seed one unit of all neurons (no delta), and one a delta."""
    return [(seed, delta) for seed in range(settings.seeds) for delta in (None, *settings.deltas)]


def unless_solved(settings: ProbeSettings) -> bool:
    """Where probes depend on seeds: a solved problem does not, and is solved once for all of them."""
    return not settings.exact


def always(_whatever: object) -> bool:
    """For every cell, whatever its settings."""
    return True


def no_files(_cell: object, _units: object) -> list[Path]:
    """What most stages leave beside their own file."""
    return []


def _never(_whatever: object) -> bool:
    return False


@dataclass(frozen=True)
class Stage:
    """One stage; call it with a cell to have its result, from disk or computed now.

    Attributes
    ----------
    name : str
        Also of its file in the cell's folder.
    make : callable
        ``make(cell, units) -> {table: DataFrame}``, for units that are not there yet.
    tables : mapping of str to Table
    after : tuple of str
        Stages that must be there before; their settings are this one's too.
    settings : tuple of str
        Entries of `ProbeSettings` that the result depends on; `FITTING` stands for those of fitting.
    units : callable
        Which units a study's settings ask for.
    apart : callable
        ``apart(settings)``: whether its seeds are computed one after the other, each by a call of ``make``, so that other
        processes may do some of them and the numbers of one do not depend on which others there are.
    ranked : bool
        Whether the result depends on the ranking method, so that each method has a result of its own.
    remade : tuple of str
        Those of the settings whose change has the result computed anew, where all others are refused: of results that
        more of the same makes better, and that cannot be added to.
    wanted : callable
        Whether a whole run of a cell takes the stage.
    needed : callable
        Whether a report of a cell's folder cannot do without it; by default it can.
    asked : callable
        Whether the settings ask for a result at all; where they do not, one that is there is taken as it is.
    files : callable
        Which files it leaves beside its own in the cell's folder, ``files(cell, units)``; their digests stand in its result.
    summary : str
        What it does, in one line.
    """

    name: str
    make: Callable[..., Tables]
    tables: Mapping[str, Table]
    after: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    units: Callable[[ProbeSettings], list[Unit]] = once
    apart: Callable[[ProbeSettings], bool] = _never
    ranked: bool = False
    remade: tuple[str, ...] = ()
    wanted: Callable[[Any], bool] = always
    needed: Callable[[Any], bool] = _never
    asked: Callable[[ProbeSettings], bool] = always
    files: Callable[[Any, Sequence[Unit]], list[Path]] = no_files
    summary: str = ""

    def __call__(self, cell: Takes) -> Result:
        """The result for a cell."""
        return cell.take(self)

    def parts(self, settings: ProbeSettings, units: Sequence[Unit]) -> list[list[Unit]]:
        """The units that one call of ``make`` computes: those of one seed, or all of them."""
        if not self.apart(settings):
            return [list(units)]
        return [[unit for unit in units if unit[0] == seed] for seed in dict.fromkeys(seed for seed, _ in units)]

    @property
    def depends(self) -> tuple[str, ...]:
        """Its own settings and those of the stages before it."""
        earlier = [name for stage in self.after for name in STAGES[stage].depends]
        return tuple(dict.fromkeys([*earlier, *self.settings]))

    def file_name(self, method: str) -> str:
        """Name of its file, for a ranking method."""
        return file_name(self.name, method if self.ranked else WEIGHT_MASS)


def file_name(stage: str, method: str) -> str:
    """Name of a stage's file: the default ranking method goes without saying."""
    return f"{stage}.json" if method == WEIGHT_MASS else f"{stage}@{method}.json"


STAGES: dict[str, Stage] = {}
"""All stages, in the order in which they need each other."""


def stage(
    name: str,
    **declared: Any,  # noqa: ANN401
) -> Callable[[Callable[..., Tables]], Stage]:
    """Declare a function ``make(cell, units)`` to be a stage; keywords are the attributes of `Stage`.

    A stage of another package is declared in the same way. It runs with every study from then on, after those that it names.

    Raises
    ------
    StudyError
        If the name is taken.
    """

    def register(make: Callable[..., Tables]) -> Stage:
        if name in STAGES:
            raise StudyError(f"there is already a stage '{name}'; give the new one another name")
        summary = (make.__doc__ or "").strip().split("\n")[0]
        STAGES[name] = Stage(name, make, **{"summary": summary, **declared})
        return STAGES[name]

    return register
