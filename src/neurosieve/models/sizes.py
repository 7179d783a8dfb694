"""How large a model's activations will be, from its configuration alone: no weights are read and none downloaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSize:
    """Size of a model.

    Attributes
    ----------
    widths : tuple of int
        Neurons of each layer.
    n_weights : int
        Weights that a forward pass multiplies by, about; embeddings are left out where they are known.
    """

    widths: tuple[int, ...]
    n_weights: int

    @property
    def n_neurons(self) -> int:
        """Neurons of all layers."""
        return sum(self.widths)
