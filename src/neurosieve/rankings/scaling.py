"""Where the values of each neuron lie and how far they spread: what a sample of the words says, and all words where it must."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.half import as_float32
from neurosieve.activations.source import ActivationSource, RowSource
from neurosieve.rankings.distances import Distances

SAMPLE_WORDS = 1024
"""Words that give center and scale."""
_RUNS = 16  # of neighbouring words, so that a store need not be read whole for the sample
_VALUES = 1 << 18  # that are looked at together: they stay in a cache
_ENOUGH = 32  # values of a sample that say how far from its usual value a neuron goes


def center_and_scale(
    source: ActivationSource, known: NDArray[np.intp], columns: slice
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and robust deviation of some neurons, shape (n_some_neurons,) each.

    Of a neuron that has the same value at most words the deviation is the geometric mean of the distances that are not zero.

    Parameters
    ----------
    source : ActivationSource
    known : ndarray of shape (n_labelled,), int
        Rows that have a label, ascending.
    columns : slice
        The neurons.
    """
    some = known
    if len(known) > SAMPLE_WORDS:
        firsts = np.linspace(0, len(known) - SAMPLE_WORDS // _RUNS, _RUNS).astype(np.intp)
        some = known[np.unique(firsts[:, None] + np.arange(SAMPLE_WORDS // _RUNS))]
    rows = RowSource(source, some).read(0, len(some))[:, columns]
    sample = np.ascontiguousarray((rows if rows.dtype == np.float64 else as_float32(rows)).T)
    sample.sort(axis=1)
    n = sample.shape[1]
    center = sample[:, n // 2].astype(np.float64)  # a value that occurs: a neuron that never changes is at zero
    with np.errstate(invalid="ignore", over="ignore"):
        scale = (sample[:, int(0.84 * (n - 1))] - sample[:, int(0.16 * (n - 1))]).astype(np.float64) / 2
        still = np.flatnonzero(scale <= 0)
        if len(still):
            scale[still] = _typical_distance(source, known, still + columns.start, center[still], sample[still])
    return center, np.where((scale > 0) & np.isfinite(scale), scale, 1.0)


def _typical_distance(
    source: ActivationSource,
    known: NDArray[np.intp],
    neurons: NDArray[np.intp],
    center: NDArray[np.float64],
    sample: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Geometric mean of the distances from the center that are not zero, of all words where the sample has few."""
    found = Distances(len(neurons))
    found.add(sample.T.astype(np.float64) - center, slice(None))
    few = np.flatnonzero(found.counts < _ENOUGH)
    if len(few) and sample.shape[1] < len(known):
        found.clear(few)
        is_known = np.zeros(source.n_words, dtype=bool)
        is_known[known] = True
        wanted, block = neurons[few], max(1, _VALUES // len(few))
        for start in range(0, source.n_words, block):
            stop = min(start + block, source.n_words)
            rows = source.read(start, stop, wanted)[is_known[start:stop]]
            found.add(rows.astype(np.float64) - center[few], few)
    return found.typical()
