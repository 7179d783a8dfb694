"""One probe by accelerated proximal gradient, in a metric that follows the probabilities.

Where the activations are in memory the steps are taken in the metric of the labels' own Gram matrices (`prox_metric`), from
the first one if the start is another probe's optimum; from zero, and where they are not, in a cheap diagonal metric.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from neurosieve.probes.prox_metric import Metric, block_metric, diagonal_metric
from neurosieve.probes.prox_objective import LowerBound, Penalised, Point
from neurosieve.probes.prox_passes import Gradient, Logits, Request

_DIAGONAL_REFRESH = (5, 15, 30, 60, 120, 240, 480, 960)
"""Steps in the diagonal metric after which it is taken anew: often while the probabilities still move, then rarely."""

_BLOCK_REFRESH = 8
"""Steps in blocks between new ones, which see other probabilities and another sample of words."""

_OUTDATED = 2.5
"""Multiple that a step needs from which blocks are taken anew at once: 2 suffices at the probabilities they were taken at."""

_NEAR = 0.4
"""Relative gap below which Gram matrices pay when the start was zero."""

_GROW, _SHRINK, _RECOVER = 1.05, 0.98, 0.7
"""Of the multiple of the metric: beyond what a failed step needed, after each good one, and after a good one above `_LARGE`."""

_LARGE = 4.0
_FARTHEST = 10.0  # growth of the multiple at most: what one step needed may be an exception
_UNBOUNDED_PASSES = 200
"""Passes for a probe without penalty at most: nothing says how far it has come, and often there is nowhere to arrive."""

_FRESH = 1.2  # multiple of a metric just taken for need, at most: what the one before needed says little
_LARGEST_MULTIPLE = 1e6
_STALL_ITERATIONS = 20

_SETTLED = 1e-2
"""Largest step in float64, as a share of the largest weight and of the root of the tolerance: a gap bounds the error of the
weights by no more than its root."""


def accelerate(
    problem: Penalised, start: Point, *, tol: float, max_passes: float, activations: Tensor | None
) -> Generator[Request, Tensor, Point]:
    """Minimise until the gap, in the precision of ``start.W``, is at most `tol` of the objective.

    The metric must exceed the curvature along each step, ``(gradient' - gradient) . step``, which in logits is
    ``sum omega (p' - p) (z' - z)``: no difference of nearly equal losses, whose rounding would hide it near the optimum.
    The momentum is dropped where it points uphill (O'Donoghue and Candes, 2015). Without any penalty there is no gap to go
    by: it then stops when the objective stalls, when the labels are separated, so that no optimum exists, or after 200 passes.

    Parameters
    ----------
    problem : Penalised
    start : Point
    tol : float
    max_passes : float
    activations : Tensor of shape (n_words, n_columns), float32, or None
        Centred activations if they are in memory.
    """
    model = problem.likelihood
    if problem.unbounded:
        max_passes = min(max_passes, _UNBOUNDED_PASSES)
    exact = 1e-7 if start.W.dtype == torch.float32 else 1e-12
    W, passes = start.W, 0.5
    Z = yield Logits(W)
    b, P = model.fit_intercept(Z, start.b, tol=exact)
    diagonal, directions, cost = yield from diagonal_metric(problem, P, start.directions, activations=activations)
    metric: Metric = diagonal
    passes += cost
    lower = LowerBound(problem)
    W_before, Z_before, b_before = W, Z, b
    momentum, multiple, before, iteration, age = 1.0, 1.0, float("inf"), 0, 0
    near = outdated = activations is not None and bool(W.any())
    while True:
        following = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        beta = (momentum - 1.0) / following
        ahead = W + beta * (W - W_before)
        Z_ahead = Z + beta * (Z - Z_before)
        b_ahead, P = model.fit_intercept(Z_ahead, b + beta * (b - b_before), tol=exact, max_steps=8)
        G = yield Gradient(model.residuals(P))
        lower.look(ahead, P, G)
        while True:
            if outdated:
                diagonal, directions, cost = yield from diagonal_metric(problem, P, directions, activations=activations)
                passes, age, outdated = passes + cost, 0, False
                metric = diagonal
                if near and activations is not None:
                    metric = block_metric(problem, activations, P, W=W, G=G, outside=diagonal)
            W_next, pull = metric.step(ahead, G, W, multiple=multiple)
            Z_next = yield Logits(W_next)
            passes += 0.5
            b_next, P_next = model.fit_intercept(Z_next, b_ahead, tol=exact, max_steps=8)
            step = W_next - ahead
            bent = model.weighted_sum((P_next - P).mul_(Z_next - Z_ahead))
            pulled = float((pull * step).sum(dtype=torch.float64))
            if bent <= multiple * pulled or multiple > _LARGEST_MULTIPLE:
                break
            needed = bent / pulled if pulled > 0.0 else float("inf")
            outdated = near and age > 0 and needed > _OUTDATED
            multiple = min(multiple, _FRESH) if outdated else min(_GROW * needed, _FARTHEST * multiple)
        passes += 0.5
        multiple *= _SHRINK if multiple < _LARGE else _RECOVER
        uphill = float((pull * (W_next - W)).sum()) < 0.0
        W_before, Z_before, b_before = W, Z, b
        W, Z, b, momentum = W_next, Z_next, b_next, 1.0 if uphill else following
        iteration, age = iteration + 1, age + 1
        objective = model.loss(P_next) + problem.penalty(W)
        if iteration % _STALL_ITERATIONS == 0:
            stalled = before - objective <= tol * objective
            if problem.unbounded and (stalled or model.separated(P_next)):
                return Point(W, b, directions, passes, lower.weights)
            before = objective
        settled = exact > 1e-10 or float((W - W_before).abs().max()) <= _SETTLED * tol**0.5 * float(W.abs().max())
        if (objective - lower.value <= tol * objective and settled) or passes >= max_passes:
            return Point(W, b, directions, passes, lower.weights)
        if not near:
            near = activations is not None and objective - lower.value <= _NEAR * objective
            outdated = near or iteration in _DIAGONAL_REFRESH
            if outdated:
                multiple = min(multiple, _FRESH)
            if near:
                momentum = 1.0
        elif age % _BLOCK_REFRESH == 0:
            outdated = True
