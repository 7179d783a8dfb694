"""A race of pairs of lambdas: most are solved roughly, those that can no longer win drop out, the others are solved further.

A score on dev moves little once a probe is near its optimum, and most pairs of a grid are far behind. So each lap solves the
pairs that are left to a smaller duality gap, from where the lap before has left them, and drops those that are behind by more
than the lap's margin. What is left at the end is solved to the tolerance.

Weak l1 and strong l2 make the dearest probes and rarely win. So pairs start from the largest l1 and the smallest l2 on, and one for
which the scores of those before it, along l1 or along l2, lead too far down is not solved at all. ``docs/solver.md`` has how far
scores move.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neurosieve.activations.splits import Splits
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.solvers import solver_named
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.probes.stream import one_stream


@dataclass(frozen=True)
class Lap:
    """One lap.

    Attributes
    ----------
    tol : float
        The gap to which pairs are solved.
    margin : float
        The score behind the first, a fraction (0.01 is a point), by which they drop out.
    enough : float
        The gain of a step, as a share of the objective, below which a pair is solved as far as the lap needs it, though its gap
        is wider.
    """

    tol: float
    margin: float
    enough: float = 0.0


LAPS = (Lap(0.1, 0.02), Lap(0.02, 0.006, enough=1e-3), Lap(0.01, 0.003, enough=3e-4))
"""Laps before the last, which solves what is left to the tolerance."""

LAP_PASSES = 100
"""Passes over the words after which a lap leaves a pair as it is: several times what a pair takes, unless columns differ in scale
by thousands, where the gap is late and the score is not. The last lap has what the solver has."""

HOPELESS = 0.005
"""A pair does not start if, were its score to differ from the one before it as that one differs from the one before, it would be
behind the first by so much. A score rises and then falls along l1, ever faster: it is taken to be concave."""

FALLEN, FAR = 0.002, 0.02
"""Along l2 a score stays as it is while l2 is small, then rises or falls. It is taken to fall on only where it has fallen by the
first, of pairs that did not drop out in the first lap, and where the same l2 was behind by the second at the next larger l1."""


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
        The margin by which it dropped out, or by which it or those before it were expected to be behind; missing (NaN) for pairs
        that were solved to the tolerance.
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
        One that goes on from `ProbeSpec.start`, and has settings ``tol``, ``enough`` and ``max_passes``.
    tol : float, optional
        Gap of what is left at the end; the solver's own by default.
    laps : sequence of Lap, optional
        `LAPS` by default; those whose gap is not above the one asked for are left out.
    progress : callable, optional
        Called as ``progress(done, total)``.
    **settings
        Passed to `fit_probes`.

    Returns
    -------
    list of Standing
        One a pair, in their order.
    """
    last = Lap(float(str(solver_named(solver).defaults["tol"])) if tol is None else tol, math.inf)
    course = [lap for lap in (LAPS if laps is None else laps) if lap.tol > last.tol and len(pairs) > 1]
    waves = _waves(pairs) if course else [list(range(len(pairs)))]

    def fit(specs: Sequence[ProbeSpec], lap: Lap, advance: Progress | None) -> list[FittedProbe]:
        now = (
            settings
            if lap is last
            else {**settings, "max_passes": min(settings.get("max_passes", LAP_PASSES), LAP_PASSES)}
        )
        with warnings.catch_warnings():
            if lap is not last:  # the table has the gap of every pair
                warnings.filterwarnings("ignore", message=r".* ended above tol")
            return fit_probes(
                splits.train.activations, specs, solver, progress=advance, tol=lap.tol, enough=lap.enough, **now
            )

    def spec(pair: tuple[float, float], start: FittedProbe | None) -> ProbeSpec:
        return ProbeSpec(splits.train.y, *pair, loss=splits.loss, start=start)

    with one_stream():
        field = _Field(pairs, spec, fit, judge, roughest=max(lap.tol for lap in [*course, last]))
        steps = [(wave, lap) for wave in waves for lap in course]
        for number, (wave, lap) in enumerate(steps):
            if lap is course[0]:
                field.enter(wave)
            field.advance(lap, _part(progress, number, len(steps) + 1))
        if not steps:
            for wave in waves:
                field.enter(wave)
        field.advance(last, _part(progress, len(steps), len(steps) + 1))
    return [field.places[i] for i in range(len(pairs))]


