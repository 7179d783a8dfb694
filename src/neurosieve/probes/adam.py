"""The stochastic solver: Adam on shuffled mini-batches, for a whole group of probes at once.

This is the paper's recipe (10 epochs, batches of 512, learning rate 1e-3). The gradient of the softmax cross-entropy is
written out, so that one product gives the logits of all probes and one product their gradients; nothing goes through
autograd. What remains is element-wise: softmax, the sign of the weights for L1, and PyTorch's fused Adam, whose
"weight decay" is exactly the gradient of the squared L2 penalty.

``recipe="neurox"`` replays the released tool kit instead: L2 norm not squared, batches in stored order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosieve.errors import NeurosieveError
from neurosieve.probes.checks import require_whole
from neurosieve.probes.objective import penalty
from neurosieve.probes.problem import GroupProblem, GroupSolution
from neurosieve.probes.products import chosen_precision, products_of
from neurosieve.probes.stream import ActivationStream


@dataclass(frozen=True, slots=True)
class AdamSettings:
    """Settings of the solver.

    Attributes
    ----------
    epochs : int
        Passes over the training words.
    batch_size : int
        Words a batch.
    learning_rate : float
    recipe : {"paper", "neurox"}
        ``"paper"``: squared L2, batches shuffled anew each epoch. ``"neurox"``: L2 norm not squared, stored order.
    products : {"auto", "float32", "bfloat16"}
        In what matrices are multiplied; ``"auto"`` takes what is faster on the device for data that are
        not small (see `neurosieve.probes.products`).
    """

    epochs: int = 10
    batch_size: int = 512
    learning_rate: float = 1e-3
    recipe: Literal["paper", "neurox"] = "paper"
    products: str = "auto"

    def __post_init__(self) -> None:
        require_whole(epochs=self.epochs, batch_size=self.batch_size)
        if self.epochs < 1 or self.batch_size < 1 or not self.learning_rate > 0:
            raise NeurosieveError(
                f"epochs={self.epochs}, batch_size={self.batch_size}, learning_rate={self.learning_rate}: "
                "each must be positive"
            )
        if self.recipe not in ("paper", "neurox"):
            raise NeurosieveError(f"recipe is {self.recipe!r}; expected 'paper' or 'neurox'")

    @property
    def units(self) -> int:
        """Units of progress that a probe counts for."""
        return self.epochs


Settings = AdamSettings
"""What `neurosieve.probes.solvers` asks for."""

_ELEMENTWISE = 50
"""Multiplications that take as long as all that is done to a word and label in a pass, besides products."""


def work(settings: AdamSettings, *, n_words: int, n_labels: int, n_columns: int) -> float:
    """Multiplications that fitting a probe takes as long as: two products forwards, one back, and the softmax."""
    return float(settings.epochs * n_words * n_labels * (3 * n_columns + _ELEMENTWISE))


def initial_weights(
    n_labels: int, n_columns: int, random_state: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (n_labels, n_columns) and intercepts (n_labels,) uniform in +-1/sqrt(n_columns), as `torch.nn.Linear`."""
    generator = np.random.default_rng((random_state, 0))
    bound = np.float32(1.0 / np.sqrt(n_columns))
    W = generator.random((n_labels, n_columns), dtype=np.float32) * (2 * bound) - bound
    b = generator.random(n_labels, dtype=np.float32) * (2 * bound) - bound
    return W, b


def _starting_point(problem: GroupProblem, stream: ActivationStream) -> tuple[Tensor, Tensor]:
    width = stream.width
    W = torch.zeros((problem.n_probes, problem.n_labels, width), dtype=torch.float32)
    b = torch.zeros((problem.n_probes, problem.n_labels), dtype=torch.float32)
    drawn: dict[int, tuple[Tensor, Tensor]] = {}
    for i in range(problem.n_probes):
        used = None if problem.mask is None else problem.mask[i].cpu()
        n_used = width if used is None else int(used.sum())
        if n_used not in drawn:
            start = initial_weights(problem.n_labels, n_used, problem.random_state)
            drawn[n_used] = torch.from_numpy(start[0]), torch.from_numpy(start[1])
        W[i, :, slice(None) if used is None else used] = drawn[n_used][0]
        b[i] = drawn[n_used][1]
    return W.to(stream.device, stream.dtype), b.to(stream.device, stream.dtype)


