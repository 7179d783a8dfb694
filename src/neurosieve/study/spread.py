"""Where each seed's minimal set sits, and how its labels share it: what comparisons across models are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from neurosieve.activations.store import ActivationStore
from neurosieve.analysis.architectures import architecture_row, effective_neurons
from neurosieve.analysis.labels import label_distribution
from neurosieve.analysis.layers import layer_distribution
from neurosieve.rankings.ranking import NeuronRanking

FILES = {"layers": "layers.csv", "labels": "labels.csv", "architecture": "architectures.csv"}
"""Where a run writes each table."""


def spread_by_seed(
    rankings: Sequence[NeuronRanking], sets: Mapping[str, Sequence[int]], neurons: pd.DataFrame, *, delta: float
) -> dict[str, pd.DataFrame]:
    """Count layers and labels of every seed's minimal set.

    Parameters
    ----------
    rankings : sequence of NeuronRanking
        One a seed.
    sets : mapping of str to sequence of int
        Minimal sets by ``"seed/delta"``, as the stage leaves them.
    neurons : DataFrame with columns neuron, layer, index
    delta : float
        Which sets.

    Returns
    -------
    dict of str to DataFrame
        ``layers``: seed, delta, layer, n_selected, n_neurons, share, expected. ``labels``: seed, delta, label,
        n_neurons, n_exclusive, main_layer, main_layer_share, effective_neurons. ``architecture``: seed, delta and what
        `neurosieve.analysis.architectures.architecture_row` gives.
    """
    layers, labels, rows = [], [], []
    for seed, ranking in enumerate(rankings):
        chosen = sets[f"{seed}/{delta}"]
        at = {"seed": seed, "delta": delta}
        layers.append(layer_distribution(chosen, neurons).table.assign(**at))
        table = label_distribution(ranking, len(chosen), neurons).table
        labels.append(table.assign(effective_neurons=effective_neurons(ranking), **at))
        rows.append({**at, **architecture_row(ranking, len(chosen), neurons)})
    found = {
        "layers": pd.concat(layers, ignore_index=True),
        "labels": pd.concat(labels, ignore_index=True),
        "architecture": pd.DataFrame(rows),
    }
    return {name: table[[*at, *(c for c in table if c not in at)]] for name, table in found.items()}


def labelled_sentences(store: ActivationStore, prop: str) -> dict[str, int]:
    """Number of sentences of each split that hold a word with a label."""
    words = store.words
    counts = words[words[prop].notna()].groupby("split", observed=True)["sentence"].nunique()
    return {split: int(counts.get(split, 0)) for split in ("train", "dev", "test")}
