"""What a solver takes and gives: a group of probes that share one stream of activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from neurosieve.activations.labels import Loss
from neurosieve.probes.objective import residuals_, value_residuals_


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
    """

    codes: Tensor
    weights: Tensor | None
    n_labels: int
    l1: NDArray[np.float64]
    l2: NDArray[np.float64]
    mask: Tensor | None
    random_state: int
    loss: Loss = "softmax"

    @property
    def n_probes(self) -> int:
        """Number of probes in the group."""
        return len(self.l1)

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
