"""Which solver fits a property: the study's own, or the recipe where the study leaves it open and memory holds no exact probe."""

from __future__ import annotations

from dataclasses import dataclass

from neurosieve.probes.memory import available_bytes, memory_limit
from neurosieve.probes.solvers import AUTO
from neurosieve.study.probe_settings import ProbeSettings


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
    """How a property is probed, by what the study asks and what memory holds.

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
    solver = settings.solved_by
    own = solver.settings({name: getattr(settings, name) for name in solver.defaults})
    least = solver.least_bytes(own, n_words=n_words, n_labels=n_labels, n_columns=n_columns)
    with memory_limit(asked.memory_limit):
        limit = available_bytes()
    if least <= limit:
        return Choice(settings)
    recipe = asked.model_copy(update={"solver": "adam"}).of(real_values=real_values)
    return Choice(
        recipe,
        f"solving one probe exactly takes {least / 1e9:.2g} GB, and the memory limit is {limit / 1e9:.2g} GB: probes are fitted by "
        f"the recipe ({recipe.solver}) instead, and carry no proof; raise the limit to solve them",
    )
