"""Activations with known informative neurons: ground truth for tests, examples and tutorials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError


@dataclass(frozen=True)
class Planted:
    """Synthetic activations and the neurons that carry the labels.

    Attributes
    ----------
    X : ndarray of shape (n_words, n_neurons), float32
    y : ndarray of shape (n_words,), str
    informative : ndarray of shape (n_informative,), int
        The planted neurons in ascending order; all others are independent of `y`.
    words : tuple of str, length n_words
        Word types drawn independently of `y`.
    """

    X: NDArray[np.float32]
    y: NDArray[np.str_]
    informative: NDArray[np.intp]
    words: tuple[str, ...]


def make_planted(
    *,
    n_words: int = 2000,
    n_neurons: int = 300,
    n_labels: int = 5,
    n_informative: int = 12,
    signal: float = 1.5,
    random_state: int = 0,
) -> Planted:
    """Make activations in which a few planted neurons, and no others, depend on the label.

    All neurons are standard normal; each planted neuron is shifted by `signal` standard deviations up or down for each
    label.

    Parameters
    ----------
    n_words, n_neurons, n_labels, n_informative : int
    signal : float
        Shift in standard deviations.
    random_state : int

    Returns
    -------
    Planted

    Raises
    ------
    NeurosieveError
        If `n_informative` exceeds `n_neurons`.
    """
    if not 0 <= n_informative <= n_neurons or n_labels < 2 or n_words < n_labels:
        raise NeurosieveError(
            f"n_informative={n_informative}, n_neurons={n_neurons}, n_labels={n_labels}, n_words={n_words}: expected "
            "0 <= n_informative <= n_neurons and 2 <= n_labels <= n_words"
        )
    generator = np.random.default_rng(random_state)
    X = generator.standard_normal((n_words, n_neurons)).astype(np.float32)
    codes = generator.integers(n_labels, size=n_words)
    informative = np.sort(generator.permutation(n_neurons)[:n_informative])
    direction = generator.choice([-1.0, 1.0], size=(n_labels, n_informative))
    direction[0] = -direction[1]  # no planted neuron may be shifted alike for all labels
    X[:, informative] += (signal * direction[codes]).astype(np.float32)
    words = tuple(f"w{i}" for i in generator.integers(max(2, n_words // 10), size=n_words))
    return Planted(X, np.array([f"label{c}" for c in codes]), informative, words)
