"""Metrics in which the exact solver takes its proximal steps: quadratics that stand in for one probe's cross-entropy.

With its intercept eliminated, the cross-entropy has a Hessian whose block of label k is the covariance of the
activations weighted by ``p_k (1 - p_k)``: the words that label k is still in doubt about. Both metrics here keep these
blocks and drop what couples labels; a common multiple, found by backtracking, makes up for that (2 always suffices for
the exact blocks).

- `DiagonalMetric`: ``L_k variance_j``. Free to apply, and each label has steps as long as its own curvature allows.
- `BlockMetric`: the block itself, on the label's working set of columns; other columns without weight stay without until
  a later metric takes them in. A step is then a small elastic net a label, solved on its Gram matrix, and several times
  fewer passes over the activations remain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from neurosieve.probes.prox_objective import Penalised
from neurosieve.probes.prox_passes import Gradient, Logits, Request

_FIRST_POWER_STEPS, _LATER_POWER_STEPS, _POWER_WORDS = 6, 2, 4096
_SMALLEST = 1e-30

_BLOCK_BYTES = 256 << 20
"""Of one probe's blocks together. Where all labels' working sets do not fit, the largest ones are cut."""

_GROWTH, _FEWEST_COLUMNS = 1.5, 128
"""Size of a label's working set, as a multiple of the columns that it uses, and at least."""

_NEARLY = 0.95
"""Share of the threshold l1 from which a column without weight is taken into the working set."""

_USED_FIRST = 1e6
"""Factor that puts columns in use before all others."""

_ROWS_PER_COLUMN, _FEWEST_ROWS = 2, 1024
_RATE_STEPS = 5
_BOUND_MARGIN = 1.001
"""Of a block's correlations C: ``|C^2|_F^(1/2)`` is no less than their largest eigenvalue, and little more."""

_RIDGE = 0.03
"""Share of the diagonal added to a block, against the noise of its sample of words."""

_BLOCK_ITERATIONS, _BLOCK_CHECK, _BLOCK_ACCURACY = 60, 4, 0.03
"""Of a block's elastic net: steps at most, steps between tests, and the share of the first step at which it is solved."""

Result = TypeVar("Result")


class Metric(Protocol):
    """A quadratic metric with an elastic-net step."""

    def step(self, ahead: Tensor, G: Tensor, start: Tensor, *, multiple: float) -> tuple[Tensor, Tensor]:
        """Minimise ``G . (V - ahead) + multiple / 2 |V - ahead|^2 + penalty(V)`` over V.

        Parameters
        ----------
        ahead, G, start : Tensor of shape (n_live, n_columns)
            Where the gradient was taken, the gradient, and where to start looking.
        multiple : float

        Returns
        -------
        V : Tensor of shape (n_live, n_columns)
        pull : Tensor of shape (n_live, n_columns)
            The metric applied to ``V - ahead``, without `multiple`.
        """
        ...


@dataclass(frozen=True, slots=True)
class DiagonalMetric:
    """``L_k variance_j``, shape (n_live, n_columns)."""

    problem: Penalised
    diagonal: Tensor

    def step(self, ahead: Tensor, G: Tensor, start: Tensor, *, multiple: float) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Soft thresholding; see `Metric.step`."""
        curvature = self.diagonal * multiple
        V = self.problem.prox(ahead - G / curvature, curvature)
        return V, self.diagonal * (V - ahead)


@dataclass(frozen=True, slots=True)
class _Block:
    """One label's working set.

    Attributes
    ----------
    columns : Tensor of shape (n_working,), int64
    diagonal : Tensor of shape (n_working,)
        A diagonal that exceeds the Gram matrix.
    descent : Tensor of shape (n_working, n_working)
        ``I - gram / diagonal[:, None]``: a gradient step in one product.
    """

    columns: Tensor
    diagonal: Tensor
    descent: Tensor

    def solve(
        self, problem: Penalised, ahead: Tensor, g: Tensor, start: Tensor, multiple: float
    ) -> tuple[Tensor, Tensor]:
        """Minimise the block's elastic net by accelerated proximal gradient; see `Metric.step`, shapes (n_working,)."""
        curvature = multiple * self.diagonal
        threshold, shrink = problem.l1 / curvature, 1.0 / (1.0 + 2.0 * problem.l2 / curvature)
        below, constant = -threshold, ahead - self.descent @ ahead - g / curvature
        V, V_before, momentum, first = start, start, 1.0, 0.0
        for iteration in range(1, _BLOCK_ITERATIONS + 1):
            following = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
            A = torch.lerp(V_before, V, 1.0 + (momentum - 1.0) / following)
            B = torch.addmv(constant, self.descent, A)
            V_next = B.sub_(B.clamp(below, threshold)).mul_(shrink)
            V_before, V, momentum = V, V_next, following
            if iteration % _BLOCK_CHECK == 1:
                change = (V - A).mul_(self.diagonal)
                size = float(change.norm())
                first = max(first, size)
                if size < _BLOCK_ACCURACY * first or size == 0.0:
                    break
                if float(change @ (V - V_before)) < 0.0:
                    momentum = 1.0
        move = V - ahead
        return V, self.diagonal * (move - self.descent @ move)


