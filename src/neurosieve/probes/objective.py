"""The objective, in its only home.

    F(W, b) = sum_i w_i CE_i / sum_i w_i  +  l1 * sum |W|  +  l2 * sum W^2

``CE_i`` is the softmax cross-entropy of word i, ``W`` (n_labels x n_neurons) has one row a label, and the intercept
``b`` is not penalised. The paper prints the sum over words; its lambdas (its Table 5) are on the scale of the mean,
which is what its released tool kit computes. That tool kit adds ``l2 * sqrt(sum W^2)``, the norm and not its square:
`penalty` offers it as ``l2_form="norm"`` for comparison only.

Real values take ``1/2 (y_i - x_i W - b)^2`` in place of ``CE_i``, with `y` standardised by its training mean and
deviation, so that the same lambdas mean about the same (`squared_error`).

The same optimum in scikit-learn: ``LogisticRegression(solver="saga", C=1 / (n * (l1 + 2 * l2)), l1_ratio=l1 / (l1 + 2 * l2))``.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

L2Form = Literal["squared", "norm"]

NEGLIGIBLE = 1e-20
"""Probabilities below this count as zero: those below 1e-38 are subnormal numbers, which a processor multiplies a hundred
times more slowly, and a trained probe has many."""


def penalty(W: Tensor, l1: float, l2: float, *, l2_form: L2Form = "squared") -> Tensor:
    """Elastic-net penalty of weights `W` of shape (..., n_labels, n_neurons), one value for each leading index."""
    squares = W.square().sum(dim=(-2, -1))
    return l1 * W.abs().sum(dim=(-2, -1)) + l2 * (squares if l2_form == "squared" else squares.sqrt())


def cross_entropy(logits: Tensor, codes: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted mean cross-entropy of `logits` (n_words, n_labels) against label numbers `codes` (n_words,)."""
    losses = torch.logsumexp(logits, dim=1) - logits.gather(1, codes[:, None])[:, 0]
    return losses.mean() if weights is None else (weights * losses).sum() / weights.sum()


def squared_error(predictions: Tensor, values: Tensor, weights: Tensor | None = None) -> Tensor:
    """Half the weighted mean squared error of `predictions` (n_words,) against `values` (n_words,)."""
    losses = 0.5 * (predictions - values).square()
    return losses.mean() if weights is None else (weights * losses).sum() / weights.sum()


def objective(
    X: Tensor,
    codes: Tensor,
    W: Tensor,
    *,
    b: Tensor,
    l1: float,
    l2: float,
    weights: Tensor | None = None,
    l2_form: L2Form = "squared",
) -> Tensor:
    """Value of the objective, literally as in the formula of this module.

    Parameters
    ----------
    X : Tensor of shape (n_words, n_neurons)
    codes : Tensor of shape (n_words,), int64
    W : Tensor of shape (n_labels, n_neurons)
    b : Tensor of shape (n_labels,)
    l1, l2 : float
    weights : Tensor of shape (n_words,), optional
    l2_form : {"squared", "norm"}
    """
    return cross_entropy(X @ W.T + b, codes, weights) + penalty(W, l1, l2, l2_form=l2_form)


def residuals_(
    logits: Tensor, codes: Tensor, weights: Tensor | None, *, out: Tensor, losses: Tensor | None = None
) -> None:
    """Gradient of the batch's mean cross-entropy with respect to the logits, for a group of probes at once.

    Labels stand before words, so that the softmax runs over a strided dimension with words contiguous: several times
    faster on a CPU than the usual layout, and the result is what the gradient product needs as its left factor.

    Parameters
    ----------
    logits : Tensor of shape (n_probes, n_labels, n_batch)
    codes : Tensor of shape (1 or n_probes, n_batch), int64
        Label numbers; -1 for a word that does not take part (its weight must then be 0).
    weights : Tensor of shape (1 or n_probes, n_batch), or None
        Weight of each word divided by the mean weight of all training words.
    out : Tensor of shape (n_probes, n_labels, n_batch)
        Receives ``weights * (softmax(logits) - onehot(codes)) / n_batch``.
    losses : Tensor of shape (n_probes,), optional
        The weighted cross-entropies of the batch's words are added to it.
    """
    torch.softmax(logits, dim=1, out=out)
    torch.threshold_(out, NEGLIGIBLE, 0.0)
    n_probes, _, n_batch = out.shape
    index = codes.clamp(min=0).view(codes.shape[0], 1, n_batch).expand(n_probes, 1, n_batch)
    if losses is not None:
        surprise = -out.gather(1, index)[:, 0].clamp_min_(torch.finfo(out.dtype).tiny).log_()
        losses += (surprise if weights is None else surprise * weights).sum(dim=1)
    out.scatter_add_(1, index, out.new_full((1, 1, 1), -1.0).expand(n_probes, 1, n_batch))
    if weights is None:
        out.mul_(1.0 / n_batch)
    else:
        out.mul_((weights / n_batch)[:, None, :])


def value_residuals_(
    predictions: Tensor, values: Tensor, weights: Tensor | None, *, out: Tensor, losses: Tensor | None = None
) -> None:
    """Gradient of the batch's mean squared error, as `residuals_` for the cross-entropy.

    Parameters
    ----------
    predictions, out : Tensor of shape (n_probes, 1, n_batch)
    values : Tensor of shape (1 or n_probes, n_batch)
    weights : Tensor of shape (1 or n_probes, n_batch), or None
    losses : Tensor of shape (n_probes,), optional
    """
    torch.sub(predictions, values[:, None, :], out=out)
    if losses is not None:
        halves = 0.5 * out[:, 0].square()
        losses += (halves if weights is None else halves * weights).sum(dim=1)
    out.mul_(1.0 / out.shape[2] if weights is None else (weights / out.shape[2])[:, None, :])
