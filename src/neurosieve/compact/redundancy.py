"""What a property does not need: higher layers, and neurons that say the same as others (Dalvi et al., EMNLP 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.source import ActivationSource, as_source
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.minimal import minimal_neurons
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.memory import available_bytes
from neurosieve.probes.predict import score_probes, scoring_options
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

_BLOCK = 4096


@dataclass(frozen=True)
class ReducedNeurons:
    """What is left of all neurons after each step.

    Attributes
    ----------
    neurons : ndarray of shape (n_selected,), int
        Most salient first.
    highest : object
        The highest layer that is needed, as `layers` names it.
    n_below : int
        Neurons up to that layer.
    representatives : ndarray of shape (n_clusters,), int
        One neuron of each cluster.
    whole, dev : float
        Score on dev of the probe on all neurons, and of that on `neurons`.
    """

    neurons: NDArray[np.intp]
    highest: object
    n_below: int
    representatives: NDArray[np.intp]
    whole: float
    dev: float


def lowest_layer(
    splits: Splits,
    layers: Sequence[object] | NDArray[Any],
    *,
    delta: float = 0.01,
    l1: float = 1e-4,
    l2: float = 1e-4,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> object:
    """The first layer up to which a probe on all layers so far is within `delta` of that on all [1]_.

    Parameters
    ----------
    splits : Splits
    layers : sequence of length n_neurons
        Layer of each neuron, in the order in which the network computes them.
    delta : float
        Allowed loss of the score on dev.
    l1, l2 : float
    **settings
        Of `fit_probes`.

    Raises
    ------
    NeurosieveError
        If there is not one layer a neuron.

    References
    ----------
    .. [1] Dalvi, Sajjad, Durrani, Belinkov. Analyzing Redundancy in Pretrained Transformer Models. EMNLP 2020, section 6.
    """
    given = np.asarray(layers)
    if len(given) != splits.n_neurons:
        raise NeurosieveError(f"there are {len(given)} layers for {splits.n_neurons} neurons; give the layer of each")
    names = list(dict.fromkeys(given.tolist()))
    specs = [
        ProbeSpec(
            splits.train.y, l1=l1, l2=l2, loss=splits.loss, neurons=np.flatnonzero(np.isin(given, names[: number + 1]))
        )
        for number in range(len(names))
    ]
    probes = fit_probes(splits.train.activations, specs, **settings)
    scores = score_probes(splits.dev.activations, probes, splits.dev.y, **scoring_options(settings))
    return names[int(np.argmax(np.asarray(scores) >= scores[-1] - delta))]


def correlation_clusters(
    split: LabelledSplit, *, threshold: float = 0.7, neurons: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Number of the cluster of each neuron, neurons of one cluster having a mean absolute correlation above `threshold` [1]_.

    Hierarchical clustering by average linkage of ``1 - |r|``. Costs words x neurons², memory neurons².

    Parameters
    ----------
    split : LabelledSplit
    threshold : float
        Between 0 and 1; at 1 every neuron is alone.
    neurons : ndarray of int, optional
        Columns to cluster; all by default.

    Returns
    -------
    ndarray of shape (n_neurons,), int
        From 0; a neuron that never changes is alone.

    Raises
    ------
    NeurosieveError
        If the threshold is none, or the matrix does not fit into memory.

    References
    ----------
    .. [1] Dalvi, Sajjad, Durrani, Belinkov. Analyzing Redundancy in Pretrained Transformer Models. EMNLP 2020, section 6.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if not 0 <= threshold <= 1:
        raise NeurosieveError(f"threshold {threshold!r}: expected an absolute correlation between 0 and 1")
    source = as_source(split.activations)
    columns = np.arange(source.n_neurons) if neurons is None else np.asarray(neurons, dtype=np.intp)
    if 24 * len(columns) ** 2 > available_bytes():
        raise NeurosieveError(
            f"the correlations of {len(columns):,} neurons take {24 * len(columns) ** 2 / 1e9:.1f} GB, more than the memory limit; "
            "choose a layer first, or pass neurons="
        )
    if len(columns) < 2:
        return np.zeros(len(columns), dtype=np.intp)
    distance = 1 - np.abs(_correlations(source, columns))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(np.maximum(distance, 0.0), checks=False), method="average")
    found: NDArray[np.intp] = fcluster(tree, 1 - threshold, criterion="distance").astype(np.intp) - 1
    return found


def _correlations(source: ActivationSource, columns: NDArray[np.intp]) -> NDArray[np.float64]:
    shift = source.read(0, 1, columns)[0].astype(np.float64)  # products about a typical value do not cancel
    sums, products = np.zeros(len(columns)), np.zeros((len(columns), len(columns)))
    for start in range(0, source.n_words, _BLOCK):
        rows = source.read(start, min(start + _BLOCK, source.n_words), columns).astype(np.float64) - shift
        sums += rows.sum(axis=0)
        products += rows.T @ rows
    covariance = products - np.outer(sums, sums) / source.n_words
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    still = deviation <= 1e-9 * np.sqrt(np.maximum(np.diag(products), 0.0))
    deviation[still] = np.inf
    return np.asarray(covariance / np.outer(deviation, deviation))


def reduced_neurons(
    splits: Splits,
    layers: Sequence[object] | NDArray[Any],
    *,
    delta: float = 0.02,
    threshold: float = 0.7,
    l1: float = 1e-4,
    l2: float = 1e-4,
    random_state: int = 0,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> ReducedNeurons:
    """Neurons that are left after choosing the lowest layer, one neuron of each cluster, and the minimal set of these [1]_.

    Half of `delta` may be lost by the first two steps, the rest by the last.

    Parameters
    ----------
    splits : Splits
    layers : sequence of length n_neurons
    delta : float
        Allowed loss of the score on dev against the probe on all neurons.
    threshold : float
        Of `correlation_clusters`.
    l1, l2 : float
    random_state : int
        Draws the neuron of each cluster.
    **settings
        Of `fit_probes`.

    References
    ----------
    .. [1] Dalvi, Sajjad, Durrani, Belinkov. Analyzing Redundancy in Pretrained Transformer Models. EMNLP 2020, section 6.
    """
    given = np.asarray(layers)
    highest = lowest_layer(splits, given, delta=delta / 2, l1=l1, l2=l2, **settings)
    names = list(dict.fromkeys(given.tolist()))
    below = np.flatnonzero(np.isin(given, names[: names.index(highest) + 1]))
    clusters = correlation_clusters(splits.train, threshold=threshold, neurons=below)
    order = np.random.default_rng((random_state, 6)).permutation(len(below))
    _, first = np.unique(clusters[order], return_index=True)
    kept = np.sort(below[order[first]])
    specs = [ProbeSpec(splits.train.y, l1=l1, l2=l2, loss=splits.loss, neurons=n) for n in (None, kept)]
    whole, some = fit_probes(splits.train.activations, specs, **settings)
    scores = score_probes(splits.dev.activations, [whole, some], splits.dev.y, **scoring_options(settings))
    lost = max(0.0, float(scores[0] - scores[1]))
    ranking = weight_mass_ranking(some)
    allowed = max(0.0, delta - lost)
    found = minimal_neurons(some, ranking, splits, deltas=[allowed], **settings).sets[allowed]
    chosen = found.neurons[np.isin(found.neurons, kept)]
    return ReducedNeurons(chosen, highest, len(below), kept, float(scores[0]), found.dev_accuracy)
