"""Where each seed's minimal set sits, and how its labels share it: what comparisons across models are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.analysis.architectures import architecture_row, effective_neurons
from neurosieve.analysis.labels import label_distribution
from neurosieve.analysis.layers import layer_distribution
from neurosieve.rankings.ranking import NeuronRanking

FILES = {"layers": "layers.csv", "labels": "labels.csv", "architecture": "architectures.csv"}
"""Where a run writes each table."""


def spread_by_seed(
    rankings: Sequence[NeuronRanking], sets: Mapping[int, NDArray[np.intp]], neurons: pd.DataFrame, *, delta: float
) -> dict[str, pd.DataFrame]:
    """Count layers and labels of every seed's minimal set.

    Parameters
    ----------
    rankings : sequence of NeuronRanking
        One a seed.
    sets : mapping of int to ndarray of shape (n_selected,), int
        Each seed's minimal set.
    neurons : DataFrame with columns neuron, layer, index
    delta : float
        The loss that they are allowed.

    Returns
    -------
    dict of str to DataFrame
        ``layers``: seed, delta, layer, n_selected, n_neurons, share, expected. ``labels``: seed, delta, label,
        n_neurons, n_exclusive, main_layer, main_layer_share, effective_neurons. ``architecture``: seed, delta and what
        `neurosieve.analysis.architectures.architecture_row` gives.
    """
    layers, labels, rows = [], [], []
    for seed, ranking in enumerate(rankings):
        chosen = sets[seed]
        at = {"seed": seed, "delta": delta}
        layers.append(layer_distribution(chosen, neurons).table.assign(**at))
        if ranking.key is None:  # not by weight mass: nothing says which labels take a neuron
            continue
        table = label_distribution(ranking, len(chosen), neurons).table
        labels.append(table.assign(effective_neurons=effective_neurons(ranking), **at))
        rows.append({**at, **architecture_row(ranking, len(chosen), neurons)})
    found = {
        "layers": pd.concat(layers, ignore_index=True),
        "labels": pd.concat(labels, ignore_index=True) if labels else pd.DataFrame(columns=["seed", "delta"]),
        "architecture": pd.DataFrame(rows, columns=None if rows else ["seed", "delta"]),
    }
    return {name: table[[*at, *(c for c in table if c not in at)]] for name, table in found.items()}
