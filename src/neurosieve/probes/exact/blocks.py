"""Each label on its own: the Gram matrix of its working set, the elastic net on it, and its Cholesky factor.

With the intercept eliminated, the Hessian's block of label k is the covariance of the activations weighted by
``p_k (1 - p_k)``, the words that label k is in doubt about. On the columns that a label uses or is about to use, that is a
small matrix. An elastic net on it is solved in microseconds a sweep by scikit-learn's coordinate descent, and finds
which weights are zero; its factor is what makes conjugate gradients on the others converge in a few steps. What couples
labels is left to the model.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path
from torch import Tensor

from neurosieve.probes.exact.model import LocalModel
from neurosieve.probes.exact.objective import Penalised, Point
from neurosieve.probes.exact.sample import sample

BLOCK_BYTES = 512 << 20
"""Of one probe's matrices together. Where all labels' working sets do not fit, the largest ones are cut."""

_GROWTH, _FEWEST_COLUMNS = 2.0, 128
"""Size of a label's working set at most, as a multiple of the columns that it uses, and in any case."""

_NEARLY = 0.97
"""Share of the threshold l1 from which a column without weight is taken into the working set."""

_ROWS_PER_COLUMN, _FEWEST_ROWS, _MOST_ROWS = 2, 512, 2048
"""Words that a label's matrix is taken from."""

_RIDGE = 0.03
"""Share of the diagonal added to a matrix, against the noise of its sample of words and of rough products."""

_LACKING, _FADED = 0.02, 1.3
"""Columns that a label's matrix lacks, as a share of those needed, and the factor by which its doubt has changed, from which the
matrix is taken anew."""

_SWEEPS = 10
_FARTHEST = 1e8
"""Norm of the regression target that scikit-learn is given, see `_elastic_net`."""


@dataclass(slots=True)
class _Block:
    """One label's working set.

    Attributes
    ----------
    columns : Tensor of shape (n_working,), int64
    gram : Tensor of shape (n_working, n_working)
    on_host : ndarray of shape (n_working, n_working)
        The same where coordinate descent runs.
    doubt : float
        Of the label in all words when the matrix was taken.
    face, factor : Tensor
        Columns of the last factor, and that.
    """

    columns: Tensor
    gram: Tensor
    on_host: NDArray[np.floating]
    doubt: float
    face: Tensor | None = None
    factor: Tensor | None = None


class Blocks:
    """The blocks of all labels, each from the last point at which that had to be taken anew."""

    def __init__(self, problem: Penalised) -> None:
        self._problem = problem
        self._blocks: list[_Block] = []

    def refresh(self, model: LocalModel) -> None:
        """Take anew the matrices that no longer fit the model's point: other columns, or another amount of doubt."""
        doubt = model.P * (1.0 - model.P) * model.weight
        totals = doubt.sum(dim=1).tolist()
        wanted = _working_sets(model.problem, model.point)
        used = model.point.W != 0.0
        if not self._blocks:
            none = torch.empty(0, dtype=torch.int64, device=doubt.device)
            empty = doubt.new_empty((0, 0))
            self._blocks = [_Block(none, empty, empty.cpu().numpy(), -1.0) for _ in totals]
        needed = wanted & (used | (model.point.G.abs() > self._problem.l1))
        self._diagonal = torch.outer(doubt.sum(dim=1), self._problem.variance.to(doubt.dtype)) + 2.0 * self._problem.l2
        self._diagonal += torch.finfo(doubt.dtype).tiny
        self._working = torch.zeros_like(used)
        for k, (block, total) in enumerate(zip(self._blocks, totals, strict=True)):
            lacking = needed[k].clone()
            lacking[block.columns] = False
            many = int(lacking.sum()) > _LACKING * int(needed[k].sum())
            if many or not total / _FADED <= block.doubt <= total * _FADED:
                block = self._blocks[k] = _block(model, doubt[k], wanted[k].nonzero()[:, 0])
            self._working[k, block.columns] = True
            self._diagonal[k, block.columns] = block.gram.diagonal() + 2.0 * self._problem.l2

    def nets(self, V: Tensor, g: Tensor, multiples: Tensor, *, labels: list[int], out: Tensor) -> Tensor:
        """Minimise each label's own quadratic with the penalty, from weights `V`, where the gradient is `g`.

        Parameters
        ----------
        V, g : Tensor of shape (n_live, n_columns)
        multiples : Tensor of shape (n_live,), float64
            Of each label's matrix.
        labels : list of int
            Labels to do.
        out : Tensor of shape (n_live, n_columns)
            Receives the minimisers on the working sets.

        Returns
        -------
        Tensor of shape (n_live,), float64
            Each label's step times its matrix times the step, without the multiple; 0 for other labels.
        """
        pulled = torch.zeros_like(multiples)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of sweeps is meant
            for k in labels:
                block = self._blocks[k]
                if not len(block.columns):
                    continue
                start, multiple = V[k, block.columns], float(multiples[k])
                q = block.gram @ start - g[k, block.columns] / multiple
                found = _elastic_net(
                    block.on_host,
                    q.cpu().numpy(),
                    start.cpu().numpy(),
                    l1=self._problem.l1 / multiple,
                    l2=self._problem.l2 / multiple,
                )
                end = torch.from_numpy(found).to(V.device)
                out[k, block.columns] = end
                step = end - start
                pulled[k] = float(step @ (block.gram @ step))
        return pulled

    def solve(self, r: Tensor, face: Tensor, labels: list[int]) -> Tensor:
        """Multiply `r` (n_live, n_columns) by the inverse of each label's matrix on its `face`, of the diagonal elsewhere.

        A factor of nearly the same columns will do: of those that have left, the inverse is taken and then left out.
        """
        out = torch.where(face & ~self._working, r / self._diagonal, 0.0)
        for k in labels:
            block = self._blocks[k]
            inside = face[k, block.columns]
            if block.face is None or int((inside & ~block.face).sum()) > _LACKING * int(inside.sum()):
                gram = block.gram if bool(inside.all()) else block.gram[inside][:, inside]
                block.face, block.factor = inside, _cholesky(gram, 2.0 * self._problem.l2)
            columns = block.columns[block.face]
            if len(columns) and block.factor is not None:
                out[k, columns] = torch.cholesky_solve(r[k, columns][:, None], block.factor)[:, 0]
            late = block.columns[inside & ~block.face]
            if len(late):
                out[k, late] = r[k, late] / self._diagonal[k, late]
        return out.masked_fill_(~face, 0.0)