def solve(
    stream: ActivationStream,
    problem: GroupProblem,
    settings: AdamSettings,
    progress: Callable[[float], None] | None = None,
) -> GroupSolution:
    """Fit a group of probes.

    Parameters
    ----------
    stream : ActivationStream
        n_words x n_columns.
    problem : GroupProblem
    settings : AdamSettings
    progress : callable, optional
        Called with the number of passes done, after each batch.

    Returns
    -------
    GroupSolution
        In the coordinates of the stream (standardised, if the stream standardises).
    """
    n_probes, n_labels, width = problem.n_probes, problem.n_labels, stream.width
    paper = settings.recipe == "paper"
    W, b = _starting_point(problem, stream)
    gradient = torch.empty_like(W)
    l1 = torch.from_numpy(problem.l1).to(W)[:, None, None]
    norm_l2 = None if paper else torch.from_numpy(problem.l2).to(W)[:, None, None]
    b_gradient = torch.empty_like(b)
    optimizer = _fused_adam(W, gradient, b, b_gradient, problem, settings)
    inactive = None if problem.mask is None else ~problem.mask[:, None, :]
    order = np.random.default_rng((problem.random_state, 1)) if paper else None
    size = min(settings.batch_size, stream.n_words)
    precision = chosen_precision(settings.products, stream.device, stream.n_words * width)
    products = products_of(W.view(-1, width), size, precision)
    losses = torch.zeros(n_probes, dtype=stream.dtype, device=stream.device)
    penalties = torch.zeros(n_probes, dtype=torch.float64)
    done = 0
    for epoch in range(settings.epochs):
        last = epoch == settings.epochs - 1
        for rows, X in stream.batches(settings.batch_size, order):
            scores = products.logits(b.view(-1), X)
            by_probe = scores.view(n_probes, n_labels, -1)
            problem.residuals_(by_probe, rows, losses=losses if last else None)
            _write_penalty_gradient(gradient, W, l1, norm_l2)
            products.add_gradient(scores, X, gradient.view(-1, width))
            torch.sum(by_probe, dim=2, out=b_gradient)
            if inactive is not None:
                gradient.masked_fill_(inactive, 0.0)  # zero gradients keep unused weights at exactly zero in Adam
            optimizer.step()
            done += len(X)
            if progress is not None:
                progress(done / stream.n_words)
    for i in range(n_probes):
        form: Literal["squared", "norm"] = "squared" if paper else "norm"
        penalties[i] = float(penalty(W[i], float(problem.l1[i]), float(problem.l2[i]), l2_form=form))
    objective = losses.cpu().double() / stream.n_words + penalties
    n_passes = np.full(n_probes, float(settings.epochs))
    return GroupSolution(W, b, objective.numpy(), None, n_passes, [products.precision] * n_probes, shuffled=paper)


def _fused_adam(
    W: Tensor, gradient: Tensor, b: Tensor, b_gradient: Tensor, problem: GroupProblem, settings: AdamSettings
) -> torch.optim.Adam:
    """PyTorch's Adam over views of the group's weights, one parameter a run of probes with equal l2."""
    groups = []
    bounds = [0, *(np.flatnonzero(np.diff(problem.l2)) + 1).tolist(), problem.n_probes]
    for start, stop in pairwise(bounds):
        view = W[start:stop]
        view.grad = gradient[start:stop]
        decay = 2.0 * float(problem.l2[start]) if settings.recipe == "paper" else 0.0
        groups.append({"params": [view], "weight_decay": decay})
    b.grad = b_gradient
    groups.append({"params": [b], "weight_decay": 0.0})
    return torch.optim.Adam(groups, lr=settings.learning_rate, fused=True)


def _write_penalty_gradient(gradient: Tensor, W: Tensor, l1: Tensor, norm_l2: Tensor | None) -> None:
    """Overwrite `gradient` with that of the penalties; the gradient product is then added to it by the same kernel.

    The sign of a weight that is exactly zero is taken as positive, which saves a pass over the weights and changes
    nothing: such a weight is either masked, or zero by a coincidence of its random start. Squared L2 is Adam's decay.
    """
    torch.copysign(l1, W, out=gradient)
    if norm_l2 is not None:
        norms = W.square().sum(dim=(1, 2), keepdim=True).sqrt_()
        gradient.addcmul_(W, norm_l2 / norms.clamp_min_(torch.finfo(W.dtype).tiny))