class _Field:
    """The pairs of a race: where each stands, and which still run; pairs are told by number."""

    def __init__(
        self,
        pairs: Sequence[tuple[float, float]],
        spec: Callable[[tuple[float, float], FittedProbe | None], ProbeSpec],
        fit: Callable[[Sequence[ProbeSpec], Lap, Progress | None], list[FittedProbe]],
        judge: Judge,
        roughest: float,
    ) -> None:
        self._pairs, self._spec, self._fit, self._judge, self._roughest = pairs, spec, fit, judge, roughest
        self._before = {"l1": stronger(pairs), "l2": weaker(pairs)}
        self._ends: dict[str, set[int]] = {"l1": set(), "l2": set()}  # pairs beyond which scores lead too far down
        self._laps: dict[int, Lap] = {}  # the last one of each
        self._running: list[int] = []
        self.places: dict[int, Standing] = {}

    def enter(self, wave: Sequence[int]) -> None:
        """Have pairs run, but for those that are expected to be too far behind."""
        first = max((self.places[i].scores.score for i in self._running), default=-math.inf)
        for i in wave:
            down = [along for along in self._before if self._expected(i, along) < first - HOPELESS]
            if "l2" in down and not self._behind(i, first - FAR):
                down.remove("l2")
            for along in down:
                self._ends[along].add(i)
            if down or self._beyond(i):
                self.places[i] = Standing(None, Scores(), HOPELESS)
            else:
                self._running.append(i)

    def advance(self, lap: Lap, progress: Progress | None) -> None:
        """Solve all that run and are not there yet to a lap's gap, and drop those that are too far behind, each by the margin of
        the last lap that it has finished.
        """
        ahead = [i for i in self._running if i not in self._laps or self._laps[i].tol > lap.tol]
        some = [i for i in ahead if i not in self.places or not self.places[i].gap <= lap.tol]
        if some:
            specs = [self._spec(self._pairs[i], self._start(i, some)) for i in some]
            self.places.update(zip(some, standing(self._fit(specs, lap, progress), self._judge), strict=True))
        self._laps.update(dict.fromkeys(ahead, lap))
        first = max((self.places[i].scores.score for i in self._running), default=-math.inf)
        for i in list(self._running):
            margin = self._laps[i].margin
            if self.places[i].scores.score < first - margin:
                self.places[i] = replace(self.places[i], margin=margin)
                self._running.remove(i)

    def _start(self, i: int, beside: Sequence[int]) -> FittedProbe | None:
        """Its own probe, or that of the pair before it along l2 or, failing that, along l1.

        None where a pair of the same l1 and a larger l2 is solved beside it: the solver goes on from that one, which is nearer.
        """
        along_l2, along_l1 = self._before["l2"], self._before["l1"]
        if i not in self.places and any(along_l2.get(j) == i for j in beside):
            return None
        for near in (i, along_l2.get(i, -1), along_l1.get(i, -1)):
            at = self.places.get(near)
            if at is not None and at.probe is not None:
                return at.probe
        return None

    def _behind(self, i: int, score: float) -> bool:
        """Whether the pair with the next larger l1 is known to be below a score, or did not start."""
        at = self.places.get(self._before["l1"].get(i, -1))
        return at is not None and not at.scores.score >= score

    def _beyond(self, i: int) -> bool:
        """Whether the pairs before it along both penalties did not start."""
        near = [self.places.get(before[i]) for before in self._before.values() if i in before]
        return len(near) == len(self._before) and all(at is not None and at.probe is None for at in near)

    def _expected(self, i: int, along: str) -> float:
        """The score to which those of the two pairs before lead, infinite where they say nothing; minus infinite beyond an end."""
        before = self._before[along]
        near, far = before.get(i, -1), before.get(before.get(i, -1), -1)
        if near in self._ends[along]:
            return -math.inf
        last, first = (
            math.nan if at is None else at.scores.score for at in (self.places.get(near), self.places.get(far))
        )
        if math.isnan(last + first) or (along == "l2" and last > first - FALLEN):
            return math.inf
        return 2.0 * last - first


def stronger(pairs: Sequence[tuple[float, float]]) -> dict[int, int]:
    """Of each pair the one with the next larger l1 and the same l2, both by number, where there is one."""
    found = {}
    for i, (l1, l2) in enumerate(pairs):
        above = [j for j, (other, same) in enumerate(pairs) if same == l2 and other > l1]
        if above:
            found[i] = min(above, key=lambda j: pairs[j][0])
    return found


def weaker(pairs: Sequence[tuple[float, float]]) -> dict[int, int]:
    """Of each pair the one with the same l1 and the next smaller l2, both by number, where there is one."""
    found = {}
    for i, (l1, l2) in enumerate(pairs):
        below = [j for j, (same, other) in enumerate(pairs) if same == l1 and other < l2]
        if below:
            found[i] = max(below, key=lambda j: pairs[j][1])
    return found


def _waves(pairs: Sequence[tuple[float, float]]) -> list[list[int]]:
    """Pairs by falling l1, and of each l1 by rising l2; the first two of the first two l1 together, as they lead nowhere yet."""
    rows: list[list[list[int]]] = []
    for l1 in sorted({l1 for l1, _ in pairs}, reverse=True):
        row = sorted((i for i, pair in enumerate(pairs) if pair[0] == l1), key=lambda i: pairs[i][1])
        rows.append([row[:2], *([i] for i in row[2:])])
    together = [i for row in rows[:2] for i in row[0]]
    return [together, *(wave for row in rows[:2] for wave in row[1:]), *(wave for row in rows[2:] for wave in row)]


def _part(progress: Progress | None, begun: int, n_steps: int) -> Progress | None:
    """Progress within one of the steps."""
    return None if progress is None else lambda done, total: progress(begun + done / max(total, 1e-9), n_steps)