@dataclass(frozen=True, slots=True)
class BlockMetric:
    """Each label's own Gram matrix on its working set; on its other columns, the diagonal metric if they have weight.

    Attributes
    ----------
    problem : Penalised
    outside : DiagonalMetric
    blocks : tuple of _Block
        One a label.
    frozen : Tensor of shape (n_live, n_columns), bool
        Columns that stay without weight.
    """

    problem: Penalised
    outside: DiagonalMetric
    blocks: tuple[_Block, ...]
    frozen: Tensor

    def step(self, ahead: Tensor, G: Tensor, start: Tensor, *, multiple: float) -> tuple[Tensor, Tensor]:
        """One small elastic net a label; see `Metric.step`."""
        V, _ = self.outside.step(ahead, G, start, multiple=multiple)
        V.masked_fill_(self.frozen, 0.0)
        pull = self.outside.diagonal * (V - ahead)

        def solve(k: int) -> None:
            block = self.blocks[k]
            at = block.columns
            if len(at):
                V[k, at], pull[k, at] = block.solve(self.problem, ahead[k, at], G[k, at], start[k, at], multiple)

        _each_label(solve, len(self.blocks), V.device)
        return V, pull


def diagonal_metric(
    problem: Penalised, P: Tensor, directions: Tensor | None, *, activations: Tensor | None
) -> Generator[Request, Tensor, tuple[DiagonalMetric, Tensor, float]]:
    """The metric at probabilities `P` by power iteration on all labels' blocks at once.

    Parameters
    ----------
    problem : Penalised
    P : Tensor of shape (n_live, n_words)
    directions : Tensor of shape (n_live, n_columns), optional
        What an earlier call returned.
    activations : Tensor of shape (n_words, n_columns), float32, or None
        Centred activations if they are in memory: then a sample of the words will do.

    Returns
    -------
    metric : DiagonalMetric
    directions : Tensor of shape (n_live, n_columns)
    n_passes : float
    """
    spread = problem.variance.to(P.dtype).clamp_min(1e-12).sqrt()
    allowed = spread if problem.mask is None else spread.masked_fill(~problem.mask, float("inf"))
    doubt = P * (1.0 - P) * problem.likelihood.weights_as(P)
    steps = _LATER_POWER_STEPS
    if directions is None:
        steps = _FIRST_POWER_STEPS
        generator = torch.Generator().manual_seed(0)
        directions = torch.randn((len(P), len(spread)), generator=generator, dtype=P.dtype).to(P.device)
    passes, X = float(steps), None
    if activations is not None:
        share = (doubt / doubt.sum(dim=1, keepdim=True).clamp_min(_SMALLEST)).sum(dim=0)  # rare labels count as much
        rows, chance = _sample(share, _POWER_WORDS)
        X, doubt = activations[rows].to(P.dtype), doubt[:, rows] / chance
        passes *= len(rows) / len(activations)
    total = doubt.sum(dim=1, keepdim=True).clamp_min(_SMALLEST)
    for _ in range(steps):
        unit = directions / directions.norm(dim=1, keepdim=True).clamp_min(_SMALLEST) / allowed
        Z = (yield Logits(unit)) if X is None else unit @ X.T
        Z = doubt * (Z - (doubt * Z).sum(dim=1, keepdim=True) / total)
        directions = ((yield Gradient(Z)) if X is None else Z @ X) / allowed
    largest = directions.norm(dim=1, keepdim=True)
    largest = largest.clamp_min(1e-6 * float(largest.max()) + _SMALLEST)
    return DiagonalMetric(problem, largest * spread.square()), directions, passes


