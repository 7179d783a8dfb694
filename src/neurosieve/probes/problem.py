"""What a solver takes and gives: a group of probes that share one stream of activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from neurosieve.activations.labels import Loss
from neurosieve.probes.objective import residuals_, value_residuals_


def row_of(values: Tensor | None, number: int) -> Tensor | None:
    """One probe's row of what has a row a probe, or one for all; None where there is none."""
    return None if values is None else values[number if len(values) > 1 else 0]


@dataclass(frozen=True, slots=True)
class GroupProblem:
    """A group of probes with equally many labels, in the form that solvers take.

    Attributes
    ----------
    codes : Tensor of shape (1 or n_probes, n_words), int64
        Label numbers, -1 where a word takes no part; one row if all probes share their labels. For real values instead
        floating point, 0 where a word takes no part.
    weights : Tensor of shape (1 or n_probes, n_words), or None
        Word weights divided by their mean over all words.
    n_labels : int
    l1, l2 : ndarray of shape (n_probes,)
    mask : Tensor of shape (n_probes, n_columns), bool, or None
        Columns that each probe may use; None if all probes use all columns of the stream.
    random_state : int
    starts : sequence of Tensor of shape (n_labels, n_columns), or None
        Weights that each probe may begin from; None where there are none.
    """

    codes: Tensor
    weights: Tensor | None
    n_labels: int
    l1: NDArray[np.float64]
    l2: NDArray[np.float64]
    mask: Tensor | None
    random_state: int
    loss: Loss = "softmax"
    starts: Sequence[Tensor | None] | None = None

    @property
    def n_probes(self) -> int:
        """Number of probes in the group."""
        return len(self.l1)

    def alike(self, values: Tensor | None, members: Sequence[int] | None = None) -> list[list[int]]:
        """The probes (all, or `members`) in groups that share their row of `values`, in the order of their first."""
        members = range(self.n_probes) if members is None else members
        if values is None or len(values) == 1:
            return [list(members)]
        together: dict[bytes, list[int]] = {}
        for number in members:
            together.setdefault(sha256(values[number].cpu().numpy().tobytes()).digest(), []).append(number)
        return list(together.values())

    def residuals_(self, scores: Tensor, rows: Tensor, *, losses: Tensor | None = None) -> None:
        """Overwrite scores (n_probes, n_labels, n_batch) of the words `rows` by the gradient of their mean loss."""
        weights = None if self.weights is None else self.weights[:, rows]
        loss = residuals_ if self.loss == "softmax" else value_residuals_
        loss(scores, self.codes[:, rows], weights, out=scores, losses=losses)


@dataclass(frozen=True, slots=True)
class GroupSolution:
    """Weights (n_probes, n_labels, n_columns), intercepts (n_probes, n_labels) and what is known of their quality."""

    W: Tensor
    b: Tensor
    objective: NDArray[np.float64]
    gap: NDArray[np.float64] | None
    n_passes: NDArray[np.float64]
    precisions: Sequence[str]
    """In what matrices were multiplied, one a probe; where it is several, the last is that of the certificate."""
    shuffled: bool = False
    """Whether words were visited in the stream's random order, rather than as they are stored."""
    slight: Sequence[bool] | None = None
    """Whether each probe was done since its steps gained little; None where the solver knows no such end."""
