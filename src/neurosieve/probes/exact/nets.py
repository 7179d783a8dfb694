"""Many elastic nets on one Gram matrix at once: alternating directions in the basis of its eigenvectors.

An eigendecomposition takes as long as ten factors, and serves all nets: ``(G + m I)^-1`` is then two products for any m and any
number of nets. Each turn solves a ridge problem for x, shrinks it to z, which has the zeros, and adds up in u what they differ by
(Boyd et al. 2011, with over-relaxation). z is what is returned, and x gives the bound: where l2 is small, the residuals of x are
dual feasible long before those of z are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from neurosieve.probes.exact.net import Vector, dual_bound

TURNS, A_LOOK = 300, 10
"""Turns at most, and between two looks at the gaps and at the step of each net; most need 20 to 70."""
RELAXED = 1.6
"""How far past x a turn goes, against the last z: 1.5 to 1.8 is what Boyd et al. recommend."""
LEAST_CHANGE, MOST_CHANGE = 2.0, 10.0
"""A net's step stays where its primal and dual residuals ask for less than such a factor, and changes by no more than the other."""
STEP = 10.0
"""The first step, a multiple of the mean variance times the root of l1 / (the l1 at which all weights are zero)."""
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Eigen:
    """Of a Gram matrix: ``gram = basis diag(values) basis'``."""

    values: Vector
    basis: Vector

    @classmethod
    def of(cls, gram: Vector) -> Eigen:
        """Decompose it."""
        # This driver needs room for no more than a copy of the matrix and its vectors.
        values, basis = eigh(gram.copy().T, driver="evr", overwrite_a=True, check_finite=False)
        return cls(np.maximum(values, 0.0), basis)

    def solved(self, c: Vector, ridge: Vector) -> tuple[Vector, Vector]:
        """Rows ``(gram + ridge I)^-1 c``, each with a ridge of its own, in the basis and out of it."""
        inside = (c @ self.basis) / np.maximum(self.values + ridge[:, None], _TINY)
        return inside, inside @ self.basis.T


@dataclass(frozen=True)
class Nets:
    """Elastic nets (see `Net`) of one Gram matrix (width, width): `c` (n_nets, width), and `l1`, `l2`, `yy` (n_nets,)."""

    gram: Eigen
    c: Vector
    l1: Vector
    l2: Vector
    yy: Vector


def solve_nets(nets: Nets, *, tol: float) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """Minimise all nets to a gap of `tol` of their objectives.

    Returns
    -------
    W : ndarray of shape (n_nets, width)
    V : ndarray of shape (n_nets, width)
        Weights whose residuals give the bound.
    done : ndarray of bool, shape (n_nets,)
        Which have that gap; the others are not far from it.
    """
    W, V = np.zeros_like(nets.c), np.zeros_like(nets.c)
    done = nets.l1 == 0.0
    W[done] = V[done] = nets.gram.solved(nets.c[done], 2.0 * nets.l2[done])[1]
    left = np.flatnonzero(~done)
    at_once = max(64, nets.c.shape[1] // 16)  # so that what these hold is little beside the matrices
    for first in range(0, len(left), at_once):
        some = left[first : first + at_once]
        W[some], V[some], done[some] = _alternate(_only(nets, some), tol=tol)
    return W, V, done


def _only(nets: Nets, some: NDArray[np.intp]) -> Nets:
    return Nets(nets.gram, nets.c[some], nets.l1[some], nets.l2[some], nets.yy[some])


def _alternate(nets: Nets, *, tol: float) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """All nets at once; those that are done leave."""
    n, width = nets.c.shape
    W, V, done = np.zeros((n, width)), np.zeros((n, width)), np.zeros(n, dtype=bool)
    strongest = np.maximum(np.abs(nets.c).max(axis=1), _TINY)
    step = STEP * float(nets.gram.values.mean()) * np.minimum(1.0, nets.l1 / strongest) ** 0.5
    open_, z, u = np.arange(n), np.zeros((n, width)), np.zeros((n, width))
    for turn in range(1, TURNS + 1):
        now = _only(nets, open_)
        rho = step[open_]
        inside, x = nets.gram.solved(now.c + rho[:, None] * (z - u), 2.0 * now.l2 + rho)
        before, moved = z, RELAXED * x + (1.0 - RELAXED) * z + u
        z = np.sign(moved) * np.maximum(np.abs(moved) - (now.l1 / rho)[:, None], 0.0)
        q = (2.0 * now.l2 + rho)[:, None] * x - rho[:, None] * (before - u)  # c - G x, without a product
        u = moved - z
        if turn % A_LOOK and turn < TURNS:
            continue
        W[open_], V[open_] = z, x
        done[open_] = _gaps(now, z, x, inside, q) <= tol
        change = _balance(x, z, before, u)
        step[open_] *= change
        u /= change[:, None]
        stay = ~done[open_]
        open_, z, u = open_[stay], z[stay], u[stay]
        if not len(open_):
            break
    return W, V, done


def _gaps(nets: Nets, z: Vector, x: Vector, inside: Vector, q: Vector) -> Vector:
    """Each net's objective at `z` above the bound of `x`, as a share of it; `inside` is x in the basis, `q` is ``c - G x``."""
    loss = 0.5 * nets.yy - _dots(z, nets.c) + 0.5 * np.square(z @ nets.gram.basis) @ nets.gram.values
    value = np.maximum(loss, 0.0) + nets.l1 * np.abs(z).sum(axis=1) + nets.l2 * _dots(z, z)
    agreement = nets.yy - _dots(x, nets.c)
    square = agreement - _dots(x, nets.c) + np.square(inside) @ nets.gram.values
    bounds = [
        dual_bound(q[i], agreement=agreement[i], square=square[i], l1=nets.l1[i], l2=nets.l2[i]) for i in range(len(q))
    ]
    return np.asarray((value - np.array(bounds)) / np.maximum(value, _TINY))


def _balance(x: Vector, z: Vector, before: Vector, u: Vector) -> Vector:
    """The factor by which each net's step changes: what makes the primal and the dual residual equally small."""
    primal = _norms(x - z) / np.maximum(np.maximum(_norms(x), _norms(z)), _TINY)
    dual = _norms(z - before) / np.maximum(_norms(u), _TINY)
    wanted = np.sqrt(np.maximum(primal, _TINY) / np.maximum(dual, _TINY)).clip(1.0 / MOST_CHANGE, MOST_CHANGE)
    return np.asarray(np.where((wanted > LEAST_CHANGE) | (wanted < 1.0 / LEAST_CHANGE), wanted, 1.0))


def _dots(a: Vector, b: Vector) -> Vector:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _norms(a: Vector) -> Vector:
    return np.asarray(np.sqrt(_dots(a, a)))
