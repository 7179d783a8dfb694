"""Reading backwards: each passage turned round within its own length."""

from __future__ import annotations

import torch
from torch import Tensor


def turned(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each passage, so that padding stands at its end in both directions; twice turned is as before.

    Parameters
    ----------
    x : Tensor of shape (n_passages, n_positions, width)
    lengths : Tensor of shape (n_passages,), int64
    """
    forwards = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)
    backwards = torch.where(forwards < lengths[:, None], lengths[:, None] - 1 - forwards, forwards)
    return x.gather(1, backwards[:, :, None].expand_as(x))


def both_directions(forward: Tensor, backward: Tensor, lengths: Tensor) -> Tensor:
    """Join what the two directions computed, [forward; backward] at each position of the text.

    Parameters
    ----------
    forward, backward : Tensor of shape (n_passages, n_positions, width)
        The second from turned passages.
    lengths : Tensor of shape (n_passages,), int64
    """
    return torch.cat([forward, turned(backward, lengths)], dim=-1)
