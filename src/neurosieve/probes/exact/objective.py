"""One probe's objective as the exact solver needs it: what a point is worth, and what is proven of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from neurosieve.probes.exact.certificate import dual_bound, match_frequencies
from neurosieve.probes.exact.likelihood import Likelihood
from neurosieve.probes.exact.passes import Gradient, Logits, Solver, Words


@dataclass(frozen=True, slots=True)
class Penalised:
    """One probe's objective.

    Attributes
    ----------
    likelihood : Likelihood
    l1, l2 : float
        Not both 0; `faint` stands for that.
    mask : Tensor of shape (n_columns,), bool, or None
        Columns that the probe may use.
    variance : Tensor of shape (n_columns,), float64
    reach : Tensor of shape (n_columns,), float64, or None
        Of columns that are huge at few words, the largest distance from their mean; 0 of the others.
    faint : bool
        Whether the penalty only stands for none: then a tolerance is in nats, not a share of an objective that may be zero.
    """

    likelihood: Likelihood
    l1: float
    l2: float
    mask: Tensor | None
    variance: Tensor
    reach: Tensor | None = None
    faint: bool = False

    def allowed(self, tol: float, objective: float) -> float:
        """The gap that a tolerance allows."""
        return tol * max(objective, 1.0) if self.faint else tol * objective

    def penalty(self, W: Tensor) -> float:
        """Value of the penalty at `W`, summed in float64."""
        squares = W.square().sum(dtype=torch.float64) if self.l2 else 0.0
        return float(self.l1 * W.abs().sum(dtype=torch.float64) + self.l2 * squares)

    def usable(self, G: Tensor) -> Tensor:
        """A gradient (n_live, n_columns), zero in columns that the probe may not use."""
        return G if self.mask is None else G.masked_fill(~self.mask, 0.0)

    def bound(self, q: Tensor, G: Tensor) -> float:
        """Lower bound of the optimum from distributions `q` with the labels' frequencies and the gradient `G` there."""
        model = self.likelihood
        return dual_bound(q, G, omega=model.weights_as(q), codes=model.codes, l1=self.l1, l2=self.l2)


@dataclass(frozen=True, slots=True)
class Trial:
    """Weights and what they are worth.

    Attributes
    ----------
    W : Tensor of shape (n_live, n_columns)
    b : Tensor of shape (n_live,), float64
        The best intercepts, for centred activations.
    Z : Tensor of shape (n_live, n_words)
        Logits without intercept, up to what a word's labels share; exactly where evaluated from scratch.
    P : Tensor of shape (n_live, n_words)
        Probabilities.
    objective : float
    """

    W: Tensor
    b: Tensor
    Z: Tensor
    P: Tensor
    objective: float


@dataclass(frozen=True, slots=True)
class Point(Trial):
    """Weights, and where to go from there.

    Attributes
    ----------
    R : Tensor of shape (n_live, n_words)
        Residuals.
    G : Tensor of shape (n_live, n_columns)
        Gradient of the cross-entropy; zero in columns that the probe may not use.
    bound : float
        A lower bound of the optimum.
    """

    R: Tensor
    G: Tensor
    bound: float

    @property
    def gap(self) -> float:
        """Objective minus bound; infinite where that is not a number, never negative."""
        gap = self.objective - self.bound
        return math.inf if math.isnan(gap) else max(0.0, gap)

    @property
    def least_total(self) -> float:
        """Smallest ``logsumexp`` of any word's logits, of a point that was evaluated from scratch."""
        return float(torch.logsumexp(self.Z + self.b[:, None].to(self.Z.dtype), dim=0).min())


def weigh(problem: Penalised, W: Tensor, *, Z: Tensor, b: Tensor) -> Trial:
    """Evaluate weights whose logits `Z` are known; the intercept is fitted from `b` on."""
    b, P = problem.likelihood.fit_intercept(Z, b)
    return Trial(W, b, Z, P, problem.likelihood.loss(P) + problem.penalty(W))


Choose: TypeAlias = Callable[[Tensor], Words]
"""Takes probabilities (n_live, n_words) and asks for the words whose activations are wanted."""


def evaluate(problem: Penalised, W: Tensor, b: Tensor, *, choose: Choose) -> Solver[tuple[Point, list[Tensor]]]:
    """Evaluate weights from scratch, all sums in float64: two products, one if all weights are zero.

    The lower bound is from the probabilities themselves, made to have the labels' frequencies exactly.

    Parameters
    ----------
    problem : Penalised
    W : Tensor of shape (n_live, n_columns)
    b : Tensor of shape (n_live,), float64
        Intercepts to start from.
    choose : callable

    Returns
    -------
    point : Point
    pieces : list of Tensor of shape (n_columns, n_piece)
        Activations of the chosen words.
    """
    Z = (yield Logits(W)) if bool(W.any()) else W.new_zeros((len(W), len(problem.likelihood.omega)))
    trial = weigh(problem, W, Z=Z, b=b)
    q, R = _feasible(problem, trial)
    G, pieces = yield Gradient(R), choose(trial.P)
    return _point(problem, trial, q, R=R, G=problem.usable(G)), pieces


def follow(problem: Penalised, anchor: Point, trial: Trial, *, choose: Choose) -> Solver[tuple[Point, list[Tensor]]]:
    """The gradient at a trial near a point that was evaluated from scratch: half a rough pass over what the residuals changed.

    Rounding then costs a share of the change, not of the gradient; the bound is an estimate.
    """
    q, R = _feasible(problem, trial)
    change, pieces = yield Gradient(R - anchor.R, rough=True), choose(trial.P)
    return _point(problem, trial, q, R=R, G=anchor.G + problem.usable(change)), pieces


def _feasible(problem: Penalised, trial: Trial) -> tuple[Tensor, Tensor]:
    """The trial's probabilities, made to have the labels' frequencies exactly, and the residuals of these."""
    model = problem.likelihood
    q = match_frequencies(trial.P, model.weights_as(trial.P), model.target)
    return q, model.residuals(q)


def _point(problem: Penalised, trial: Trial, q: Tensor, *, R: Tensor, G: Tensor) -> Point:
    return Point(trial.W, trial.b, trial.Z, trial.P, trial.objective, R, G, problem.bound(q, G))
