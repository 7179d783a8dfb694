"""Which of all neurons tell two labels apart: those whose means differ most, for many pairs from one pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.statistics import label_statistics

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1e6
"""The difference of labels that are told apart for certain: the neuron varies within neither."""


def label_pairs(
    split: LabelledSplit, pairs: Sequence[tuple[object, object]] | None = None, *, n_neurons: int = 5, fewest: int = 2
) -> pd.DataFrame:
    """The neurons whose means differ most between two labels, in standard deviations within them (Cohen's d).

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,).
    pairs : sequence of (label, label), optional
        All pairs by default.
    n_neurons : int
        Neurons of each pair.
    fewest : int
        Labels with fewer words are left out: among thousands of neurons some differ far on a few words by chance.

    Returns
    -------
    DataFrame
        first, second, place (0 for the largest difference), index (column of the activations), d (mean of the first label less
        that of the second), mean_first, mean_second (values).

    Raises
    ------
    NeurosieveError
        If a label has no words, or the labels are real values.

    References
    ----------
    Cohen. Statistical Power Analysis for the Behavioral Sciences. 1988, section 2.2.
    """
    import pandas as pd

    best: dict[tuple[int, int], list[tuple[float, int, float, float]]] = {}
    labels: list[object] = []
    offset = 0
    for s in label_statistics(split, name="label pairs"):
        labels = s.labels.tolist()
        numbers = _numbers(labels, pairs)
        often = s.counts >= fewest
        means_z, squares = s.means, s.own_squares
        means = s.center + s.scale * means_z
        for a, b in numbers:
            if pairs is None and not (often[a] and often[b]):
                continue
            d = _difference(means_z, squares, s.counts, pair=(a, b))
            first = np.argsort(-np.abs(d), kind="stable")[:n_neurons]
            new = [(float(d[i]), offset + int(i), float(means[a, i]), float(means[b, i])) for i in first]
            best[a, b] = sorted([*best.get((a, b), []), *new], key=lambda each: -abs(each[0]))[:n_neurons]
        offset += len(s.center)
    rows = [
        (labels[a], labels[b], place, index, d, mean_a, mean_b)
        for (a, b), found in best.items()
        for place, (d, index, mean_a, mean_b) in enumerate(found)
    ]
    return pd.DataFrame(rows, columns=["first", "second", "place", "index", "d", "mean_first", "mean_second"])


def _numbers(labels: list[object], pairs: Sequence[tuple[object, object]] | None) -> list[tuple[int, int]]:
    if pairs is None:
        return list(combinations(range(len(labels)), 2))
    for label in (label for pair in pairs for label in pair):
        if label not in labels:
            there = ", ".join(map(str, labels[:20]))
            raise NeurosieveError(
                f"no word has the label {label!r}; the labels are {there}{', ...' * (len(labels) > 20)}"
            )
    return [(labels.index(a), labels.index(b)) for a, b in pairs]


def _difference(
    means: NDArray[np.float64], squares: NDArray[np.float64], counts: NDArray[np.float64], *, pair: tuple[int, int]
) -> NDArray[np.float64]:
    """Difference of the means of two labels over the standard deviation pooled within both, shape (n_neurons,)."""
    a, b = pair
    within = np.sqrt((squares[a] + squares[b]) / max(counts[a] + counts[b] - 2, 1))
    apart = means[a] - means[b]
    found: NDArray[np.float64] = np.divide(apart, within, out=np.sign(apart) * LARGEST, where=within > 0)
    return found
