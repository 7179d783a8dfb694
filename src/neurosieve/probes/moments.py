"""Mean and standard deviation of each neuron, in one streamed pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.source import ActivationSource
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import available_bytes

MOMENTS_BYTES = 1 << 26  # of float64 activations read at once


def column_moments(
    source: ActivationSource, *, memory_limit: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each neuron over all words, each of shape (n_neurons,), in one streamed pass.

    A neuron that never changes gets the standard deviation 1, so that dividing by it changes nothing.
    """
    total = np.zeros(source.n_neurons)
    squares = np.zeros(source.n_neurons)
    shift: NDArray[np.float64] | None = None
    most = min(MOMENTS_BYTES, available_bytes(memory_limit) // 4)
    block = max(1, most // (8 * source.n_neurons))
    for start in range(0, source.n_words, block):
        rows = source.read(start, min(start + block, source.n_words)).astype(np.float64)
        if shift is None:  # sums of squares about a typical value do not cancel
            shift = rows.mean(axis=0)
        rows -= shift
        total += rows.sum(axis=0)
        squares += np.einsum("ij,ij->j", rows, rows)
    if shift is None:
        raise NeurosieveError("there are no words to fit on; check the split")
    offset = total / source.n_words
    deviation = np.sqrt(np.maximum(squares / source.n_words - offset**2, 0.0))
    # Rounding alone leaves about 1e-7 of the value where the true deviation is zero.
    constant = deviation <= 1e-6 * np.abs(shift + offset) + 1e-30
    return shift + offset, np.where(constant, 1.0, deviation)
