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
    dual : Tensor of shape (n_live, n_columns), or None
        Weights whose probabilities gave the best lower bound; None for those of `W`.
    """

    W: Tensor
    b: Tensor
    directions: Tensor | None = None
    n_passes: float = 0.0
    dual: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Penalised:
    """One probe's objective: its likelihood, penalties, the columns it may use (or None for all), and their variance."""

    likelihood: Likelihood
    l1: float
    l2: float
    mask: Tensor | None
    variance: Tensor

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
    dual = (point.W if point.dual is None else point.dual).double()
    Z = yield Logits(kept)
    b, P = model.fit_intercept(Z, point.b, tol=_EXACT, max_steps=8)
    objective = model.loss(P) + problem.penalty(kept)
    least_total = float(torch.logsumexp(Z + b[:, None], dim=0).min())
    if not torch.equal(dual, kept):
        _, P = model.fit_intercept((yield Logits(dual)), b, tol=_EXACT, max_steps=8)
    q = match_frequencies(P, model.omega, model.target)
    G = yield Gradient(model.residuals(q))
    gap = objective - problem.bound(q, G)
    return Certificate(b, objective, math.inf if math.isnan(gap) else max(0.0, gap), least_total)
