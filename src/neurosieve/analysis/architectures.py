"""How an architecture holds a property: neurons of one label or of many, focused or spread, against chance (section 5.2).

Everything is counted on the neurons that each label takes of a selection such as a minimal set
(`neurosieve.analysis.labels`), one seed at a time, so that models can be compared with an interval over seeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.analysis.labels import taken_by_labels
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.ranking import NeuronRanking

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "n_selected",
    "n_labels",
    "neurons_per_label",
    "n_exclusive",
    "n_shared",
    "distributedness",
    "layer_evenness",
    "overlap",
    "overlap_by_chance",
    "overlap_z",
)
"""What `architecture_row` gives."""


def effective_neurons(ranking: NeuronRanking) -> NDArray[np.float64]:
    """How many neurons each label spreads its weight over: the exponential of the entropy of its shares of mass [1]_.

    A label with all its weight on one neuron has 1, a label with equal weights on k neurons has k. Unlike a count of
    weights that are not zero it needs no threshold.

    Parameters
    ----------
    ranking : NeuronRanking
        By weight mass.

    Returns
    -------
    ndarray of shape (n_labels,), float64
        NaN for a label without weight.

    References
    ----------
    .. [1] Hill. Diversity and Evenness: A Unifying Notation and Its Consequences. Ecology 54, 1973 (the number of
       order 1).
    """
    found = np.full(len(ranking.labels), np.nan)
    _, _, label_keys = ranking.require_mass("the number of effective neurons")
    for number, keys in enumerate(label_keys):
        before = np.sort(keys[np.isfinite(keys)])  # the share of mass held by the neurons before each
        if len(before):
            mass = np.diff(np.append(before, 1.0))
            mass = mass[mass > 0]
            found[number] = np.exp(-(mass * np.log(mass)).sum())
    return found


def label_overlap(taken: NDArray[np.bool_], layers: NDArray[np.generic]) -> tuple[float, float, float]:
    """How far labels take the same neurons, against labels that choose independently within each layer.

    The overlap is the number of neurons that two labels both take, divided by the size of the smaller set, both summed
    over all pairs of labels: 0 where all sets are disjoint, 1 where each lies in the larger ones. Under the null each
    label keeps the number of neurons that it takes of every layer, and which they are is permuted. The permutations are
    not drawn: the size of an intersection is then hypergeometric and uncorrelated between pairs, so that mean and
    variance over all permutations are known exactly.

    Parameters
    ----------
    taken : ndarray of shape (n_labels, n_neurons), bool
    layers : ndarray of shape (n_neurons,)
        The layer of each neuron.

    Returns
    -------
    overlap, expected, deviation : float
        The overlap, and its mean and standard deviation under the null; NaN with fewer than two labels that take any.
    """
    taken = taken[taken.any(axis=1)]
    sizes = np.sort(taken.sum(axis=1))
    if len(sizes) < 2:
        return np.nan, np.nan, np.nan
    smaller = float((sizes * np.arange(len(sizes) - 1, -1, -1)).sum())  # a set is the smaller with all larger ones
    users = taken.sum(axis=0).astype(np.float64)
    both = float((users * (users - 1)).sum() / 2)
    mean = variance = 0.0
    for layer in dict.fromkeys(layers.tolist()):
        inside = layers == layer
        width = int(inside.sum())
        counts = taken[:, inside].sum(axis=1).astype(np.float64)
        mean += _pairs(counts) / width
        if width > 1:
            variance += _pairs(counts * (width - counts)) / (width**2 * (width - 1))
    return both / smaller, mean / smaller, float(np.sqrt(variance)) / smaller


def _pairs(values: NDArray[np.float64]) -> float:
    """Sum over all pairs of the products of two values."""
    return float((values.sum() ** 2 - (values**2).sum()) / 2)


def layer_evenness(selected: NDArray[np.intp], layers: NDArray[np.generic]) -> float:
    """How evenly a selection is spread over layers: 1 if each holds the same share of its neurons, 0 if one holds all.

    The entropy of the layers' shares (number selected, divided by the layer's width), divided by its largest value [1]_.

    References
    ----------
    .. [1] Pielou. The measurement of diversity in different types of biological collections. J. Theor. Biol. 13, 1966.
    """
    names, widths = np.unique(layers, return_counts=True)
    if len(names) < 2 or not len(selected):
        return float("nan")
    chosen = np.array([(layers[selected] == name).sum() for name in names]) / widths
    share = chosen[chosen > 0] / chosen.sum()
    return float(-(share * np.log(share)).sum() / np.log(len(names))) + 0.0  # not -0.0


def architecture_row(ranking: NeuronRanking, n_selected: int, neurons: pd.DataFrame) -> dict[str, float]:
    """Say how one seed's ranking holds a property.

    Parameters
    ----------
    ranking : NeuronRanking
    n_selected : int
        Size of the selection, such as the minimal set.
    neurons : DataFrame with columns neuron, layer, index
        The store's table of neurons.

    Returns
    -------
    dict of str to float
        ``n_selected``; ``n_labels`` that take any neuron; ``neurons_per_label`` (median over these labels);
        ``n_exclusive`` and ``n_shared`` (selected neurons that one label takes, and more than one); ``distributedness``
        (`effective_neurons` as a share of all neurons, mean over labels: the larger, the more distributed);
        ``layer_evenness``; ``overlap``, ``overlap_by_chance`` and ``overlap_z`` (of `label_overlap`; z counts standard
        deviations of the null).

    Raises
    ------
    NeurosieveError
        If the table is of another model.
    """
    if len(neurons) != ranking.n_neurons:
        raise NeurosieveError(
            f"the table has {len(neurons)} neurons, the ranking {ranking.n_neurons}; pass the store's own"
        )
    taken, _ = taken_by_labels(ranking, n_selected)
    layers = neurons["layer"].to_numpy()
    sizes, users = taken.sum(axis=1), taken.sum(axis=0)
    spread = effective_neurons(ranking)
    overlap, expected, deviation = label_overlap(taken, layers)
    return {
        "n_selected": int(n_selected),
        "n_labels": int((sizes > 0).sum()),
        "neurons_per_label": float(np.median(sizes[sizes > 0])) if sizes.any() else np.nan,
        "n_exclusive": int((users == 1).sum()),
        "n_shared": int((users > 1).sum()),
        "distributedness": float(np.nanmean(spread) / ranking.n_neurons) if np.isfinite(spread).any() else np.nan,
        "layer_evenness": layer_evenness(ranking.top(int(n_selected)), layers),
        "overlap": overlap,
        "overlap_by_chance": expected,
        "overlap_z": (overlap - expected) / deviation if deviation > 0 else np.nan,
    }


def mean_interval(values: Iterable[float], *, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of one value a seed, with Student's interval; NaN bounds for fewer than two.

    Parameters
    ----------
    values : iterable of float
    level : float
        Share of such intervals that hold the mean over all seeds, if values are normal.

    Returns
    -------
    mean, low, high : float
    """
    from scipy.stats import t as student

    array = np.asarray([value for value in values if np.isfinite(value)], dtype=float)
    if len(array) < 2:
        return (float(array.mean()) if len(array) else np.nan), np.nan, np.nan
    half = float(student.ppf((1 + level) / 2, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
    return float(array.mean()), float(array.mean()) - half, float(array.mean()) + half