def _working_sets(problem: Penalised, point: Point) -> Tensor:
    """The columns that each label uses and those whose gradient nearly suffices, the largest first, as far as allowed."""
    used = point.W != 0.0
    urgency = torch.where(used, math.inf, point.G.abs())
    wanted = urgency >= _NEARLY * problem.l1
    if problem.mask is not None:
        wanted &= problem.mask
    most = (_GROWTH * used.sum(dim=1)).long().clamp_min(_FEWEST_COLUMNS)
    sizes = wanted.sum(dim=1).minimum(most)
    sizes = sizes.clamp_max(_largest_block(sizes, point.W.dtype.itemsize))
    working = torch.zeros_like(used)
    for k, size in enumerate(sizes.tolist()):
        working[k, urgency[k].masked_fill(~wanted[k], -1.0).topk(size).indices] = True
    return working


def _largest_block(sizes: Tensor, itemsize: int) -> int:
    """Columns to which the larger blocks must be cut for all to fit, together with their copies on the host."""
    low, high = 1, int(sizes.max().clamp_min(1))
    while low < high:
        middle = (low + high + 1) // 2
        if 2 * itemsize * int(sizes.clamp_max(middle).square().sum()) <= BLOCK_BYTES:
            low = middle
        else:
            high = middle - 1
    return low


def _block(model: LocalModel, doubt: Tensor, columns: Tensor) -> _Block:
    rows, chance = sample(doubt, min(_MOST_ROWS, max(_FEWEST_ROWS, _ROWS_PER_COLUMN * len(columns))))
    weight = doubt[rows] / chance
    A = model.columns(rows, columns)
    A -= (weight @ A) / weight.sum().clamp_min(torch.finfo(A.dtype).tiny)
    A *= weight.sqrt()[:, None]
    gram = model.product(A.T, A)
    diagonal = gram.diagonal()
    diagonal += _RIDGE * diagonal + torch.finfo(A.dtype).tiny ** 0.5
    return _Block(columns, gram, gram.cpu().numpy(), float(doubt.sum()))


def _cholesky(gram: Tensor, ridge: float) -> Tensor:
    """Lower factor of ``gram + ridge I``, of more than that where rounding has left it indefinite."""
    extra = 0.0
    while True:
        shifted = gram.clone()
        diagonal = shifted.diagonal()
        diagonal += ridge + extra * diagonal
        factor: Tensor
        factor, info = torch.linalg.cholesky_ex(shifted)
        if int(info) == 0 or extra > 1.0:
            return factor
        extra = max(10.0 * extra, 1e-3)


def _elastic_net(
    gram: NDArray[np.floating], q: NDArray[np.floating], w: NDArray[np.floating], *, l1: float, l2: float
) -> NDArray[np.floating]:
    """A few sweeps of coordinate descent on ``w' gram w / 2 - q' w + l1 |w| + l2 w^2``, from `w` on.

    Scikit-learn stops by a duality gap of the regression behind the Gram matrix. There is none here; a regression target
    of a huge norm makes that gap huge, so that all sweeps are done.
    """
    total = l1 + 2.0 * l2
    path = enet_path(
        np.zeros((1, len(q)), dtype=gram.dtype, order="F"),
        np.full(1, _FARTHEST, dtype=gram.dtype),
        l1_ratio=l1 / total,
        alphas=[total],
        precompute=gram,
        Xy=q,
        coef_init=w.copy(),  # it is changed in place
        check_input=False,
        max_iter=_SWEEPS,
        tol=0.0,
        **_no_screening(),
    )
    return np.asarray(path[1][:, 0])


@cache
def _no_screening() -> dict[str, bool]:
    """Scikit-learn 1.8 and later leave columns out by the gap, which means nothing here; earlier ones have no such option."""
    option = {"do_screening": False}
    try:
        enet_path(np.ones((2, 1)), np.ones(2), alphas=[1.0], **option)
    except (TypeError, ValueError):
        return {}
    return option
