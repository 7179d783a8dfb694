"""How many neurons each label takes: focused or distributed, and in which layer most of them sit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.notebook import short_repr
from neurosieve.rankings.ranking import NeuronRanking

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class LabelDistribution:
    """Neurons that each label takes among a selection.

    Attributes
    ----------
    table : DataFrame
        One row a label: label, n_neurons (that the label takes), n_exclusive (that no other label takes),
        main_layer (the layer that holds most of them; the lowest of equals), main_layer_share.
    share : float
        The share of the labels' weight mass at which the selection is reached.
    n_selected : int
        Size of the selection.
    """

    __repr__ = short_repr

    table: pd.DataFrame
    share: float
    n_selected: int

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def label_distribution(ranking: NeuronRanking, n_selected: int, neurons: pd.DataFrame) -> LabelDistribution:
    """Count the neurons that each label contributes to the top `n_selected` (the paper's Figures 2, 4 and 5).

    The selection is reached at some share of weight mass; each label takes the neurons that hold this share of its own
    mass. A neuron may be taken by several labels.

    Parameters
    ----------
    ranking : NeuronRanking
    n_selected : int
        Size of the selection, such as that of a minimal set.
    neurons : DataFrame with columns neuron, layer, index
        The store's table of neurons.

    Returns
    -------
    LabelDistribution
    """
    taken, share = taken_by_labels(ranking, n_selected)
    return LabelDistribution(_table(ranking.labels.tolist(), [taken], neurons), share=share, n_selected=int(n_selected))


def mean_label_distribution(
    selections: Sequence[tuple[NeuronRanking, int]], neurons: pd.DataFrame
) -> LabelDistribution:
    """The mean of the label distributions of several seeds.

    Parameters
    ----------
    selections : sequence of (NeuronRanking, int)
        Ranking and size of the selection of each seed; all rankings have the same labels.
    neurons : DataFrame with columns neuron, layer, index
        The store's table of neurons.

    Returns
    -------
    LabelDistribution
        Numbers of neurons, the share and the size are means; the main layer holds most of a label's neurons over all
        seeds.
    """
    found = [taken_by_labels(ranking, n) for ranking, n in selections]
    return LabelDistribution(
        _table(selections[0][0].labels.tolist(), [taken for taken, _ in found], neurons),
        share=float(np.mean([share for _, share in found])),
        n_selected=round(float(np.mean([n for _, n in selections]))),
    )


def _table(labels: list[object], seeds: list[NDArray[np.bool_]], neurons: pd.DataFrame) -> pd.DataFrame:
    """One row a label, from the neurons that it takes (n_labels, n_neurons) in each seed; whole numbers for one seed."""
    import pandas as pd

    def mean(counts: list[int]) -> float:
        return counts[0] if len(counts) == 1 else float(np.mean(counts))

    layers = neurons["layer"].to_numpy()
    names = list(dict.fromkeys(layers.tolist()))
    rows = []
    for number, label in enumerate(labels):
        taken = [seed[number] for seed in seeds]
        counts = [sum(int((layers[row] == layer).sum()) for row in taken) for layer in names]
        n, peak = sum(counts), int(np.argmax(counts))
        rows.append(
            {
                "label": label,
                "n_neurons": mean([int(row.sum()) for row in taken]),
                "n_exclusive": mean([int((seed[number] & (seed.sum(axis=0) == 1)).sum()) for seed in seeds]),
                "main_layer": names[peak] if n else None,
                "main_layer_share": counts[peak] / n if n else np.nan,
            }
        )
    return pd.DataFrame(rows)


def taken_by_labels(ranking: NeuronRanking, n_selected: int) -> tuple[NDArray[np.bool_], float]:
    """Which neurons of the top `n_selected` each label takes.

    Parameters
    ----------
    ranking : NeuronRanking
    n_selected : int

    Returns
    -------
    taken : ndarray of shape (n_labels, n_neurons), bool
    share : float
        The share of the labels' weight mass at which the selection is reached.
    """
    key, _, label_keys = ranking.require_mass("counting the neurons that labels take")
    chosen = ranking.top(int(n_selected))
    share = float(key[chosen[-1]]) if len(chosen) else 0.0
    # Neurons beyond the selection can share the last key by a tie; they are not part of the selection.
    member = np.zeros(ranking.n_neurons, dtype=bool)
    member[chosen] = True
    return (label_keys <= share) & member & np.isfinite(label_keys), share
