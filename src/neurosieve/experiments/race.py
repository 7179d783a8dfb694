"""A race of pairs of lambdas: all are solved roughly, those that can no longer win drop out, the others are solved further.

A score on dev moves little once a probe is near its optimum, and most pairs of a grid are far behind. So each lap solves the
pairs that are left to a smaller duality gap, from where the lap before has left them, and drops those that are behind by more
than the lap's margin. What is left at the end is solved to the tolerance. ``docs/solver.md`` has how far scores move.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neurosieve.activations.splits import Splits
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.solvers import solver_named
from neurosieve.probes.spec import FittedProbe, ProbeSpec


@dataclass(frozen=True)
class Lap:
    """One lap: the gap to which pairs are solved, and the points of the score behind the first by which they drop out."""

    tol: float
    margin: float


LAPS = (Lap(0.1, 0.02), Lap(0.02, 0.007))
"""Laps before the last, which solves what is left to the tolerance. Margins are fractions: 0.01 is a point of the score."""


@dataclass(frozen=True)
class Scores:
    """Of one probe on dev: with all neurons, its top and its bottom ones, and the score that these make."""

    a_all: float
    a_top: float
    a_bottom: float
    score: float


@dataclass(frozen=True)
class Standing:
    """Where a pair stands.

    Attributes
    ----------
    probe : FittedProbe
        As far as it was solved.
    scores : Scores
    margin : float
        The margin by which it dropped out; missing (NaN) for pairs that were solved to the tolerance.
    """

    probe: FittedProbe
    scores: Scores
    margin: float = math.nan

    @property
    def gap(self) -> float:
        """Duality gap of its probe as a share of the objective; missing (NaN) where the solver gives none."""
        gap, objective = self.probe.gap_, self.probe.objective_
        return math.nan if gap is None or not objective else gap / objective

    @property
    def dropped(self) -> bool:
        """Whether it dropped out."""
        return not math.isnan(self.margin)


Judge = Callable[[Sequence[FittedProbe]], list[Scores]]


def standing(probes: Sequence[FittedProbe], judge: Judge) -> list[Standing]:
    """Where probes stand."""
    return [Standing(probe, scores) for probe, scores in zip(probes, judge(probes), strict=True)]


def race(
    splits: Splits,
    pairs: Sequence[tuple[float, float]],
    judge: Judge,
    *,
    solver: str,
    tol: float | None = None,
    laps: Sequence[Lap] | None = None,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> list[Standing]:
    """Solve pairs of lambdas as far as it takes to tell which has the best score.

    Parameters
    ----------
    splits : Splits
    pairs : sequence of (l1, l2)
    judge : callable
        Gives the scores of probes.
    solver : str
        One that goes on from `ProbeSpec.start`, and has a setting ``tol``.
    tol : float, optional
        Gap of what is left at the end; the solver's own by default.
    laps : sequence of Lap, optional
        `LAPS` by default; those whose gap is not above the one asked for are left out.
    progress : callable, optional
        Called as ``progress(done, total)``, in laps.
    **settings
        Passed to `fit_probes`.

    Returns
    -------
    list of Standing
        One a pair, in their order.
    """
    last = Lap(float(str(solver_named(solver).defaults["tol"])) if tol is None else tol, math.inf)
    course = [lap for lap in (LAPS if laps is None else laps) if lap.tol > last.tol]
    train = splits.train
    places: dict[int, Standing] = {}
    running = list(range(len(pairs)))
    for number, lap in enumerate([*course, last]):
        if not running or (len(running) == 1 and lap is not last):
            continue  # one has won, and has only to be solved
        starts = [places[i].probe if i in places else None for i in running]
        specs = [
            ProbeSpec(train.y, *pairs[i], loss=splits.loss, start=start)
            for i, start in zip(running, starts, strict=True)
        ]
        advance = None if progress is None else _lap_of(progress, number, len(course) + 1)
        probes = fit_probes(train.activations, specs, solver, progress=advance, tol=lap.tol, **settings)
        places.update(zip(running, standing(probes, judge), strict=True))
        behind = max(places[i].scores.score for i in running) - lap.margin
        for i in [i for i in running if places[i].scores.score < behind]:
            places[i] = replace(places[i], margin=lap.margin)
            running.remove(i)
    return [places[i] for i in range(len(pairs))]


def _lap_of(progress: Callable[[float, float], None], number: int, n_laps: int) -> Callable[[float, float], None]:
    return lambda done, total: progress(number + done / max(total, 1e-9), n_laps)
