"""One elastic net of moments: its objective, its dual bound, and its minimum by descent and factors.

With the moments G, c and yy of centred columns and values (`value_moments`) the objective is

    w' G w / 2 - c' w + yy / 2 + l1 |w| + l2 w^2

and any weights v give a dual point, a multiple s of their residuals r: with ``q = c - G v``, ``agreement = sum r y`` and
``square = sum r^2``, ``D(s) = s agreement - s^2 square / 2 - sum_j (s |q_j| - l1)_+^2 / (4 l2)`` is below every objective; at the
optimum s is 1 (Fenchel; Friedman, Hastie, Tibshirani 2010 for the descent).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from neurosieve.probes.exact.blocks import elastic_net

Vector: TypeAlias = NDArray[np.float64]

BOUTS = 300
"""At most so many bouts of descent before a certificate."""
ON_SUPPORT, LITTLE, STOPS = 8, 1e-3, (0.0, 0.05, 0.2, 0.5)
"""After a bout at most so many minima on the support, as long as each gains such a share of the gap; where weights change sign on
the way, ends are tried at the first that does, and when such shares of them have."""
STALLED = 1e-12
"""Share of the objective below which what a bout gains is rounding."""


@dataclass(frozen=True)
class Net:
    """The elastic net of moments ``w' gram w / 2 - c' w + yy / 2 + l1 |w| + l2 w^2``; `gram` is (width, width), `c` (width,)."""

    gram: Vector
    c: Vector
    l1: float
    l2: float
    yy: float

    def at(self, w: Vector) -> Place:
        """Evaluate weights (width,)."""
        held = self.gram @ w
        loss = max(0.0, 0.5 * float(w @ held) - float(self.c @ w) + 0.5 * self.yy)  # below 0 it is rounding
        return Place(w, held, loss + self.l1 * float(np.abs(w).sum()) + self.l2 * float(w @ w))

    def gap(self, place: Place) -> float:
        """Of the objective at a place above the bound that its own residuals give."""
        q = self.c - place.held
        fit = self.yy - float(self.c @ place.w)
        return place.value - dual_bound(q, agreement=fit, square=fit - float(place.w @ q), l1=self.l1, l2=self.l2)


@dataclass(frozen=True)
class Place:
    """Weights, their product with the Gram matrix, and the objective there."""

    w: Vector
    held: Vector
    value: float


def minimise(net: Net, w: Vector, *, tol: float) -> Vector:
    """Weights whose gap is `tol` of the objective, from `w` on: bouts of descent, each followed by minima on its zeros and signs.

    Descent finds which weights are zero, and takes thousands of sweeps for the values of those that are not where columns
    depend on each other; a factorisation has these at once.
    """
    if net.l1 == 0.0:
        return _solved(net.gram.copy(), net.c, ridge=2.0 * net.l2)
    last = math.inf
    for _ in range(BOUTS):
        place = net.at(elastic_net(net.gram, net.c, w, l1=net.l1, l2=net.l2))
        gap = net.gap(place)
        for _ in range(ON_SUPPORT):
            if gap <= tol * place.value:
                return place.w
            before, (place, flips) = place.value, _on_support(net, place)
            gap, w = net.gap(place), place.w
            if not flips or before - place.value < LITTLE * gap:
                break
        if gap <= tol * place.value or not last - place.value > STALLED * place.value:
            break
        last = place.value
    return place.w


def _on_support(net: Net, place: Place) -> tuple[Place, int]:
    """Towards the minimum among weights with these zeros and signs, as far as pays; and how many would change sign there.

    Weights that come to zero on the way stay there.
    """
    kept = np.flatnonzero(place.w)
    if not len(kept):
        return place, 0
    w = place.w[kept]
    signs = np.sign(w)
    there = _solved(net.gram[np.ix_(kept, kept)], net.c[kept] - net.l1 * signs, ridge=2.0 * net.l2)
    # The share of the way at which each weight comes to zero.
    zero = np.where(signs * there < 0.0, w / np.where(there == w, 1.0, w - there), math.inf)
    turning = np.sort(zero[np.isfinite(zero)])
    stops = [1.0, *(turning[int(share * (len(turning) - 1))] for share in STOPS if len(turning))]
    best = place
    for stop in stops:
        moved = np.zeros_like(place.w)
        moved[kept] = np.where(zero <= stop, 0.0, w + stop * (there - w))
        reached = net.at(moved)
        best = reached if reached.value < best.value else best
    return best, len(turning)


def _solved(gram: Vector, c: Vector, *, ridge: float) -> Vector:
    """``(gram + ridge I)^-1 c``, of a little more ridge where rounding has left the matrix indefinite; `gram` is overwritten.

    The factor takes one triangle, so the other still holds the matrix where that fails.
    """
    diagonal = gram.diagonal().copy()
    for extra in (0.0, 1e-12, 1e-9, 1e-6):
        np.fill_diagonal(gram, diagonal * (1.0 + extra) + ridge)
        try:  # the transpose has the order that the factorisation works on without a copy
            return np.asarray(cho_solve(cho_factor(gram.T, lower=True, overwrite_a=True), c))
        except np.linalg.LinAlgError:
            gram[:] = np.tril(gram, -1) + np.tril(gram, -1).T
    np.fill_diagonal(gram, diagonal + ridge)
    return np.asarray(np.linalg.lstsq(gram, c, rcond=None)[0])


def dual_bound(q: Vector, *, agreement: float, square: float, l1: float, l2: float) -> float:
    """The dual bound at the best multiple of the residuals; `agreement` is ``sum v r y``, `square` ``sum v r^2``."""
    size = np.abs(q)
    largest = float(size.max(initial=0.0))
    feasible = 1.0 if largest <= l1 else l1 / largest

    def bound(s: float) -> float:
        over = np.maximum(s * size - l1, 0.0)
        return s * agreement - 0.5 * s * s * square - (float(over @ over) / (4.0 * l2) if l2 > 0.0 else 0.0)

    def slope(s: float) -> float:
        over = np.maximum(s * size - l1, 0.0)
        return agreement - s * square - float(size @ over) / (2.0 * l2)

    best = bound(feasible)
    if l2 > 0.0:
        low, high = 0.0, 2.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if slope(middle) > 0.0 else (low, middle)
        best = max(best, bound(low), bound(1.0))
    return max(best, 0.0)
