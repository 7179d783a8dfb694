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
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path
from torch import Tensor

from neurosieve.probes.exact.model import LocalModel
from neurosieve.probes.exact.objective import Penalised, Point
from neurosieve.probes.exact.passes import CHUNK_WORDS
from neurosieve.probes.exact.pieces import in_strips
from neurosieve.probes.exact.room import FEWEST_COLUMNS
from neurosieve.probes.exact.sample import sample

MINOR = 0.02
"""A share that hardly matters: of what is to be gained, of the columns on a face, of a threshold."""

_LACKING = 0.1
"""Share of what a label has to gain that is at columns its matrix lacks, from which that is taken anew; and share of what a
column's variance in all words lets expect of its diagonal, below which the sample has missed the few words where it is large."""

_ROWS_PER_COLUMN = 4
"""Words a column that a label's matrix is taken from, a chunk at most; a small one from as many more as cost no more products."""

_RIDGE = 0.06
"""Share of the diagonal added to a matrix a column and word that it is taken from, against the noise of the sample."""

_FADED = 1.3
"""Factor by which a label's doubt has changed from which its matrix is taken anew."""

_FARTHEST = 2.0
"""Nats by which a step in one column may move the logit of a word where that column is huge."""

_SWEEPS = 10


@dataclass(slots=True)
class _Block:
    """One label's working set.

    Attributes
    ----------
    columns : Tensor of shape (n_working,), int64
    gram : ndarray of shape (n_working, n_working), float64
        On the processor, where coordinate descent runs.
    diagonal : Tensor of shape (n_working,)
    doubt : float
        Of the label in all words when the matrix was taken.
    face, factor : Tensor
        Columns of the last factor, and that.
    """

    columns: Tensor
    gram: NDArray[np.float64]
    diagonal: Tensor
    doubt: float
    face: Tensor | None = None
    factor: Tensor | None = None


