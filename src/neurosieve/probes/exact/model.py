"""What stands in for the objective near a point: its exact gradient, and the exact curvature of a sample of words.

    F(V)  ~  F(W) + <G, V - W> + sum_i v_i B(z_i(V), z_i(W)) + penalty(V) - penalty(W)

over sampled words i with weights v_i that make the sum unbiased; B is the Bregman divergence of ``logsumexp``, which is
cross-entropy less its tangent. The gradient is that of all words, so a minimum of the model that is the point itself is
the optimum. The intercept is fitted here too: every label keeps the frequency that the sample gives it at the point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from neurosieve.probes.exact import few
from neurosieve.probes.exact.likelihood import match_labels
from neurosieve.probes.exact.objective import Penalised, Point

_INTERCEPT_STEPS = 6


@dataclass(frozen=True, slots=True)
class Place:
    """A point of the model.

    Attributes
    ----------
    V : Tensor of shape (n_live, n_columns)
    change : Tensor of shape (n_live, n_rows)
        Of the sampled words' logits since the model's point, without that of the intercept.
    b : Tensor of shape (n_live,), float64
        Change of the intercept.
    P : Tensor of shape (n_live, n_rows)
        Probabilities.
    value : float
        Of the model.
    """

    V: Tensor
    change: Tensor
    b: Tensor
    P: Tensor
    value: float


class LocalModel:
    """The model at one point.

    Parameters
    ----------
    problem : Penalised
    point : Point
    pieces : sequence of Tensor of shape (n_columns, n_piece)
        Centred activations of the sampled words, columns first and some words at a time, in the precision of the model's products.
    rows, chance : Tensor of shape (n_rows,)
        Their numbers, and the chance that each had of being sampled.

    Attributes
    ----------
    whole : bool
        Whether the model looks at all words without rounding more than the weights: then it is the objective itself.
    n_products : float
        Products of all labels with the activations so far.
    start : Place
    """

    def __init__(
        self, problem: Penalised, point: Point, pieces: Sequence[Tensor], *, rows: Tensor, chance: Tensor
    ) -> None:
        self.problem, self.point, self.n_products = problem, point, 0.0
        rounded = pieces[0].dtype == torch.bfloat16 and point.W.dtype == torch.float32
        self._pieces = pieces if rounded else [X.to(point.W.dtype) for X in pieces]
        all_words = len(rows) >= int((problem.likelihood.omega > 0.0).sum())
        self.whole = all_words and self.precision == point.W.dtype
        self.weight = problem.likelihood.weights_as(point.P)[rows] / chance
        self.P = point.P[:, rows]
        self._logs = self.P.clamp_min(torch.finfo(self.P.dtype).tiny).log()
        self._target = (self.P * self.weight).sum(dim=1, dtype=torch.float64)
        self.start = Place(
            point.W,
            torch.zeros_like(self.P),
            torch.zeros(len(self.P), dtype=torch.float64, device=self.P.device),
            self.P,
            problem.penalty(point.W),
        )

    def logits(self, V: Tensor, labels: list[int]) -> Tensor:
        """``V @ X`` over the sampled words, (n_live, n_rows); rows of `V` (n_live, n_columns) not in `labels` are zero."""
        self.n_products += len(labels) / len(V)
        Z = torch.zeros_like(self.P)
        factor = few.Factor(V[labels].to(self.precision))
        Z[labels] = torch.cat([factor.times(X) for X in self._pieces], dim=1).to(Z.dtype)
        return Z

    @property
    def precision(self) -> torch.dtype:
        """Of products with the activations."""
        return self._pieces[0].dtype

    def columns(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Activations of some of the sampled words, ascending, and columns, in the precision of the weights."""
        edges = list(accumulate((X.shape[1] for X in self._pieces), initial=0))
        bounds = torch.searchsorted(rows, torch.tensor(edges, device=rows.device)).tolist()
        parts = [
            X[columns[:, None], rows[first:last] - start]
            for X, start, (first, last) in zip(self._pieces, edges, pairwise(bounds), strict=False)
        ]
        return torch.cat(parts, dim=1).T.to(self.point.W.dtype)

    def at(self, V: Tensor, change: Tensor, b: Tensor) -> Place:
        """Evaluate weights whose logits have changed by `change`; the intercept is fitted from `b` on."""
        b, P = match_labels(self._logs + change, b, weight=self.weight, target=self._target, max_steps=_INTERCEPT_STEPS)
        total = change + b[:, None].to(change.dtype)
        divergence = self._log_total(total) - (self.P * total).sum(dim=0)
        linear = (self.point.G * (V - self.point.W)).sum(dtype=torch.float64)
        value = float((divergence * self.weight).sum(dtype=torch.float64) + linear) + self.problem.penalty(V)
        return Place(V, change, b, P, value)

    def _log_total(self, change: Tensor) -> Tensor:
        """``log sum_k p_k exp(change_k)`` a word, with the digits that the difference of two ``logsumexp`` loses near 0."""
        growth = (torch.expm1(change) * self.P).sum(dim=0)
        return torch.where(growth.abs() < 0.5, growth.log1p(), torch.logsumexp(self._logs + change, dim=0))

    def between(self, start: Place, end: Place, share: float) -> Place:
        """Evaluate the point at a `share` of the way between two places."""
        return self.at(
            start.V + share * (end.V - start.V),
            start.change + share * (end.change - start.change),
            start.b + share * (end.b - start.b),
        )

    def gradient(self, place: Place, wanted: Tensor | None = None) -> Tensor:
        """Gradient of the smooth part, (n_live, n_columns); if only some are `wanted`, the others need not be right."""
        if place is self.start:
            return self.point.G
        return self.point.G + self._backward((place.P - self.P) * self.weight, range(len(self.P)), wanted)

    def bent(self, start: Place, end: Place) -> Tensor:
        """How much the gradient changes along a step, times the step: a curvature for each label, (n_live,), float64."""
        return ((end.P - start.P) * (end.change - start.change) * self.weight).sum(dim=1, dtype=torch.float64)

    def curvature(self, place: Place) -> Callable[[Tensor, list[int], Tensor | None], Tensor]:
        """The Hessian at a place, its intercept eliminated: from changes of logits (n_live, n_rows) to (n_live, n_columns).

        Of the result, only the rows of the labels given are computed; if only some of their columns are `wanted` (n_live,
        n_columns), the others need not be right.
        """
        P, weighted = place.P, place.P * self.weight
        # In float64: labels that are nearly certain have a curvature of a millionth of their frequency, and the inverse
        # of what float32 leaves of it would drown the others.
        exact = P.double()
        mean = exact @ self.weight.double()
        covariance = torch.diag(mean) - (exact * self.weight) @ exact.T
        level = (
            covariance.diagonal().max()
        )  # the constant fills the null space: what all intercepts share changes nothing
        covariance += level / len(mean) + torch.diag(torch.finfo(mean.dtype).eps * level.expand(len(mean)))
        inverse = torch.linalg.inv_ex(covariance).inverse

        def bend(z: Tensor, labels: list[int], wanted: Tensor | None = None) -> Tensor:
            u = weighted * (z - (P * z).sum(dim=0))
            z = z - (inverse @ u.sum(dim=1, dtype=torch.float64)).to(z.dtype)[:, None]
            return self._backward(weighted * (z - (P * z).sum(dim=0)), labels, wanted)

        return bend

    def _backward(self, U: Tensor, labels: Sequence[int], wanted: Tensor | None) -> Tensor:
        self.n_products += len(labels) / len(U)
        G, some = torch.zeros_like(self.point.W), list(labels)
        G[some] = few.entries(U[some].to(self.precision), self._pieces, None if wanted is None else wanted[some]).to(
            G.dtype
        )
        return self.problem.usable(G)
