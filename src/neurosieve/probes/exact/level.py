"""What all labels' weights share: adding the same to all of a column changes no probability, so only the penalty decides it.

Steps that are made of curvature do not see this direction, as the likelihood has none there. It is solved exactly instead:
a weighted median for each column. Where most of a column's weights are zero, as in most sparse probes, it is zero.
"""

from __future__ import annotations

import torch
from torch import Tensor


def levelled(W: Tensor, *, l1: float, l2: float) -> Tensor:
    """The weights shifted, column by column, to the smallest penalty ``l1 |W| + l2 W^2``; `W` itself if that is it.

    Parameters
    ----------
    W : Tensor of shape (n_labels, n_columns)
    l1, l2 : float

    Returns
    -------
    Tensor of shape (n_labels, n_columns)
    """
    signs, zeros = W.sign().sum(dim=0), (W == 0.0).sum(dim=0)
    slope = l1 * signs + 2.0 * l2 * W.sum(dim=0)
    slanted = (slope.abs() > l1 * zeros).nonzero()[:, 0]
    if not len(slanted) or l1 == l2 == 0.0:
        return W
    out = W.clone()
    out[:, slanted] -= _cheapest_shift(W[:, slanted], l1=l1, l2=l2)
    return out


def _cheapest_shift(W: Tensor, *, l1: float, l2: float) -> Tensor:
    """Minimiser of ``sum_k l1 |w_k - t| + l2 (w_k - t)^2`` for each column, (n_columns,).

    Between two neighbouring weights the derivative is zero at the mean plus a multiple of l1 / l2 that depends on how many
    weights lie on either side; the minimiser is the median of these points and the weights together.
    """
    n_labels = len(W)
    if l2 == 0.0:
        order = W.sort(dim=0).values
        return torch.zeros_like(order[0]).clamp(order[(n_labels - 1) // 2], order[n_labels // 2])
    sides = torch.arange(n_labels, -n_labels - 1, -2, dtype=W.dtype, device=W.device)
    flat = W.mean(dim=0) + sides[:, None] * (l1 / (2.0 * l2 * n_labels))
    return torch.cat([W, flat]).median(dim=0).values
