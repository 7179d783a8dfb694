"""Pearson's correlation of a neuron's value with each label, or with the real value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import VALUE, as_values, is_labelled
from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError
from neurosieve.probes.moments import MOMENTS_BYTES
from neurosieve.rankings.measure import Measure, Scores, rank_by
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import LabelStatistics


def scores(s: LabelStatistics) -> Scores:
    """The measure of each neuron and label."""
    share = (s.counts / s.n_words)[:, None]
    deviation = np.sqrt(np.where(s.constant, 1.0, s.total_squares) / s.n_words)
    of_labels = (s.means - s.rest) * np.sqrt(share * (1 - share)) / deviation
    return np.abs(of_labels).mean(axis=0), of_labels


MEASURE = Measure("correlation", scores)


def correlation_ranking(split: LabelledSplit) -> NeuronRanking:
    """Rank neurons by the mean over labels of ``|r|``, or by ``|r|`` where there are real values.

    r is Pearson's correlation of the neuron's value with 1 for the label's words and 0 for others, or with the real value;
    one of the five measures that pass the tests of [1]_. Free of the neuron's scale. Costs a pass: words x neurons.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons), and labels or real values (n_words,); words without one are left out.

    Returns
    -------
    NeuronRanking
        ``label_scores`` has r with its sign.

    References
    ----------
    .. [1] Oikarinen, Yan, Weng. Evaluating Neuron Explanations: A Unified Framework with Sanity Checks. ICML 2025.
    """
    known = split.y[is_labelled(split.y)]
    if not len(known) or not isinstance(known[0], (float, np.floating)):
        return rank_by([MEASURE], split)[0]
    r = _with_values(split)
    order = np.argsort(-np.abs(r), kind="stable")
    return NeuronRanking(
        order, None, None, None, np.array([VALUE]), "correlation", score=np.abs(r), label_scores=r[None]
    )


def _with_values(split: LabelledSplit) -> NDArray[np.float64]:
    """Correlation of each neuron with the real values, shape (n_neurons,); 0 for a neuron that never changes."""
    source, values = as_source(split.activations), as_values(split.y)
    known = ~np.isnan(values)
    centered = values - values[known].mean()
    first = int(np.flatnonzero(known)[0])
    shift = source.read(first, first + 1)[0].astype(np.float64)  # sums of squares about a typical value do not cancel
    sums, squares, products = np.zeros((3, source.n_neurons))
    low, high = np.full(source.n_neurons, np.inf), np.full(source.n_neurons, -np.inf)
    block = max(1, MOMENTS_BYTES // (8 * source.n_neurons))
    for start in range(0, source.n_words, block):
        stop = min(start + block, source.n_words)
        kept = known[start:stop]
        if not kept.any():
            continue
        rows = source.read(start, stop)[kept].astype(np.float64)
        low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))
        with np.errstate(invalid="ignore"):  # told below, by the neuron's number
            rows -= shift
            sums += rows.sum(axis=0)
            squares += np.einsum("ij,ij->j", rows, rows)
            products += centered[start:stop][kept] @ rows
    broken = np.flatnonzero(~np.isfinite(squares))
    if len(broken):
        raise NeurosieveError(
            f"neuron {broken[0]} has activations that are not finite ({len(broken)} neurons do); extract them again"
        )
    spread = np.sqrt(np.maximum(squares - sums**2 / known.sum(), 0.0) * (centered[known] ** 2).sum())
    r = np.divide(products, spread, out=np.zeros_like(products), where=(spread > 0) & (low < high))
    return np.asarray(np.clip(r, -1.0, 1.0))
