"""One split of labelled activations, from a store or from arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labels import is_labelled
from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError


@dataclass(frozen=True, repr=False)
class LabelledSplit:
    """Activations, labels and words of one split.

    Attributes
    ----------
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
    y : ndarray of shape (n_words,)
        Labels, ``None`` where a word has none.
    words : ndarray of shape (n_words,), str, or None
        Word types, from which control tasks draw their labels.
    sentences : ndarray of shape (n_words,), int, or None
        Number of each word's sentence, for resampling.
    """

    activations: object
    y: NDArray[np.generic]
    words: NDArray[np.generic] | None = None
    sentences: NDArray[np.generic] | None = None

    def __repr__(self) -> str:
        n_labelled = int(is_labelled(self.y).sum())
        return f"LabelledSplit: {as_source(self.activations).n_words} rows, {n_labelled} of them with a label"

    def __post_init__(self) -> None:
        n_words = as_source(self.activations).n_words
        if self.sentences is not None and len(self.sentences) != n_words:
            raise NeurosieveError(
                f"there are {len(self.sentences)} sentence numbers for {n_words} words; pass one a word"
            )
        if len(self.y) != n_words or (self.words is not None and len(self.words) != n_words):
            n_types = "no" if self.words is None else len(self.words)
            raise NeurosieveError(
                f"there are {n_words} rows of activations, {len(self.y)} labels and {n_types} words; "
                "expected one label and one word for each row"
            )