class Blocks:
    """The blocks of all labels, each from the last point at which that had to be taken anew.

    Parameters
    ----------
    problem : Penalised
    max_columns : int
        Square root of the sum of squares of all matrices' sizes. Where the labels' working sets do not fit, the largest ones
        are cut.

    Attributes
    ----------
    working : Tensor of shape (n_live, n_columns), bool
        Columns that are in their label's matrix.
    """

    def __init__(self, problem: Penalised, *, max_columns: int) -> None:
        self._problem, self._max_columns = problem, max_columns
        self._blocks: list[_Block] = []

    def turn_to(self, problem: Penalised) -> None:
        """Serve the same labels, words and columns with another penalty, for which factors are needed anew."""
        self._problem = problem
        for block in self._blocks:
            block.face = block.factor = None

    def refresh(self, model: LocalModel) -> None:
        """Take anew the matrices that no longer fit the model's point: other columns, or another amount of doubt."""
        doubt = model.P * (1.0 - model.P) * model.weight
        totals = doubt.sum(dim=1)
        self._diagonal = torch.outer(totals, self._problem.variance.to(doubt.dtype)) + 2.0 * self._problem.l2
        self._diagonal += torch.finfo(doubt.dtype).tiny
        gain = _violation(self._problem, model.point).square() / self._diagonal
        wanted = _working_sets(self._problem, model.point, gain, max_columns=self._max_columns)
        if not self._blocks:
            none = torch.empty(0, dtype=torch.int64, device=doubt.device)
            self._blocks = [_Block(none, np.empty((0, 0)), doubt.new_empty(0), -1.0) for _ in gain]
        gain.masked_fill_(~wanted, 0.0)
        self.working = torch.zeros_like(wanted)
        minor = _minor(gain.sum(dim=1, dtype=torch.float64))
        for k, (block, total) in enumerate(zip(self._blocks, totals.tolist(), strict=True)):
            lacking = float(gain[k].sum() - gain[k, block.columns].sum()) > _LACKING * float(gain[k].sum())
            if k not in minor and (lacking or not total / _FADED <= block.doubt <= total * _FADED):
                block = self._blocks[k] = _block(model, doubt[k], wanted[k].nonzero()[:, 0])
            self.working[k, block.columns] = True
            self._diagonal[k, block.columns] = block.diagonal + 2.0 * self._problem.l2

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
        with warnings.catch_warnings(), config_context(skip_parameter_validation=True):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of sweeps is meant
            for k in labels:
                block = self._blocks[k]
                if not len(block.columns):
                    continue
                multiple = float(multiples[k])
                start, slope = (values[k, block.columns].double().cpu().numpy() for values in (V, g))
                gram = self._guarded(block, start, slope, multiple)
                l1, l2 = self._problem.l1 / multiple, self._problem.l2 / multiple
                end = elastic_net(gram, gram @ start - slope / multiple, start, l1=l1, l2=l2)
                out[k, block.columns] = torch.from_numpy(end).to(V.device, V.dtype)
                pulled[k] = float((end - start) @ (gram @ (end - start)))
        return pulled

    def _guarded(
        self, block: _Block, start: NDArray[np.float64], slope: NDArray[np.float64], multiple: float
    ) -> NDArray[np.float64]:
        """The label's matrix, with more on the diagonal of columns that are huge at few words.

        A label that is sure of these words has no curvature there, and a step that the matrix allows would move their logits by
        thousands. None moves a word by more than `_FARTHEST`; near the optimum, where little is to be gained, that takes nothing.
        """
        if self._problem.reach is None:
            return block.gram
        reach = self._problem.reach[block.columns].cpu().numpy()
        slope = slope + 2.0 * self._problem.l2 * start
        idle = np.maximum(np.abs(slope) - self._problem.l1, 0.0)
        gain = np.where(start == 0.0, idle, np.abs(slope + self._problem.l1 * np.sign(start)))
        wanted = gain * reach / (_FARTHEST * multiple)
        diagonal = block.gram.diagonal()
        if not (wanted > diagonal).any():
            return block.gram
        lifted = block.gram.copy()
        np.fill_diagonal(lifted, np.maximum(diagonal, wanted))
        return lifted

    def solve(self, r: Tensor, face: Tensor, labels: list[int]) -> Tensor:
        """Multiply `r` (n_live, n_columns) by the inverse of each label's matrix on its `face`, of the diagonal elsewhere.

        A factor of nearly the same columns will do: of those that have left, the inverse is taken and then left out.
        """
        out = torch.where(face & ~self.working, r / self._diagonal, 0.0)
        for k in labels:
            block = self._blocks[k]
            inside = face[k, block.columns]
            if block.face is None or int((inside & ~block.face).sum()) > MINOR * int(inside.sum()):
                gram = torch.from_numpy(block.gram).to(r.device, r.dtype)
                gram = gram if bool(inside.all()) else gram[inside][:, inside]
                block.face, block.factor = inside, _cholesky(gram, 2.0 * self._problem.l2)
            columns = block.columns[block.face]
            if len(columns) and block.factor is not None:
                out[k, columns] = torch.cholesky_solve(r[k, columns][:, None], block.factor)[:, 0]
            late = block.columns[inside & ~block.face]
            if len(late):
                out[k, late] = r[k, late] / self._diagonal[k, late]
        return out.masked_fill_(~face, 0.0)


def _working_sets(problem: Penalised, point: Point, gain: Tensor, *, max_columns: int) -> Tensor:
    """The columns that each label uses and those whose gradient nearly suffices, the largest first, at most as many again.

    Where memory does not allow all, those with the largest `gain` in sight, so that all get their turn.
    """
    used = point.W != 0.0
    wanted = used | (point.G.abs() >= (1.0 - MINOR) * problem.l1)
    if problem.mask is not None:
        wanted &= problem.mask
    most = (2 * used.sum(dim=1)).clamp_min(FEWEST_COLUMNS)
    asked = wanted.sum(dim=1).minimum(most)
    sizes = asked.clamp_max(_largest_block(asked, max_columns**2))
    urgency = torch.where((sizes == asked)[:, None], torch.where(used, math.inf, point.G.abs()), gain)
    urgency.masked_fill_(~wanted, -1.0)
    working = torch.zeros_like(used)
    for k, size in enumerate(sizes.tolist()):
        working[k, urgency[k].topk(size).indices] = True
    return working


