"""The exact solver: the elastic net's optimum with exact zeros, and a proof of how close it is.

Each probe is solved by proximal Newton steps on a sample of words, corrected on all of them (the folder `exact`), and
carries a duality gap. Probes of one task that differ in their penalties form a path: the strongest penalty first, each
started from the nearest one solved. Probes of different tasks advance side by side and share the passes.
``docs/solver.md`` has the derivation and the measurements.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosieve.errors import NeurosieveError
from neurosieve.probes.checks import require_whole
from neurosieve.probes.exact.blocks import Blocks
from neurosieve.probes.exact.likelihood import Likelihood, negligible
from neurosieve.probes.exact.newton import approach
from neurosieve.probes.exact.objective import Penalised, evaluate
from neurosieve.probes.exact.passes import Design, Gradient, Solver, Words, run_together
from neurosieve.probes.exact.room import Room, Sizes
from neurosieve.probes.exact.step import SOME
from neurosieve.probes.exact.values import BYTES, solve_values
from neurosieve.probes.exact.work import multiplications
from neurosieve.probes.problem import GroupProblem, GroupSolution, row_of
from neurosieve.probes.spec import FittedProbe
from neurosieve.probes.stream import ActivationStream

WITHOUT_PENALTY = "have l1 = l2 = 0"
"""What the warning of probes without any penalty says of them."""

_SINGLE_TOL = 1e-5
"""Relative gaps below this are solved in float64, from a solution in float32 to this."""

_WEAK = 2e-3
"""Largest l1 of the penalties, each ten times weaker than the one before, with which a path's first probe is begun."""

_STATE_BYTES = 2 << 30
"""For all that probes hold while they are solved: no more gains much, as they share little but passes."""


@dataclass(frozen=True, slots=True)
class ExactSettings:
    """Settings of the solver.

    Attributes
    ----------
    tol : float
        Duality gap, as a share of the objective, at which a probe is done.
    max_passes : int
        Passes over the activations after which a probe is left as it is; `finish` then says so.
    enough : float
        Gain of a step, as a share of the objective, below which a probe is done though its gap is above `tol`; of three steps in a
        row where the gap, as a share of the objective, is above the root of `tol`. 0 asks for the gap alone. Where l2 is small, the
        weights are near their optimum long before the gap shows it.
    """

    tol: float = 1e-3
    max_passes: int = 10_000
    enough: float = 0.0

    def __post_init__(self) -> None:
        require_whole(max_passes=self.max_passes)
        if not self.tol > 0 or self.max_passes < 1:
            raise NeurosieveError(f"tol={self.tol}, max_passes={self.max_passes}: each must be positive")
        if not self.enough >= 0:
            raise NeurosieveError(f"enough={self.enough}: expected a share of the objective, 0 for none")

    @property
    def units(self) -> int:
        """Units of progress that a probe counts for: how many passes it needs is known only when it is done."""
        return 1


Settings = ExactSettings
"""What `neurosieve.probes.solvers` asks for."""

_Rooms: TypeAlias = Mapping[torch.dtype, Room]
"""What a probe may hold while it is solved in each precision."""


@dataclass(frozen=True, slots=True)
class _Solved:
    """A probe's weights in the precision they are returned in, and what is proven of them."""

    W: Tensor
    b: Tensor
    objective: float
    gap: float
    least_total: float
    n_passes: float
    precision: str
    slight: bool


