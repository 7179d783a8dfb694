"""From point to point: evaluate all words, lower a model of the objective on a sample of them, go there.

Each step costs one pass over the activations, or half of one where its model looks at all words. Where bfloat16 is faster, most
passes are rough: they only add up what has changed since a point that was evaluated from scratch. An end is always evaluated from
scratch, which makes its certificate; if that does not meet the tolerance, the steps go on from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from neurosieve.probes.exact.blocks import Blocks
from neurosieve.probes.exact.model import LocalModel
from neurosieve.probes.exact.objective import Penalised, Point, Trial, evaluate, follow, weigh
from neurosieve.probes.exact.passes import Logits, Solver, Words
from neurosieve.probes.exact.room import Room
from neurosieve.probes.exact.sample import doubtful_words
from neurosieve.probes.exact.step import descend

_POOR = 0.5
"""Share of the gain that a model promised, below which the next one looks at twice as many words; at a point that was reached
by rough passes, these are evaluated anew first. And share of the tolerance, or of what the last step gained if that is less, that
is worth another round."""

_FAR = 0.7
"""Share of the objective at the last point evaluated from scratch, below which rough passes have strayed too far from it; share
of the gap there that steps must have reached, when they end, to go on from there: else rounding is all that is left; share of
the smallest gap so far that brings it down; and of the tolerance, that an estimated gap must meet."""

_NEAR = 3e-3
"""Relative gap at which rough passes start anew from a point evaluated from scratch."""

_NOISE = {torch.float32: 1e-8, torch.float64: 4e-15}
"""Change of the objective, as a share of it, that rounding may make."""

_PATIENCE = 3
"""Steps in a row that gain nothing, after which the point is evaluated from scratch; that gain less than was asked for, though the
gap is wide; and that gain little on a model of all words and bring the gap down no further, after which float32 leads nowhere: the
model is the objective itself then, and nothing but rounding makes its minimum so poor. In float64 a few steps do the rest."""

_LITTLE = 0.01
"""Share of the gap that is little for a step to gain; and, where weights must have settled too, how small the last step must be, as
a share of the largest weight and of the root of the tolerance: a gap bounds the error of the weights by no more than its root."""


@dataclass(slots=True)
class _Words:
    """Chooses the words of the next model; remembers the chance that each had, and their activations while they stay the same."""

    problem: Penalised
    size: int
    most: int
    rows: Tensor = field(default_factory=lambda: torch.empty(0))
    chance: Tensor = field(default_factory=lambda: torch.empty(0))
    pieces: list[Tensor] | None = None

    def choose(self, P: Tensor) -> Words:
        """Ask for the words of the next model: for none if they are those that are there."""
        n_words = len(self.problem.likelihood.omega)
        nearly_all = 2 * self.size**2 > n_words**2  # counted in doublings, nearer to all than to half
        size = min(n_words if nearly_all else self.size, self.most)
        before, (self.rows, self.chance) = self.rows, doubtful_words(P, self.problem.likelihood.weights_as(P), size)
        if self.pieces is not None and torch.equal(before, self.rows):
            return Words(self.rows[:0])
        self.pieces = None  # which makes room for the next
        return Words(self.rows)

    def chosen(self, point: Point, pieces: list[Tensor]) -> Point:
        """Keep the activations of the words that were asked for at a point."""
        self.pieces = pieces if self.pieces is None else self.pieces
        return point

    def model(self, point: Point) -> LocalModel:
        """The model at the point at which the words were chosen."""
        if self.pieces is None:
            raise RuntimeError("a model needs the activations of its words")
        return LocalModel(self.problem, point, self.pieces, rows=self.rows, chance=self.chance)


@dataclass(frozen=True, slots=True)
class Reached:
    """Where the steps ended.

    Attributes
    ----------
    point : Point
        Evaluated from scratch.
    n_passes : float
        Over the activations.
    blocks : Blocks
        The last matrices.
    slight : bool
        Whether they ended since they gained too little, though the gap is above the tolerance.
    """

    point: Point
    n_passes: float
    blocks: Blocks
    slight: bool


def approach(
    problem: Penalised,
    W: Tensor,
    b: Tensor,
    *,
    tol: float,
    max_passes: float,
    rough: bool,
    room: Room,
    blocks: Blocks | None = None,
    enough: float = 0.0,
) -> Solver[Reached]:
    """Take steps until the gap is at most `tol` of the objective, or they gain too little, or passes run out.

    Parameters
    ----------
    problem : Penalised
    W : Tensor of shape (n_live, n_columns)
        Where to start; its precision is that of everything here.
    b : Tensor of shape (n_live,), float64
    tol : float
    max_passes : float
    rough : bool
        Whether rough passes are rougher than others.
    room : Room
    blocks : Blocks, optional
        Of a probe with the same labels, words and columns near `W`, whose matrices may still do.
    enough : float
        Gain, as a share of the objective, below which steps end though the gap is above `tol`, if the model promised no more; where
        the gap is wide, after `_PATIENCE` such steps.
    """
    words = _Words(problem, room.sample_words, room.most_words)
    point = words.chosen(*(yield from evaluate(problem, W, b, choose=words.choose)))
    bound = point.bound
    anchor, exact, passes = point, True, 1.0
    multiples = torch.ones(len(W), dtype=torch.float64, device=W.device)
    if blocks is None:
        blocks = Blocks(problem, max_columns=room.block_columns)
    else:
        blocks.turn_to(problem)
    stalled, crawled, slight, near, poor, futile, shrinking = 0, 0, 0, False, False, False, False
    fine = tol < torch.finfo(torch.float32).resolution
    settled, last_length, gained, least_gap = not fine, math.inf, math.inf, point.gap
    while True:
        allowed = problem.allowed(tol, point.objective)
        done = settled and point.gap <= (1.0 if exact else _FAR) * allowed
        wide = point.gap**2 > allowed * point.objective  # nearer to all, in factors, than to what is asked for
        little = slight >= (_PATIENCE if wide else 1)
        ended = done or little or futile or max(stalled, crawled) >= _PATIENCE or passes >= max_passes
        if exact and ended:
            return Reached(point, passes, blocks, little and not done)
        strayed = poor or point.objective < _FAR * anchor.objective
        close = point.gap <= _NEAR * point.objective
        if not exact and (ended or (rough and (strayed or (close and not near)))):
            last_gap = anchor.gap
            point = words.chosen(*(yield from evaluate(problem, point.W, point.b, choose=words.choose)))
            point = replace(point, bound=max(bound, point.bound))  # what was proven stays proven
            bound = point.bound
            futile = ended and point.gap > _FAR * last_gap  # rounding is all that is left
            near, poor, stalled = near or close, False, 0 if not futile else stalled
            anchor, exact, passes = point, True, passes + 1.0
            continue
        worth = enough * point.objective
        local = words.model(point)
        blocks.refresh(local)
        place = descend(local, blocks, multiples, enough=_POOR * min(allowed, gained))
        passes += 0.5 * local.n_products * len(words.rows) / len(problem.likelihood.omega)
        step, promised = place.V - point.W, local.start.value - place.value
        known = local.whole and W.dtype == torch.float32 and place.change.shape == point.Z.shape
        # What a word's labels share there (`level`) changes nothing, but would add up.
        change = place.change - place.change.mean(dim=0) if known else (yield Logits(step, rough=True))
        trial = _walk(problem, point, step=step, change=change, b=place.b, promised=promised)
        gained, length = point.objective - trial.objective, float(step.abs().max())
        poor = gained < _POOR * promised
        slight = slight + 1 if enough and max(gained, promised) < worth else 0
        if poor and (exact or not rough):
            words.size = min(2 * words.size, words.most)
        idle = gained <= _NOISE[W.dtype] * point.objective
        if fine:  # the objective says nothing of the last digits of the weights, but the steps do
            settled = length <= _LITTLE * tol**0.5 * float(trial.W.abs().max())
            shrinking, last_length = length < last_length, length
        elif poor and local.whole:
            idle = True
        stalled = stalled + (not shrinking) if idle else 0
        crawls = W.dtype == torch.float32 and local.whole and gained < min(_LITTLE * point.gap, worth or math.inf)
        del local  # and with it the activations, where others are asked for
        point = words.chosen(*(yield from follow(problem, anchor, trial, choose=words.choose)))
        crawled = crawled + 1 if crawls and point.gap > _FAR * least_gap else 0
        least_gap = min(least_gap, point.gap)
        exact, passes = False, passes + (0.5 if known else 1.0)


def _walk(problem: Penalised, point: Point, *, step: Tensor, change: Tensor, b: Tensor, promised: float) -> Trial:
    """As much of the step as lowers the objective: all of it, a half, ..., or none where it promises no more than rounding."""
    share, noise = 1.0, _NOISE[step.dtype] * point.objective
    while True:
        trial = weigh(problem, point.W + share * step, Z=point.Z + share * change, b=point.b + share * b)
        if trial.objective <= point.objective + noise:
            return trial
        share *= 0.5
        if not share * promised > noise:
            return point
