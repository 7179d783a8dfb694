"""Weights that training has left where they started: made to differ from what a checkpoint may still hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

DEFAULT_SPREAD = 0.02
"""Standard deviation of a configuration that names none; what most architectures use."""


def unsettle_constants(network: nn.Module, *, spread: float = DEFAULT_SPREAD) -> None:
    """Add noise N(0, spread) to every parameter that is constant, from torch's current random state.

    Parameters
    ----------
    network : torch.nn.Module
    spread : float
        Standard deviation of the noise.
    """
    import torch

    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.numel() and bool((parameter == parameter.flatten()[0]).all()):
                parameter.add_(torch.randn_like(parameter), alpha=spread)