def solve(
    stream: ActivationStream,
    problem: GroupProblem,
    settings: ExactSettings,
    progress: Callable[[float], None] | None = None,
    *,
    state_bytes: int = _STATE_BYTES,
) -> GroupSolution:
    """Fit a group of probes to their optimum.

    Parameters
    ----------
    stream : ActivationStream
        n_words x n_columns.
    problem : GroupProblem
    settings : ExactSettings
    progress : callable, optional
        Called with the share of probes that are done.
    state_bytes : int
        Memory for what probes hold while they are solved, besides activations; decides how many run side by side.

    Returns
    -------
    GroupSolution
        In the coordinates of the stream (standardised, if the stream standardises), with duality gaps.
    """
    if problem.loss == "squared":
        tol, max_passes, precision = settings.tol, settings.max_passes, _precision(settings)
        return solve_values(stream, problem, tol=tol, precision=precision, max_passes=max_passes, progress=progress)
    design = Design.of(stream)
    W = torch.zeros((problem.n_probes, problem.n_labels, design.width), dtype=stream.dtype, device=design.device)
    b = torch.zeros((problem.n_probes, problem.n_labels), dtype=stream.dtype, device=design.device)
    objective, gap, n_passes = np.zeros((3, problem.n_probes))
    precisions, slight = [""] * problem.n_probes, [False] * problem.n_probes
    done: list[int] = []

    def keep(number: int, model: Likelihood, solved: _Solved) -> None:
        W[number, model.live] = solved.W
        intercept = solved.b - solved.W.double() @ design.mean
        level = float(intercept.mean())  # what all intercepts share is free: without it, equal fits have equal scores
        b[number] = solved.least_total - level + math.log(negligible(torch.float32))  # a label that never occurs
        b[number, model.live] = (intercept - level).to(b.dtype)
        objective[number], gap[number], n_passes[number] = solved.objective, solved.gap, solved.n_passes
        precisions[number], slight[number] = solved.precision, solved.slight
        done.append(number)
        if progress is not None:
            progress(len(done) / problem.n_probes)

    shape = (stream.n_words, problem.n_labels, design.width)
    at_once = max(1, state_bytes // _sizes(_precision(settings), *shape).wanted)
    rooms = {dtype: _sizes(dtype, *shape).room(state_bytes // at_once) for dtype in (torch.float32, torch.float64)}
    paths = [_solve_path(problem, path, design, settings, keep, rooms=rooms) for path in _paths(problem)]
    run_together(paths, design, at_once=at_once)
    return GroupSolution(
        W=W, b=b, objective=objective, gap=gap, n_passes=n_passes, precisions=precisions, slight=slight
    )


def wanted_bytes(settings: ExactSettings, *, n_probes: int, n_words: int, n_labels: int, n_columns: int) -> int:
    """Memory that solving so many probes makes good use of, besides activations."""
    if n_labels == 1:  # real values
        return BYTES * n_columns**2
    one = _sizes(_precision(settings), n_words, n_labels, n_columns)
    return max(one.grown, min(_STATE_BYTES, n_probes * one.wanted))


def least_bytes(settings: ExactSettings, *, n_words: int, n_labels: int, n_columns: int) -> int:
    """Memory without which not even one probe can be solved: its logits and weights."""
    return BYTES * n_columns**2 if n_labels == 1 else _sizes(_precision(settings), n_words, n_labels, n_columns).least


def work(_settings: ExactSettings, *, n_words: int, n_labels: int, n_columns: int) -> float:
    """Multiplications that fitting a probe of labels takes as long as, before it is known how many steps it needs."""
    return multiplications(n_words=n_words, n_labels=n_labels, n_columns=n_columns)


def _precision(settings: ExactSettings) -> torch.dtype:
    """In what a probe of that tolerance ends: in float32, if that brings it there, or below `_SINGLE_TOL` in float64."""
    return torch.float64 if settings.tol < _SINGLE_TOL else torch.float32


def _sizes(dtype: torch.dtype, n_words: int, n_labels: int, n_columns: int) -> Sizes:
    sampled = 4 if dtype == torch.float32 else 12  # bytes: in float64 a sample is held in float32 as well
    return Sizes(n_words, n_labels, n_columns, itemsize=dtype.itemsize, sample_itemsize=sampled)


def lambda_max(stream: ActivationStream, problem: GroupProblem) -> NDArray[np.float64]:
    """Smallest `l1` at which all weights are zero, whatever `l2`, one for each probe, shape (n_probes,).

    At zero weights the best intercepts give every word the labels' frequencies, so this is the largest entry of
    ``sum_i w_i (frequency - Y_i) x_i' / sum_i w_i`` among the columns that the probe may use.
    """

    def largest(number: int) -> Solver[float]:
        model = _likelihood(problem, number)
        frequencies = model.target[:, None].expand(-1, stream.n_words)
        G = yield Gradient(model.residuals(frequencies))
        return float(_penalised(problem, number, model, design).usable(G).abs().max())

    design = Design.of(stream)
    return np.array(run_together([largest(i) for i in range(problem.n_probes)], design, at_once=8))


def _solve_path(
    problem: GroupProblem,
    path: list[int],
    design: Design,
    settings: ExactSettings,
    keep: Callable[[int, Likelihood, _Solved], None],
    *,
    rooms: _Rooms,
) -> Solver[None]:
    """Solve probes that differ in nothing but penalties, each from its own start or the nearest one solved before."""
    model = _likelihood(problem, path[0])
    solved: dict[int, tuple[Tensor, Tensor]] = {}
    blocks: Blocks | None = None  # those of the last probe alone, as they are large
    for number in path:
        spent = 0.0
        start = None if problem.starts is None else problem.starts[number]
        if start is not None:
            W, b = start[model.live].float(), model.target.log()
        elif solved:
            W, b = solved[min(solved, key=lambda other: _distance(problem, number, other))]
        else:
            first = _penalised(problem, number, model, design)
            W, b, spent = yield from _first_weights(first, design, settings.max_passes, room=rooms[torch.float32])
        result, solved[number], blocks = yield from _solve_one(
            _penalised(problem, number, model, design), W, b, design, settings, rooms=rooms, spent=spent, blocks=blocks
        )
        keep(number, model, result)


def _first_weights(
    problem: Penalised, design: Design, max_passes: float, *, room: Room
) -> Solver[tuple[Tensor, Tensor, float]]:
    """Where to start a path: at zero or, where the penalty is weak, roughly solved with ever weaker ones; and the passes spent."""
    model = problem.likelihood
    W, b, spent = torch.zeros((len(model.live), design.width), device=design.device), model.target.log(), 0.0
    n_decades = math.floor(math.log10(_WEAK / problem.l1)) if problem.l1 else 0
    for share in (10.0**decade for decade in range(n_decades, 0, -1)):
        stronger = replace(problem, l1=problem.l1 * share, l2=problem.l2 * share)
        rough, left = design.rough == torch.bfloat16, max_passes / share - spent
        if left < 1.0:  # what is easier gets fewer passes
            continue
        reached = yield from approach(stronger, W, b, tol=SOME, max_passes=left, rough=rough, room=room)
        W, b, spent = reached.point.W, reached.point.b, spent + reached.n_passes
    return W, b, spent


def _solve_one(
    problem: Penalised,
    W: Tensor,
    b: Tensor,
    design: Design,
    settings: ExactSettings,
    *,
    rooms: _Rooms,
    spent: float,
    blocks: Blocks | None,
) -> Solver[tuple[_Solved, tuple[Tensor, Tensor], Blocks | None]]:
    """Solve to the tolerance, in float64 if that is below what float32 resolves; also what the next one may start from."""
    passes, gap = spent, math.inf
    stages = [(torch.float32, max(settings.tol, _SINGLE_TOL))]
    if _precision(settings) == torch.float64:
        stages.append((torch.float64, settings.tol))
    used = [design.rough]
    while stages:
        dtype, tol = stages.pop(0)
        used.append(dtype)
        left, rough = settings.max_passes - passes, design.rough == torch.bfloat16
        reached = yield from approach(
            problem,
            W.to(dtype),
            b,
            tol=tol,
            max_passes=left,
            rough=rough,
            room=rooms[dtype],
            blocks=blocks,
            enough=settings.enough,
        )
        point, passes = reached.point, passes + reached.n_passes
        blocks = None  # what it holds is in that precision
        if dtype == torch.float32 and not stages:
            blocks = reached.blocks
        W, b, gap = point.W, point.b, point.gap
        missed = gap > problem.allowed(tol, point.objective) and passes < settings.max_passes
        if missed and not reached.slight and not stages and dtype == torch.float32:
            stages.append((torch.float64, tol))  # where float32 leads no further
            blocks = None
    kept = W.to(design.stream.dtype)
    least, objective = point.least_total, point.objective
    if not torch.equal(kept.double(), W.double()):  # what is returned is rounded, and its objective is what counts
        rounded, _ = yield from evaluate(problem, kept.double(), b, choose=_no_words)
        objective, least, passes = rounded.objective, rounded.least_total, passes + 1.0
        b = rounded.b
        gap = max(0.0, gap + objective - point.objective)
    if problem.faint:
        objective -= problem.penalty(kept)
        gap = objective  # which is as much as can be said without a penalty
    solved = _Solved(kept, b, objective, gap, least, passes, _named(used), reached.slight and not problem.faint)
    return solved, (W.float(), b), blocks


def _named(used: list[torch.dtype]) -> str:
    return " then ".join(str(dtype).removeprefix("torch.") for dtype in dict.fromkeys(used))


def _no_words(P: Tensor) -> Words:
    return Words(torch.empty(0, dtype=torch.int64, device=P.device))


def _paths(problem: GroupProblem) -> list[list[int]]:
    """Probes with the same labels, weights and columns, the strongest penalty first."""
    paths = [
        path
        for same_labels in problem.alike(problem.codes)
        for same_words in problem.alike(problem.weights, same_labels)
        for path in problem.alike(problem.mask, same_words)
    ]
    return [sorted(path, key=lambda i: (-problem.l1[i], -problem.l2[i])) for path in sorted(paths)]


def _distance(problem: GroupProblem, number: int, other: int) -> float:
    """How far apart two probes' penalties are, in decades; zero counts as far below the smallest in use."""
    return sum(
        abs(math.log10(max(float(values[number]), 1e-9)) - math.log10(max(float(values[other]), 1e-9)))
        for values in (problem.l1, problem.l2)
    )


def _likelihood(problem: GroupProblem, number: int) -> Likelihood:
    codes = problem.codes[number if len(problem.codes) > 1 else 0]
    return Likelihood(codes, row_of(problem.weights, number), problem.n_labels)


def _penalised(problem: GroupProblem, number: int, model: Likelihood, design: Design) -> Penalised:
    l1, l2, mask = float(problem.l1[number]), float(problem.l2[number]), row_of(problem.mask, number)
    if l1 == l2 == 0.0:
        # No bound and, where labels can be separated, no optimum: the limit of ever fainter penalties is meant.
        faint = torch.finfo(torch.float32).resolution * max(
            float(design.variance.mean()), torch.finfo(torch.float32).tiny
        )
        return Penalised(model, 0.0, faint, mask, design.variance, design.reach, faint=True)
    return Penalised(model, l1, l2, mask, design.variance, design.reach)


def finish(probes: list[FittedProbe]) -> list[FittedProbe]:
    """Return the probes, with one warning for all whose gap is above the tolerance in their `info`.

    Warns
    -----
    ConvergenceWarning
        Scikit-learn's, with how many there are and the worst of them; another one for those without any penalty.
    """
    missed = [p for p in probes if not _relative_gap(p) <= float(str(p.info["tol"])) and not p.info.get("slight")]
    if not missed:
        return probes
    from sklearn.exceptions import ConvergenceWarning

    bounded = [p for p in missed if p.l1 > 0.0 or p.l2 > 0.0]
    if bounded:
        worst = max(bounded, key=_relative_gap)
        tol, max_passes = worst.info["tol"], worst.info["max_passes"]
        warnings.warn(
            f"{len(bounded)} of {len(probes)} probes ended above tol={tol:g}; the worst, with l1={worst.l1:g} and l2={worst.l2:g}, "
            f"has objective {worst.objective_:.6g} and a duality gap of {worst.gap_:.2g}, {_relative_gap(worst):.2g} of it: "
            f"raise max_passes (now {max_passes}) or tol",
            ConvergenceWarning,
            stacklevel=5,
        )
    if len(missed) > len(bounded):
        warnings.warn(
            f"{len(missed) - len(bounded)} of {len(probes)} probes {WITHOUT_PENALTY} and were fitted with a faint l2: nothing "
            "bounds how far they are from the optimum, and where labels can be separated no finite optimum exists; set l1 or l2",
            ConvergenceWarning,
            stacklevel=5,
        )
    return probes


def _relative_gap(probe: FittedProbe) -> float:
    if probe.gap_ is None or probe.objective_ is None:
        return math.inf
    return probe.gap_ / probe.objective_ if probe.gap_ > 0.0 else 0.0
