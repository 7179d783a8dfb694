"""Real values: the squared loss needs the activations for their moments alone, and every penalty is solved from these.

With residuals ``r_i = y_i - x_i' w - b``, word weights ``v_i`` that sum to one, and the intercept at its best, the objective is

    w' G w / 2 - c' w + yy / 2 + l1 |w| + l2 w^2,    G = sum_i v_i x_i x_i',  c = sum_i v_i x_i y_i,  yy = sum_i v_i y_i^2

of centred columns and values. One pass gives G, shared by all probes whose words weigh the same, and c of every target
(`value_moments`). Probes that differ in penalties, targets or columns then cost no pass: many on the same columns are solved
together (`nets`), few one by one (`net`). What is returned is certified on the words themselves: a last pass gives each probe's
residuals, their products with the columns, and from both the objective and the dual bound. Where rounding of G shows in the gap,
the linear term is corrected by the products of that pass and the probe is solved again, as iterative refinement does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from neurosieve.probes.exact.net import Net, Vector, minimise
from neurosieve.probes.exact.nets import Eigen, Nets, solve_nets
from neurosieve.probes.exact.value_moments import Claim, Moments, certify, moments_of
from neurosieve.probes.problem import GroupProblem, GroupSolution, row_of
from neurosieve.probes.stream import ActivationStream

FAINT = 1e-9
"""l2 of probes without any penalty, as a share of the mean variance of the columns: what keeps the system solvable."""
CONSTANT = 4.0
"""Rounding units of a column's mean below which its deviation is rounding; its weight stays zero."""
MANY = 4
"""Probes on the same columns from which they are solved together: an eigendecomposition takes as long as three weak pairs alone."""
TOGETHER = 1e-3
"""Share of the tolerance to which they are: a turn costs little, and what shares a call must not show in a probe's weights."""
LED_ON = 0.7
"""Share of the gap at one certificate that the next must reach for the refinement to go on: else rounding is all that is left."""
INNER = 0.1
"""Share of the tolerance to which others are solved from the moments; the rest is left to their rounding."""
BYTES = 34
"""Of each entry of G: itself, the part that a probe's columns take, what is factorised, and its eigenvectors."""


@dataclass
class _Found:
    """What is known of each probe of a group so far.

    Attributes
    ----------
    w : ndarray of shape (n_probes, width)
        Weights to be certified next.
    dual : dict
        Weights whose residuals give a probe's bound, where these are not its own.
    eigen : tuple of ndarray and Eigen, or None
        The columns that were decomposed last, for probes on them that must be solved again.
    best, b, objective, bound : ndarray
        The best certified weights (n_probes, width), their intercepts and objectives, and the highest bound (n_probes,).
    """

    w: Vector
    best: Vector
    b: Vector
    objective: Vector
    bound: Vector
    dual: dict[int, Vector] = field(default_factory=dict)
    eigen: tuple[NDArray[np.intp], Eigen] | None = None

    def take(self, i: int, *, b: float, objective: float, bound: float) -> None:
        """Keep a probe's weights if they are better than those kept, and a bound if it is higher: it holds for all weights."""
        self.bound[i] = max(self.bound[i], bound)
        if objective < self.objective[i]:
            self.best[i], self.b[i], self.objective[i] = self.w[i], b, objective

    def gap(self, i: int) -> float:
        return max(0.0, float(self.objective[i] - self.bound[i]))


def solve_values(
    stream: ActivationStream,
    problem: GroupProblem,
    *,
    tol: float,
    precision: torch.dtype,
    max_passes: int = 10_000,
    progress: Callable[[float], None] | None = None,
) -> GroupSolution:
    """Fit a group of probes of real values to their optimum.

    Parameters
    ----------
    stream : ActivationStream
        n_words x n_columns.
    problem : GroupProblem
    tol : float
        Duality gap, as a share of the objective, at which a probe is done.
    precision : torch.dtype
        Of the products that certify it, where the stream's is not finer.
    max_passes : int
        Passes after which a probe is left as it is; two are needed, for the moments and a certificate.
    progress : callable, optional
        Called with the share of probes that are done.
    """
    n, width = problem.n_probes, stream.width
    passes, finest = np.zeros(n), torch.promote_types(precision, stream.dtype)
    found = _Found(np.zeros((n, width)), np.zeros((n, width)), np.zeros(n), np.full(n, math.inf), np.zeros(n))
    done = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # bouts of descent are meant to be short
        for members in problem.alike(problem.weights):
            _solve_alike(stream, problem, members, found, passes, tol=tol, precision=finest, max_passes=max_passes)
            done += len(members)
            if progress is not None:
                progress(done / n)
    # Nothing bounds probes without any penalty.
    gap = np.array([found.gap(i) if _penalised(problem, i) else found.objective[i] for i in range(n)])
    dtype, device = stream.dtype, stream.device
    coefficients = torch.from_numpy(found.best).to(dtype)[:, None, :].to(device)
    intercepts = torch.from_numpy(found.b).to(dtype)[:, None].to(device)
    names = [str(dtype).removeprefix("torch.")] * n
    return GroupSolution(coefficients, intercepts, found.objective, gap, passes, names)


