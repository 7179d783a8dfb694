"""Real values: the squared loss needs the activations for their moments alone, and every penalty is solved from these.

With residuals ``r_i = y_i - x_i' w - b``, word weights ``v_i`` that sum to one, and the intercept at its best, the objective is

    w' G w / 2 - c' w + yy / 2 + l1 |w| + l2 w^2,    G = sum_i v_i x_i x_i',  c = sum_i v_i x_i y_i,  yy = sum_i v_i y_i^2

of centred columns and values. One pass gives G, shared by all probes whose words weigh the same, and c of every target. Probes that
differ in penalties or columns then cost no pass. What is returned is certified on the words themselves: a last pass gives each
probe's residuals, their products with the columns, and from both the objective and the dual bound. Where rounding of G shows in
the gap, the linear term is corrected by the products of that pass and the probe is solved again, as iterative refinement does.

The dual point is a multiple s of the residuals: ``D(s) = s sum v r y - s^2 sum v r^2 / 2 - sum_j (s |q_j| - l1)_+^2 / (4 l2)`` with
``q = sum_i v_i r_i x_i``; at the optimum s is 1 (Fenchel; Friedman, Hastie, Tibshirani 2010 for the descent).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from neurosieve.probes.exact.blocks import elastic_net
from neurosieve.probes.problem import GroupProblem, GroupSolution, row_of
from neurosieve.probes.stream import ActivationStream

Vector = NDArray[np.float64]

BATCH = 4096
"""Words whose products are summed in the stream's precision before they are added up in float64."""
FAINT = 1e-9
"""l2 of probes without any penalty, as a share of the mean variance of the columns: what keeps the system solvable."""
CONSTANT = 1e-12
"""Share of the largest variance below which a column is rounding; its weight stays zero."""
BOUTS = 300
"""At most so many bouts of descent before a certificate."""
ON_SUPPORT, LITTLE, STOPS = 8, 1e-3, (0.0, 0.05, 0.2, 0.5)
"""After a bout at most so many minima on the support, as long as each gains such a share of the gap; where weights change sign on
the way, ends are tried at the first that does, and when such shares of them have."""
STALLED = 1e-12
"""Share of the objective below which what a bout gains is rounding."""
LED_ON = 0.7
"""Share of the gap at one certificate that the next must reach for the refinement to go on: else rounding is all that is left."""
INNER = 0.1
"""Share of the tolerance to which a probe is solved from the moments; the rest is left to their rounding."""
BYTES = 26
"""Of each entry of G: itself, its batch's product, the part that a probe's columns take, and the system that is factorised."""


@dataclass
class _Moments:
    """Of the words as one set of word weights counts them: mean (width,), G (width, width), and of each target c, mean and yy."""

    mean: Vector
    gram: Vector
    cross: Vector
    means: Vector
    squares: Vector


@dataclass
class _Best:
    """The best certified weights of each probe of a group, and what is proven of them."""

    W: Vector
    b: Vector
    objective: Vector
    bound: Vector

    def take(self, i: int, w: Vector, *, b: float, objective: float, bound: float) -> None:
        """Keep a probe's weights if they are better than those kept, and a bound if it is higher: it holds for all weights."""
        self.bound[i] = max(self.bound[i], bound)
        if objective < self.objective[i]:
            self.W[i], self.b[i], self.objective[i] = w, b, objective

    def gap(self, i: int) -> float:
        return max(0.0, float(self.objective[i] - self.bound[i]))