def block_metric(
    problem: Penalised, X: Tensor, P: Tensor, *, W: Tensor, G: Tensor, outside: DiagonalMetric
) -> BlockMetric:
    """The metric at probabilities `P`, from a sample of words and the columns in use at `W` or about to be.

    Parameters
    ----------
    problem : Penalised
    X : Tensor of shape (n_words, n_columns), float32
        Centred activations.
    P : Tensor of shape (n_live, n_words)
    W, G : Tensor of shape (n_live, n_columns)
        Weights and the gradient of the cross-entropy near them.
    outside : DiagonalMetric
    """
    spread = problem.variance.to(W.dtype).sqrt()
    doubt = P * (1.0 - P) * problem.likelihood.weights_as(P)
    urgency = (G.abs() - _NEARLY * problem.l1) / (outside.diagonal + 2.0 * problem.l2) * spread  # a step's length
    urgency = torch.where(W != 0.0, (urgency.clamp_min(0.0) + W.abs() * spread) * _USED_FIRST, urgency)
    if problem.mask is not None:
        urgency = urgency.masked_fill(~problem.mask, -1.0)
    wanted = (_GROWTH * (W != 0.0).sum(dim=1)).long().clamp_min(_FEWEST_COLUMNS)
    sizes = wanted.minimum((urgency > 0.0).sum(dim=1)).tolist()
    largest = _largest_block(sizes)
    frozen = W == 0.0

    def block_of(k: int) -> _Block:
        columns = urgency[k].topk(min(sizes[k], largest)).indices.sort().values
        frozen[k, columns] = False
        return _block(X, doubt[k], columns)

    blocks = tuple(_each_label(block_of, len(W), W.device))
    return BlockMetric(problem, outside, blocks, frozen)


def _largest_block(sizes: list[int]) -> int:
    """Columns to which the larger blocks must be cut for all to fit."""
    return bisect_right(
        range(1, max(sizes) + 1), _BLOCK_BYTES, key=lambda cut: 4 * sum(min(n, cut) ** 2 for n in sizes)
    )


def block_bytes(n_labels: int, n_columns: int) -> int:
    """Largest size of one probe's `BlockMetric`."""
    return min(_BLOCK_BYTES, 4 * n_labels * n_columns**2)


def _each_label(work: Callable[[int], Result], n_labels: int, device: torch.device) -> list[Result]:
    """Results of `work` for each label; on a CPU a thread takes whole labels, whose products are too small to share."""
    n_threads = torch.get_num_threads()
    if device.type != "cpu" or n_threads == 1:
        return [work(k) for k in range(n_labels)]
    with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(work, range(n_labels)))


def _block(X: Tensor, doubt: Tensor, columns: Tensor) -> _Block:
    rows, share = _sample(doubt, max(_FEWEST_ROWS, _ROWS_PER_COLUMN * len(columns)))
    weight = doubt[rows] / share
    A = X[rows][:, columns].to(doubt.dtype)
    A -= (weight @ A) / weight.sum().clamp_min(_SMALLEST)
    A *= weight.sqrt()[:, None]
    gram = A.T @ A
    own = gram.diagonal()
    own += _RIDGE * own + _SMALLEST
    scale = own.rsqrt()
    correlations = gram * scale[:, None] * scale
    diagonal = _BOUND_MARGIN * (correlations @ correlations).norm().sqrt() * own
    gram /= -diagonal[:, None]
    gram.diagonal().add_(1.0)
    return _Block(columns, diagonal, gram)


def _sample(doubt: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """About `size` words by systematic sampling, and the chance that each had: in proportion to `doubt`, at most 1."""
    if size >= len(doubt):
        rows = doubt.nonzero()[:, 0]
        return rows, doubt.new_ones(len(rows))
    rate = size / max(float(doubt.sum()), _SMALLEST)
    for _ in range(_RATE_STEPS):  # words that are certain to be taken leave the others more; rises to the solution
        certain = doubt * rate >= 1.0
        rate = (size - int(certain.sum())) / max(float(doubt[~certain].sum()), _SMALLEST)
    chance = (doubt * rate).clamp(max=1.0)
    steps = (chance.double().cumsum(0) + 0.5).floor()
    rows = (steps.diff(prepend=steps.new_zeros(1)) > 0.0).nonzero()[:, 0]
    return rows, chance[rows]