def _solve_alike(
    stream: ActivationStream,
    problem: GroupProblem,
    members: list[int],
    found: _Found,
    passes: Vector,
    *,
    tol: float,
    precision: torch.dtype,
    max_passes: int,
) -> None:
    """Solve probes whose words weigh the same: moments, then solutions and certificates in turns."""
    found.eigen = None  # of other words
    targets = problem.alike(problem.codes, members)
    place = {i: t for t, target in enumerate(targets) for i in target}
    weights = row_of(problem.weights, members[0])
    values = torch.stack([problem.codes[target[0] if len(problem.codes) > 1 else 0] for target in targets])
    moments = moments_of(stream, values, weights)
    passes[members], unit = 1.0, torch.finfo(stream.dtype).eps
    linear = {i: moments.cross[place[i]] for i in members}
    while linear:
        for part in problem.alike(problem.mask, list(linear)):
            _solve_part(problem, part, moments, linear, place, found, tol=tol, unit=unit)
        open_ = list(linear)
        found.w[open_] = torch.from_numpy(found.w[open_]).to(stream.dtype).double().numpy()  # as they are returned
        claims = [_claim(problem, i, found, place[i]) for i in open_]
        linear = {}
        certified = certify(stream, claims, values=values, weights=weights, moments=moments, precision=precision)
        for i, claim, told in zip(open_, claims, certified, strict=True):
            passes[i] += 1.0
            before = found.gap(i)
            found.take(i, b=told.intercept, objective=told.objective, bound=told.bound)
            missed = found.gap(i) > tol * found.objective[i] and _penalised(problem, i)
            if missed and found.gap(i) <= LED_ON * before and passes[i] < max_passes:
                # The words' own gradient in place of the moments'.
                linear[i] = told.q + moments.gram @ (claim.w if claim.dual is None else claim.dual)
    for i in members:  # where rounding leaves no minimum to be found, no weights at all are better than what was
        nothing = 0.5 * float(moments.squares[place[i]])
        if not found.objective[i] <= nothing:
            found.best[i], found.b[i], found.objective[i] = 0.0, moments.means[place[i]], nothing


def _penalised(problem: GroupProblem, i: int) -> bool:
    return bool(problem.l1[i] > 0.0 or problem.l2[i] > 0.0)


def _claim(problem: GroupProblem, i: int, found: _Found, target: int) -> Claim:
    mask = row_of(problem.mask, i)
    usable = None if mask is None else mask.cpu().numpy().astype(np.float64)
    return Claim(found.w[i], found.dual.get(i), usable, float(problem.l1[i]), float(problem.l2[i]), target)


def _solve_part(
    problem: GroupProblem,
    part: list[int],
    moments: Moments,
    linear: dict[int, Vector],
    place: dict[int, int],
    found: _Found,
    *,
    tol: float,
    unit: float,
) -> None:
    """Solve probes on the same columns from their moments: many together, the others the strongest first, each from the last."""
    mask = row_of(problem.mask, part[0])
    variance = np.diagonal(moments.gram)
    varies = (variance > (CONSTANT * unit * moments.mean) ** 2) & np.isfinite(variance)
    used = np.flatnonzero(varies if mask is None else varies & mask.cpu().numpy())
    gram = moments.gram if len(used) == len(variance) else moments.gram[np.ix_(used, used)]
    faint = FAINT * float(variance[used].sum()) / max(1, len(used))
    l1 = problem.l1[part]
    l2 = np.where((l1 > 0.0) | (problem.l2[part] > 0.0), problem.l2[part], faint)
    c = np.stack([linear[i][used] for i in part])
    yy = moments.squares[[place[i] for i in part]]
    done = np.zeros(len(part), dtype=bool)
    together = len(used) > 0 and (int((l1 > 0.0).sum()) >= MANY or not found.dual.keys().isdisjoint(part))
    for i in part:
        found.dual.pop(i, None)
    if together:
        W, V, done = solve_nets(Nets(_decomposed(found, used, gram), c, l1, l2, yy), tol=TOGETHER * tol)
        for k, i in enumerate(part):
            found.w[i, used] = W[k]
            if done[k] and l1[k] > 0.0:
                found.dual[i] = np.zeros_like(found.w[i])
                found.dual[i][used] = V[k]
    last: dict[int, Vector] = {}
    for k in sorted(np.flatnonzero(~done).tolist(), key=lambda k: (-l1[k], -l2[k])):
        i = part[k]
        again = bool(found.w[i].any())  # solved before, if not as far as is asked
        start = found.w[i][used] if again else last.get(place[i], found.w[i][used])
        net = Net(gram, c[k], float(l1[k]), float(l2[k]), float(yy[k]))
        last[place[i]] = found.w[i, used] = minimise(net, start, tol=INNER * tol)


def _decomposed(found: _Found, used: NDArray[np.intp], gram: Vector) -> Eigen:
    """The columns' Gram matrix, decomposed anew unless it was the last one."""
    if found.eigen is None or not np.array_equal(found.eigen[0], used):
        found.eigen = None  # before the next takes its room
        found.eigen = used, Eigen.of(gram)
    return found.eigen[1]