def _violation(problem: Penalised, point: Point) -> Tensor:
    """How far each column of each label is from its optimality condition, (n_live, n_columns)."""
    slope = point.G + 2.0 * problem.l2 * point.W
    idle = (slope.abs() - problem.l1).clamp_min(0.0)
    return torch.where(point.W == 0.0, idle, (slope + problem.l1 * point.W.sign()).abs())


def _minor(gains: Tensor) -> set[int]:
    """Labels that have next to nothing to gain together, whose matrices are left as they are."""
    least, order = gains.sort()
    return set(order[: int((least.cumsum(0) < MINOR * gains.sum()).sum())].tolist())


def _largest_block(sizes: Tensor, max_entries: int) -> int:
    """Columns to which the larger blocks must be cut for all to fit."""
    low, high = 1, int(sizes.max().clamp_min(1))
    while low < high:
        middle = (low + high + 1) // 2
        if int(sizes.clamp_max(middle).square().sum()) <= max_entries:
            low = middle
        else:
            high = middle - 1
    return low


def _block(model: LocalModel, doubt: Tensor, columns: Tensor) -> _Block:
    affordable = _ROWS_PER_COLUMN * FEWEST_COLUMNS**3 // max(1, len(columns)) ** 2
    rows, chance = sample(doubt, max(affordable, min(CHUNK_WORDS, _ROWS_PER_COLUMN * len(columns))))
    weight = doubt[rows] / chance
    A = model.columns(rows, columns)
    A -= (weight @ A) / weight.sum().clamp_min(torch.finfo(A.dtype).tiny)
    A *= weight.sqrt()[:, None]
    gram, rounded = A.new_empty((len(columns), len(columns))), A.to(model.precision)
    for strip in in_strips(len(columns)):
        gram[strip.start :, strip] = rounded[:, strip.start :].T @ rounded[:, strip]
        gram[strip, strip.stop :] = gram[strip.stop :, strip].T
    diagonal = gram.diagonal()
    missed = diagonal < _LACKING * float(doubt.sum()) * model.problem.variance[columns].to(diagonal)
    if bool(missed.any()):
        diagonal[missed] = torch.maximum(diagonal[missed], _spread(model, doubt, columns[missed]))
    noise = 0.0 if len(rows) == int((doubt > 0.0).sum()) else _RIDGE * len(columns) / max(1, len(rows))
    rounding = torch.finfo(model.precision).eps
    diagonal += (noise + rounding) * diagonal + torch.finfo(A.dtype).tiny ** 0.5
    return _Block(columns, gram.double().cpu().numpy(), diagonal, float(doubt.sum()))


def _spread(model: LocalModel, doubt: Tensor, columns: Tensor) -> Tensor:
    """The diagonal of a label's matrix from all words of the model, of some columns."""
    A = model.columns(torch.arange(len(doubt), device=doubt.device), columns)
    A -= (doubt @ A) / doubt.sum().clamp_min(torch.finfo(A.dtype).tiny)
    return doubt @ A.square_()


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


def elastic_net(
    gram: NDArray[np.float64], q: NDArray[np.float64], w: NDArray[np.float64], *, l1: float, l2: float
) -> NDArray[np.float64]:
    """A few sweeps of coordinate descent on ``w' gram w / 2 - q' w + l1 |w| + l2 w^2``, from `w` on.

    Scikit-learn stops by the duality gap of the regression behind the Gram matrix. There is none here, so that gap means nothing: a
    tolerance of minus infinity is never met.
    """
    total = l1 + 2.0 * l2
    path = enet_path(
        np.zeros((1, len(q)), order="F"),
        np.ones(1),
        l1_ratio=l1 / total,
        alphas=[total],
        precompute=gram,
        Xy=q,
        coef_init=w.copy(),  # it is changed in place
        check_input=False,
        max_iter=_SWEEPS,
        tol=-np.inf,
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
