"""A ranking without a probe: how far the mean activations of the labels lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labels import encode_labels, is_labelled
from neurosieve.activations.source import as_source
from neurosieve.activations.splits import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.ranking import NeuronRanking

BLOCK_BYTES = 1 << 26  # of float64 activations read at once


def probeless_ranking(split: LabelledSplit) -> NeuronRanking:
    """Rank neurons by the sum over pairs of labels of the absolute difference of their means [1]_.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.

    Returns
    -------
    NeuronRanking
        ``label_scores`` is the mean of a label minus the mean of all other labelled words. Ties go by position.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, or an activation is not finite.

    References
    ----------
    .. [1] Antverg, Belinkov. On the Pitfalls of Analyzing Individual Neurons in Language Models. ICLR 2022.
    """
    known = split.y[is_labelled(split.y)]
    if len(known) and isinstance(known[0], (float, np.floating)):
        raise NeurosieveError("the labels are real values, and 'probeless' compares labels; rank by 'weight-mass'")
    encoded = encode_labels(split.y)
    n_labels = len(encoded.classes)
    if n_labels < 2:
        raise NeurosieveError(f"'probeless' found only the label {encoded.classes[0]!r}; pass words of two or more")
    means, counts = _means(split, encoded.codes, n_labels)
    ordered = np.sort(means, axis=0)
    score = (2.0 * np.arange(n_labels) - n_labels + 1) @ ordered  # every pair, without an array of pairs
    total = counts @ means
    rest = (total - counts[:, None] * means) / (counts.sum() - counts)[:, None]
    order = np.argsort(-score, kind="stable")
    return NeuronRanking(
        order, None, None, None, encoded.classes, method="probeless", score=score, label_scores=means - rest
    )


def _means(
    split: LabelledSplit, codes: NDArray[np.int64], n_labels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean activations (n_labels, n_neurons) and numbers of words (n_labels,), in one streamed pass."""
    source = as_source(split.activations)
    sums = np.zeros((n_labels, source.n_neurons))
    counts = np.bincount(codes[codes >= 0], minlength=n_labels).astype(np.float64)
    block = max(1, BLOCK_BYTES // (8 * source.n_neurons))
    for start in range(0, source.n_words, block):
        stop = min(start + block, source.n_words)
        part = codes[start:stop]
        order = np.argsort(part, kind="stable")[np.count_nonzero(part < 0) :]
        if not len(order):
            continue
        rows = source.read(start, stop)[order].astype(np.float64)
        found, first = np.unique(part[order], return_index=True)
        sums[found] += np.add.reduceat(rows, first, axis=0)
    broken = np.flatnonzero(~np.isfinite(sums).all(axis=0))
    if len(broken):
        raise NeurosieveError(
            f"neuron {broken[0]} has activations that are not finite ({len(broken)} neurons do); extract them again"
        )
    return sums / counts[:, None], counts
