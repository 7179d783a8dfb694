"""One probe by accelerated proximal gradient, in a metric that follows the probabilities.

Far from the optimum the steps are taken in the cheap diagonal metric; near it, and where the activations are in memory,
in the metric of the labels' own Gram matrices (`prox_metric`).
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from neurosieve.probes.prox_metric import Metric, block_metric, diagonal_metric
from neurosieve.probes.prox_objective import Penalised, Point
from neurosieve.probes.prox_passes import Gradient, Logits, Request

_DIAGONAL_REFRESH = (5, 15, 30, 60, 120, 240, 480, 960)
"""Steps in the diagonal metric after which it is taken anew: often while the probabilities still move, then rarely."""

_BLOCK_REFRESH = 8
"""Steps in blocks between new ones, which see other probabilities and another sample of words."""

_NEAR = 0.4
"""Relative gap below which Gram matrices pay."""

_GROW, _SHRINK, _RECOVER = 1.4, 0.98, 0.7
"""Of the multiple of the metric: after a failed step, after each good one, and after a good one above `_LARGE`."""

_LARGE = 4.0
_UNBOUNDED_PASSES = 200
"""Passes for a probe without penalty at most: nothing says how far it has come, and often there is nowhere to arrive."""

_FRESH = 1.2  # multiple of a metric just taken, at most: what the one before needed says little
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
    unbounded = problem.l1 == problem.l2 == 0.0
    if unbounded:
        max_passes = min(max_passes, _UNBOUNDED_PASSES)
    exact = 1e-7 if start.W.dtype == torch.float32 else 1e-12
    W, passes = start.W, 0.5
    Z = yield Logits(W)
    b, P = model.fit_intercept(Z, start.b, tol=exact)
    diagonal, directions, cost = yield from diagonal_metric(problem, P, start.directions, activations=activations)
    metric: Metric = diagonal
    dual: Tensor | None = None
    passes += cost
    W_before, Z_before, b_before = W, Z, b
    momentum, multiple, best, before, iteration, age, near = 1.0, 1.0, 0.0, float("inf"), 0, 0, False
    while True:
        following = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        beta = (momentum - 1.0) / following
        ahead = W + beta * (W - W_before)
        Z_ahead = Z + beta * (Z - Z_before)
        b_ahead, P = model.fit_intercept(Z_ahead, b + beta * (b - b_before), tol=exact, max_steps=8)
        G = yield Gradient(model.residuals(P))
        bound = problem.bound(P, G)
        if bound > best or dual is None:
            best, dual = max(best, bound), ahead
        while True:
            W_next, pull = metric.step(ahead, G, W, multiple=multiple)
            Z_next = yield Logits(W_next)
            passes += 0.5
            b_next, P_next = model.fit_intercept(Z_next, b_ahead, tol=exact, max_steps=8)
            step = W_next - ahead
            bent = model.weighted_sum((P_next - P).mul_(Z_next - Z_ahead))
            if bent <= multiple * float((pull * step).sum(dtype=torch.float64)) or multiple > _LARGEST_MULTIPLE:
                break
            multiple *= _GROW
        passes += 0.5
        multiple *= _SHRINK if multiple < _LARGE else _RECOVER
        uphill = float((pull * (W_next - W)).sum()) < 0.0
        W_before, Z_before, b_before = W, Z, b
        W, Z, b, momentum = W_next, Z_next, b_next, 1.0 if uphill else following
        iteration, age = iteration + 1, age + 1
        objective = model.loss(P_next) + problem.penalty(W)
        if iteration % _STALL_ITERATIONS == 0:
            stalled = before - objective <= tol * objective
            if unbounded and (stalled or model.separated(P_next)):
                return Point(W, b, directions, passes, dual)
            before = objective
        settled = exact > 1e-10 or float((W - W_before).abs().max()) <= _SETTLED * tol**0.5 * float(W.abs().max())
        if (objective - best <= tol * objective and settled) or passes >= max_passes:
            return Point(W, b, directions, passes, dual)
        arrived = not near and activations is not None and objective - best <= _NEAR * objective
        if arrived or (age % _BLOCK_REFRESH == 0 if near else age in _DIAGONAL_REFRESH):
            near, age = near or arrived, 0 if arrived else age
            if not near or arrived:
                diagonal, directions, cost = yield from diagonal_metric(
                    problem, P_next, directions, activations=activations
                )
                metric, passes = diagonal, passes + cost
            if near and activations is not None:
                metric = block_metric(problem, activations, P_next, W=W, G=G, outside=diagonal)
            multiple = min(multiple, _FRESH)
            if arrived:
                momentum = 1.0