def solve_values(
    stream: ActivationStream,
    problem: GroupProblem,
    *,
    tol: float,
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
    max_passes : int
        Passes after which a probe is left as it is; two are needed, for the moments and a certificate.
    progress : callable, optional
        Called with the share of probes that are done.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # bouts of descent are meant to be short
        return _solve(stream, problem, tol=tol, max_passes=max_passes, progress=progress)


def _solve(
    stream: ActivationStream,
    problem: GroupProblem,
    *,
    tol: float,
    max_passes: int,
    progress: Callable[[float], None] | None,
) -> GroupSolution:
    n, width = problem.n_probes, stream.width
    W, passes = np.zeros((n, width)), np.zeros(n)
    best = _Best(np.zeros((n, width)), np.zeros(n), np.full(n, math.inf), np.zeros(n))
    done = 0
    for members in problem.alike(problem.weights):
        targets = problem.alike(problem.codes, members)
        rows = row_of(problem.weights, members[0])
        values = torch.stack([problem.codes[target[0] if len(problem.codes) > 1 else 0] for target in targets])
        moments = _moments(stream, values, rows)
        passes[members] = 1.0
        for t, target in enumerate(targets):
            for part in problem.alike(problem.mask, target):
                _solve_path(problem, part, moments, moments.cross[t], W, yy=moments.squares[t], tol=tol)
        open_, place = list(members), {i: t for t, target in enumerate(targets) for i in target}
        while open_:
            found = _certify(stream, problem, open_, W, values, rows, moments, place)
            passes[open_] += 1.0
            again = []
            for i, (b, objective, bound, q) in zip(open_, found, strict=True):
                before = best.gap(i)
                best.take(i, W[i], b=b, objective=objective, bound=bound)
                missed = best.gap(i) > tol * best.objective[i] and _penalised(problem, i)
                if missed and best.gap(i) <= LED_ON * before and passes[i] < max_passes:
                    again.append((i, q))
            for i, q in again:  # the words' own gradient in place of the moments'
                _solve_path(problem, [i], moments, q + moments.gram @ W[i], W, yy=moments.squares[place[i]], tol=tol)
            open_ = [i for i, _ in again]
        done += len(members)
        if progress is not None:
            progress(done / n)
    # Nothing bounds probes without any penalty.
    gap = np.array([best.gap(i) if _penalised(problem, i) else best.objective[i] for i in range(n)])
    dtype, device = stream.dtype, stream.device
    coefficients = torch.from_numpy(best.W).to(dtype)[:, None, :].to(device)
    intercepts = torch.from_numpy(best.b).to(dtype)[:, None].to(device)
    names = [str(dtype).removeprefix("torch.")] * n
    return GroupSolution(coefficients, intercepts, best.objective, gap, passes, names)


def _penalised(problem: GroupProblem, i: int) -> bool:
    return bool(problem.l1[i] > 0.0 or problem.l2[i] > 0.0)


def _moments(stream: ActivationStream, values: Tensor, rows: Tensor | None) -> _Moments:
    """One pass. Columns are shifted by the first batch's mean, so that little is lost where means are large."""
    width, n_targets = stream.width, len(values)
    wide: dict[str, Any] = {"dtype": torch.float64, "device": stream.device}
    shift = torch.zeros(width, dtype=stream.dtype, device=stream.device)
    gram, total = torch.zeros((width, width), **wide), torch.zeros(width, **wide)
    cross, weight = torch.zeros((n_targets, width), **wide), 0.0
    sums, squares = torch.zeros(n_targets, **wide), torch.zeros(n_targets, **wide)
    for numbers, X in stream.batches(BATCH):
        shift = X.mean(dim=0) if weight == 0.0 else shift
        X = X - shift
        v = None if rows is None else rows[numbers].to(X.dtype)
        Xv = X if v is None else X * v[:, None]
        y = values[:, numbers].double()
        gram += Xv.T @ X
        total += Xv.sum(dim=0, dtype=torch.float64)
        yv = y if v is None else y * v.double()
        cross += yv @ X.double()
        sums += yv.sum(dim=1)
        squares += (yv * y).sum(dim=1)
        weight += float(len(X)) if v is None else float(v.double().sum())
    mean, means = total / weight, sums / weight
    gram.div_(weight).addr_(mean, mean, alpha=-1.0)  # in place, as it is what takes memory here
    cross = cross / weight - torch.outer(means, mean)
    squares = squares / weight - means.square()
    numbers_of = [part.cpu().numpy() for part in (mean + shift.double(), gram, cross, means, squares)]
    return _Moments(*numbers_of)


def _solve_path(
    problem: GroupProblem, part: list[int], moments: _Moments, cross: Vector, W: Vector, *, yy: float, tol: float
) -> None:
    """Solve probes that differ in penalties alone, the strongest first, each from the one before; into `W`."""
    mask = row_of(problem.mask, part[0])
    variance = np.diagonal(moments.gram)
    varies = variance > CONSTANT * float(variance.max(initial=0.0))
    used = np.flatnonzero(varies if mask is None else varies & mask.cpu().numpy())
    gram = moments.gram if len(used) == len(variance) else moments.gram[np.ix_(used, used)]
    c, w = cross[used], None
    faint = FAINT * float(variance.mean())
    for i in sorted(part, key=lambda i: (-problem.l1[i], -problem.l2[i])):
        start = W[i][used] if len(part) == 1 or w is None else w
        l1, l2 = float(problem.l1[i]), float(problem.l2[i])
        w = _minimise(gram, c, start, l1=l1, l2=l2 if l1 > 0.0 or l2 > 0.0 else faint, yy=yy, tol=INNER * tol)
        W[i][used] = w


@dataclass(frozen=True)
class _Net:
    """The elastic net of moments: ``w' gram w / 2 - c' w + yy / 2 + l1 |w| + l2 w^2``."""

    gram: Vector
    c: Vector
    l1: float
    l2: float
    yy: float

    def at(self, w: Vector) -> _Place:
        held = self.gram @ w
        loss = 0.5 * float(w @ held) - float(self.c @ w) + 0.5 * self.yy
        return _Place(w, held, loss + self.l1 * float(np.abs(w).sum()) + self.l2 * float(w @ w))

    def gap(self, place: _Place) -> float:
        q = self.c - place.held
        fit = self.yy - float(self.c @ place.w)
        bound = _dual(q, agreement=fit, square=fit - float(place.w @ q), l1=self.l1, l2=self.l2)
        return place.value - bound


@dataclass(frozen=True)
class _Place:
    """Weights, their product with the Gram matrix, and the objective there."""

    w: Vector
    held: Vector
    value: float


def _minimise(gram: Vector, c: Vector, w: Vector, *, l1: float, l2: float, yy: float, tol: float) -> Vector:
    """The elastic net of moments: bouts of coordinate descent, each followed by minima on the zeros and signs it has reached.

    Descent finds which weights are zero, and takes thousands of sweeps for the values of those that are not where columns
    depend on each other; a factorisation has these at once.
    """
    if l1 == 0.0:
        return _solved(gram.copy(), c, ridge=2.0 * l2)
    net, last = _Net(gram, c, l1, l2, yy), math.inf
    for _ in range(BOUTS):
        place = net.at(elastic_net(gram, c, w, l1=l1, l2=l2, far=yy))
        gap = net.gap(place)
        for _ in range(ON_SUPPORT):
            if gap <= tol * place.value:
                return place.w
            before, (place, flips) = place.value, _on_support(net, place)
            gap, w = net.gap(place), place.w
            if not flips or before - place.value < LITTLE * gap:
                break
        if gap <= tol * place.value or last - place.value <= STALLED * place.value:
            break
        last = place.value
    return place.w


def _on_support(net: _Net, place: _Place) -> tuple[_Place, int]:
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


def _dual(q: Vector, *, agreement: float, square: float, l1: float, l2: float) -> float:
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


def _certify(
    stream: ActivationStream,
    problem: GroupProblem,
    members: list[int],
    W: Vector,
    values: Tensor,
    rows: Tensor | None,
    moments: _Moments,
    place: dict[int, int],
) -> list[tuple[float, float, float, Vector]]:
    """One pass over the words: of each probe its intercept, objective, dual bound and ``q``."""
    wide: dict[str, Any] = {"dtype": torch.float64, "device": stream.device}
    weights = torch.from_numpy(W[members]).to(stream.device, stream.dtype)
    W[members] = weights.double().cpu().numpy()  # what is returned is rounded, and is what counts
    # About the columns' means, where products keep their digits however far these are from zero.
    middle = torch.from_numpy(moments.mean).to(stream.device, stream.dtype)
    means = torch.tensor([moments.means[place[i]] for i in members], **wide)
    target = values[[place[i] for i in members]]
    q, sums = torch.zeros((len(members), stream.width), **wide), torch.zeros((3, len(members)), **wide)
    total, weight = torch.zeros((1, stream.width), **wide), 0.0
    for numbers, X in stream.batches(BATCH):
        X.sub_(middle)
        y = target[:, numbers].double()
        r = y - (X @ weights.T).T.double() - means[:, None]
        v = None if rows is None else rows[numbers].double()
        rv = r if v is None else r * v
        q += rv.to(X.dtype) @ X
        sums += torch.stack([rv.sum(dim=1), (rv * y).sum(dim=1), (rv * r).sum(dim=1)])
        total += (X.sum(dim=0, dtype=torch.float64) if v is None else (X.double() * v[:, None]).sum(dim=0))[None]
        weight += float(len(X)) if v is None else float(v.sum())
    q, sums = q / weight, sums / weight
    off = sums[0]  # the mean residual, which moves into the intercept
    q -= off[:, None] * (total / weight)
    agreement, square = sums[1] - off * means, sums[2] - off.square()
    intercepts = means + off - weights.double() @ middle.double()
    found = []
    for k, i in enumerate(members):
        l1, l2, w = float(problem.l1[i]), float(problem.l2[i]), W[i]
        mask = row_of(problem.mask, i)
        usable = q[k].cpu().numpy() if mask is None else np.where(mask.cpu().numpy(), q[k].cpu().numpy(), 0.0)
        loss = 0.5 * float(square[k])
        value = loss + l1 * float(np.abs(w).sum()) + l2 * float(w @ w)
        bound = _dual(usable, agreement=float(agreement[k]), square=2.0 * loss, l1=l1, l2=l2)
        found.append((float(intercepts[k]), value, bound, usable))
    return found
