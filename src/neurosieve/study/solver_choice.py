"""Which solver fits a property: the study's own, or the recipe where that is left open and exact probes would take too much."""

from __future__ import annotations

from dataclasses import dataclass

from neurosieve.experiments.search import GRIDS
from neurosieve.probes.memory import available_bytes, memory_limit
from neurosieve.probes.solvers import AUTO
from neurosieve.study.probe_settings import ProbeSettings

MOST_TIMES = 4.0
"""Times what the recipe's search is expected to take, beyond which probes are not solved exactly unless that is asked for."""

LONG = 4e14
"""Multiplications of a search, an hour of one core, that are worth a proof whatever the recipe takes."""


@dataclass(frozen=True)
class Choice:
    """How a property is probed.

    Attributes
    ----------
    settings : ProbeSettings
        With a solver and a grid in place of ``"auto"``.
    why : str
        Why that is the recipe though the study leaves the solver open; empty where it is not.
    """

    settings: ProbeSettings
    why: str = ""


def solver_for(asked: ProbeSettings, *, real_values: bool, n_words: int, n_labels: int, n_columns: int) -> Choice:
    """How a property is probed, by what the study asks, what memory holds and how long it would take.

    Parameters
    ----------
    asked : ProbeSettings
        What the study says.
    real_values : bool
        Whether the property has real values, or labels.
    n_words, n_labels, n_columns : int
        Labelled words of train, their labels (1 of real values), and all neurons.
    """
    settings = asked.of(real_values=real_values)
    if asked.solver != AUTO:
        return Choice(settings)
    sizes = {"n_words": n_words, "n_labels": n_labels, "n_columns": n_columns}
    recipe = asked.model_copy(update={"solver": "adam"}).of(real_values=real_values)
    least = settings.solved_by.least_bytes(_own(settings), **sizes)
    with memory_limit(asked.memory_limit):
        limit = available_bytes()
    why = ""
    if least > limit:
        why = f"solving one probe exactly takes {least / 1e9:.2g} GB, and the memory limit is {limit / 1e9:.2g} GB"
        advice = "raise the limit to solve them"
    elif not real_values and (work := _search(settings, sizes)) > max(LONG, MOST_TIMES * _search(recipe, sizes)):
        times = work / _search(recipe, sizes)
        why = f"with {n_labels:,} labels, searching with exact probes is expected to take {times:.2g} times as long as the recipe"
        advice = "set solver = 'exact' to solve them"
    if not why:
        return Choice(settings)
    return Choice(
        recipe, f"{why}: probes are fitted by the recipe ({recipe.solver}) instead, and carry no proof; {advice}"
    )


def _own(settings: ProbeSettings) -> object:
    """The settings of the solver itself."""
    return settings.solved_by.settings({name: getattr(settings, name) for name in settings.solved_by.defaults})


def _search(settings: ProbeSettings, sizes: dict[str, int]) -> float:
    """Multiplications that the probes of a search take as long as."""
    return len(GRIDS[settings.grid]) * settings.solved_by.work(_own(settings), **sizes)
