"""One probe's objective as the exact solver needs it: value, proximal step, lower bound, and its certificate."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from neurosieve.probes.certificate import dual_bound, match_frequencies
from neurosieve.probes.objective import penalty
from neurosieve.probes.prox_likelihood import Likelihood
from neurosieve.probes.prox_passes import Gradient, Logits, Request

CERTIFICATE_PASSES = 1.5
_EXACT = 1e-13  # of a label's frequency; what is left `match_frequencies` removes


@dataclass(frozen=True, slots=True)
class Point:
    """Where a solver stands.

    Attributes
    ----------
    W : Tensor of shape (n_live, n_columns)
    b : Tensor of shape (n_live,), float64
        Intercepts for centred activations.
    directions : Tensor of shape (n_live, n_columns), or None
        Estimates of each label's direction of largest curvature.
    n_passes : float
        Passes over the activations that it took.
    dual : tuple of Tensor of shape (n_live, n_columns)
        Weights whose probabilities gave, on average, the best lower bound; empty for `W` alone.
    """

    W: Tensor
    b: Tensor
    directions: Tensor | None = None
    n_passes: float = 0.0
    dual: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Penalised:
    """One probe's objective: its likelihood, penalties, the columns it may use (or None for all), and their variance."""

    likelihood: Likelihood
    l1: float
    l2: float
    mask: Tensor | None
    variance: Tensor

    @property
    def unbounded(self) -> bool:
        """Whether there is no penalty, and so no useful lower bound."""
        return self.l1 == self.l2 == 0.0

    def prox(self, V: Tensor, metric: Tensor) -> Tensor:
        """Minimiser of the penalty plus half the squared distance to `V` in a diagonal `metric`."""
        shrunk = V.sign() * (V.abs() - self.l1 / metric).clamp_min_(0.0) / (1.0 + 2.0 * self.l2 / metric)
        return shrunk if self.mask is None else shrunk.masked_fill_(~self.mask, 0.0)

    def penalty(self, W: Tensor) -> float:
        """Value of the penalty at `W`."""
        return float(penalty(W.double(), self.l1, self.l2))

    def bound(self, P: Tensor, G: Tensor) -> float:
        """Lower bound of the optimum from probabilities `P` with fitted intercept and the gradient `G` there."""
        model = self.likelihood
        used = G if self.mask is None else G.masked_fill(~self.mask, 0.0)
        return dual_bound(P, used, omega=model.weights_as(P), codes=model.codes, l1=self.l1, l2=self.l2)


class LowerBound:
    """The best lower bound met on the way.

    Accelerated steps swing about the optimum, and the errors of the last two points nearly cancel: the mean of their
    probabilities is a dual point as good as any, and often bounds twice as tightly as either.

    Attributes
    ----------
    value : float
    weights : tuple of Tensor of shape (n_live, n_columns)
        Whose probabilities, averaged, gave it.
    """

    def __init__(self, problem: Penalised) -> None:
        self._problem = problem
        self._last: tuple[Tensor, Tensor, Tensor] | None = None
        self.value = -math.inf
        self.weights: tuple[Tensor, ...] = ()

    def look(self, W: Tensor, P: Tensor, G: Tensor) -> None:
        """Try the weights `W` with their probabilities `P` and gradient `G`, alone and together with the last ones."""
        self._try(self._problem.bound(P, G), (W,))
        if self._last is not None:
            W_last, P_last, G_last = self._last
            self._try(self._problem.bound(0.5 * (P + P_last), 0.5 * (G + G_last)), (W, W_last))
        self._last = W, P, G

    def _try(self, value: float, weights: tuple[Tensor, ...]) -> None:
        if value > self.value:
            self.value, self.weights = value, weights


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is proven of weights, all in float64.

    Attributes
    ----------
    b : Tensor of shape (n_live,), float64
        Best intercepts for centred activations.
    objective : float
    gap : float
        Objective minus a lower bound of the optimum; never negative.
    least_total : float
        Smallest ``logsumexp`` of any word's logits.
    """

    b: Tensor
    objective: float
    gap: float
    least_total: float


def certify(problem: Penalised, point: Point, *, kept_as: torch.dtype) -> Generator[Request, Tensor, Certificate]:
    """Objective of the point's weights as `kept_as` keeps them, and its gap; the intercept is fitted from the point's on.

    The lower bound comes from the best weights for it, unrounded: any dual point will do, and rounding costs it more than
    the objective.
    """
    model = problem.likelihood
    kept = point.W.to(kept_as).double()
    Z = yield Logits(kept)
    b, P = model.fit_intercept(Z, point.b, tol=_EXACT, max_steps=8)
    objective = model.loss(P) + problem.penalty(kept)
    least_total = float(torch.logsumexp(Z + b[:, None], dim=0).min())
    if point.dual or not torch.equal(point.W.double(), kept):
        P = torch.zeros_like(P)
        for dual in point.dual or (point.W,):
            P += model.fit_intercept((yield Logits(dual.double())), b, tol=_EXACT, max_steps=8)[1]
        P /= max(1, len(point.dual))
    q = match_frequencies(P, model.omega, model.target)
    G = yield Gradient(model.residuals(q))
    gap = objective - problem.bound(q, G)
    return Certificate(b, objective, math.inf if math.isnan(gap) else max(0.0, gap), least_total)
