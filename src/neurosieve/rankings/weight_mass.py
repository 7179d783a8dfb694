"""The paper's ranking: the share of a label's weight mass at which a neuron is first taken, made exact.

The paper takes, for p = 1 %, 2 %, ..., for every label the fewest neurons that together hold the share p of the label's
absolute weights, the one that crosses p included, and unites them over labels. With the step going to zero every neuron
gets a key of its own: the smallest p at which any label takes it. At every step p, ``{key <= p}`` is the paper's set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError
from neurosieve.probes.spec import FittedProbe
from neurosieve.rankings.ranking import NeuronRanking


def weight_mass_ranking(
    probe: FittedProbe | NDArray[np.floating] | object, *, labels: NDArray[np.generic] | None = None
) -> NeuronRanking:
    """Rank all neurons by the smallest share of any label's weight mass at which they are taken [1]_.

    Ties are broken by the larger share of mass, then by position. Labels without any weight take no part; neurons
    without weight come last.

    Parameters
    ----------
    probe : FittedProbe, fitted ElasticNetProbe, or ndarray of shape (n_labels, n_neurons)
        A fitted probe (its standardised weights, where it was fitted on z-scores), or weights.
    labels : ndarray of shape (n_labels,), optional
        Names of the rows, where weights are given.

    Returns
    -------
    NeuronRanking

    Raises
    ------
    NeurosieveError
        If the weights are not a finite matrix.

    References
    ----------
    .. [1] Durrani, Sajjad, Dalvi, Belinkov. Analyzing Individual Neurons in Pre-trained Language Models. EMNLP 2020,
       section 2, after Dalvi et al., AAAI 2019.

    Examples
    --------
    >>> import numpy as np
    >>> weight_mass_ranking(np.array([[3.0, 0.0, 1.0]])).order
    array([0, 2, 1])
    """
    probe = getattr(probe, "probe_", probe)  # a fitted scikit-learn estimator holds its probe there
    if isinstance(probe, FittedProbe):
        weights, names = probe.full_coef(standardized=True), probe.classes_
        params: dict[str, object] = {"l1": probe.l1, "l2": probe.l2, **probe.info}
    else:
        weights, params = np.asarray(probe), {}
        names = np.arange(len(weights)) if labels is None else np.asarray(labels)
    if weights.ndim != 2 or not weights.size or not np.isfinite(weights).all():
        raise NeurosieveError(f"weights of shape {weights.shape} must be a finite matrix (n_labels, n_neurons)")
    if len(names) != len(weights):
        raise NeurosieveError(f"there are {len(names)} label names for {len(weights)} rows of weights")
    magnitude = np.abs(weights)
    label_keys = np.full(magnitude.shape, np.inf)
    mass = np.zeros(magnitude.shape[1])
    shares = np.zeros(magnitude.shape)
    for number, (row, keys) in enumerate(zip(magnitude, label_keys, strict=True)):
        order = _descending(row)
        n_used = np.count_nonzero(row)
        if not n_used:
            continue
        taken = order[:n_used]
        cumulated = np.cumsum(row[taken], dtype=np.float64)
        total = cumulated[-1]
        # The neuron at position j is taken at every p above the share held by those before it: the next number after
        # that share is the smallest p that takes it.
        cumulated[1:] = cumulated[:-1] / total
        cumulated[0] = 0.0
        keys[taken] = np.nextafter(cumulated, np.inf)
        shares[number] = weights[number] / total
        np.maximum(mass, row / total, out=mass)
    key = label_keys.min(axis=0)
    order = np.lexsort((np.arange(len(key)), -mass, key))
    return NeuronRanking(
        order, key, mass, label_keys, np.asarray(names), params=params, score=1.0 - key, label_scores=shares
    )


def _descending(magnitude: NDArray[np.floating]) -> NDArray[np.intp]:
    """Positions by descending value, equal values by position.

    Float32 values that are not negative order as their bits do. With the position in the lower half of a 64-bit number a
    plain sort does what a stable argsort does, several times faster.
    """
    if magnitude.dtype != np.float32:
        return np.argsort(-magnitude, kind="stable")
    bits = magnitude.view(np.uint32).astype(np.uint64)
    packed = (np.uint64(0xFFFFFFFF) - bits) << np.uint64(32) | np.arange(len(magnitude), dtype=np.uint64)
    packed.sort()
    return (packed & np.uint64(0xFFFFFFFF)).astype(np.intp)
