"""A race of pairs of lambdas: most are solved roughly, those that can no longer win drop out, the others are solved further.

A score on dev moves little once a probe is near its optimum, and most pairs of a grid are far behind. So each lap solves the
pairs that are left to a smaller duality gap, from where the lap before has left them, and drops those that are behind by more
than the lap's margin. What is left at the end is solved to the tolerance.

Weak pairs are the dearest and the last to win. So pairs start from the largest l1 on, and one for which the scores of the two
before it (the next larger l1, the same l2) lead too far down is not solved at all. ``docs/solver.md`` has how far scores move.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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

HOPELESS = 0.01
"""A pair does not start if, were its score to differ from the one before it as that one differs from the one before, it would be
behind the first by so much. A score rises and then falls along l1, ever faster: it is taken to be concave."""


@dataclass(frozen=True)
class Scores:
    """Of one probe on dev: with all neurons, its top and its bottom ones, and the score that these make; NaN without a probe."""

    a_all: float = math.nan
    a_top: float = math.nan
    a_bottom: float = math.nan
    score: float = math.nan


@dataclass(frozen=True)
class Standing:
    """Where a pair stands.

    Attributes
    ----------
    probe : FittedProbe or None
        As far as it was solved; None of a pair that did not start.
    scores : Scores
    margin : float
        The margin by which it dropped out, or was expected to be behind; missing (NaN) for pairs that were solved to the tolerance.
    """

    probe: FittedProbe | None
    scores: Scores
    margin: float = math.nan

    @property
    def gap(self) -> float:
        """Duality gap of its probe as a share of the objective; missing (NaN) where the solver gives none."""
        if self.probe is None:
            return math.nan
        gap, objective = self.probe.gap_, self.probe.objective_
        return math.nan if gap is None or not objective else gap / objective

    @property
    def dropped(self) -> bool:
        """Whether it dropped out."""
        return not math.isnan(self.margin)


Judge = Callable[[Sequence[FittedProbe]], list[Scores]]
Progress = Callable[[float, float], None]


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
    progress: Progress | None = None,
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

    def solve(some: Sequence[int], lap: Lap, starts: Mapping[int, int], advance: Progress | None) -> None:
        """Solve pairs to a lap's gap, each from where the probe stands that `starts` names."""
        specs = []
        for i in some:
            start = places.get(starts.get(i, i))
            specs.append(ProbeSpec(train.y, *pairs[i], loss=splits.loss, start=None if start is None else start.probe))
        probes = fit_probes(train.activations, specs, solver, progress=advance, tol=lap.tol, **settings)
        places.update(zip(some, standing(probes, judge), strict=True))

    laps_to_go, running = [*course, last], list(range(len(pairs)))
    for number, lap in enumerate(laps_to_go):
        if not running or (len(running) == 1 and lap is not last):
            continue  # one has won, and has only to be solved
        before = stronger(pairs) if number == 0 and course else {}
        waves = _waves(pairs) if before else [running]
        for done, wave in enumerate(waves):
            first = max((at.scores.score for at in places.values() if at.probe is not None), default=-math.inf)
            for i in [i for i in wave if number == 0 and _expected(i, before, places) < first - HOPELESS]:
                places[i] = Standing(None, Scores(), HOPELESS)
                running.remove(i)
            part = _part(progress, number + done / len(waves), 1 / len(waves), len(laps_to_go))
            entering = [i for i in wave if i in running]
            if entering:
                solve(entering, lap, before, part)
        behind = max(places[i].scores.score for i in running) - lap.margin
        for i in [i for i in running if places[i].scores.score < behind]:
            places[i] = replace(places[i], margin=lap.margin)
            running.remove(i)
    return [places[i] for i in range(len(pairs))]


def stronger(pairs: Sequence[tuple[float, float]]) -> dict[int, int]:
    """Of each pair the one with the next larger l1 and the same l2, both by number, where there is one."""
    found = {}
    for i, (l1, l2) in enumerate(pairs):
        above = [j for j, (other, same) in enumerate(pairs) if same == l2 and other > l1]
        if above:
            found[i] = min(above, key=lambda j: pairs[j][0])
    return found


def _waves(pairs: Sequence[tuple[float, float]]) -> list[list[int]]:
    """Pairs by falling l1, the two largest together: before the third no score can lead anywhere."""
    steps = sorted({l1 for l1, _ in pairs}, reverse=True)
    waves = [[i for i, (l1, _) in enumerate(pairs) if l1 == step] for step in steps]
    return [[*waves[0], *(i for wave in waves[1:2] for i in wave)], *waves[2:]]


def _expected(i: int, before: Mapping[int, int], places: Mapping[int, Standing]) -> float:
    """The score to which those of the two pairs before lead; infinite without two, minus infinite if the one did not start."""
    near = before.get(i)
    if near is None or near not in places:
        return math.inf
    if places[near].probe is None:
        return -math.inf
    far = before.get(near)
    return math.inf if far is None else 2.0 * places[near].scores.score - places[far].scores.score


def _part(progress: Progress | None, begun: float, share: float, n_laps: int) -> Progress | None:
    """Progress within a part of a lap, in laps."""
    if progress is None:
        return None
    return lambda done, total: progress(begun + share * done / max(total, 1e-9), n_laps)
