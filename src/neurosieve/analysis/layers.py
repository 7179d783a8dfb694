"""Where the selected neurons sit: how many come from each layer, and how many chance would put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neurosieve.errors import NeurosieveError
from neurosieve.notebook import short_repr

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class LayerDistribution:
    """Selected neurons by layer.

    Attributes
    ----------
    table : DataFrame
        One row a layer: layer (as in the table of neurons), n_selected, n_neurons (the layer's width), share (of the
        selection), expected (number if the selection were spread evenly over all neurons).
    """

    __repr__ = short_repr

    table: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def layer_distribution(selected: ArrayLike, neurons: pd.DataFrame) -> LayerDistribution:
    """Count selected neurons in each layer (the paper's Figure 1).

    Parameters
    ----------
    selected : array_like of int
        Neuron numbers, such as a minimal set.
    neurons : DataFrame with columns neuron, layer, index
        The store's table of neurons.

    Returns
    -------
    LayerDistribution
    """
    import pandas as pd

    numbers = np.asarray(selected, dtype=np.intp)
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(neurons)):
        raise NeurosieveError(f"selected holds numbers outside 0 .. {len(neurons) - 1}; pass the store's own table")
    layers = neurons["layer"].to_numpy()
    table = pd.DataFrame(
        [
            {
                "layer": layer,
                "n_selected": int((layers[numbers] == layer).sum()),
                "n_neurons": int((layers == layer).sum()),
            }
            for layer in dict.fromkeys(layers.tolist())
        ]
    )
    table["share"] = table["n_selected"] / max(1, len(numbers))
    table["expected"] = table["n_neurons"] * len(numbers) / len(neurons)
    return LayerDistribution(table)
