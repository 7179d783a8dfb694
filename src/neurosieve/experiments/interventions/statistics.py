"""What edits need to know of neurons: means, variances, means of labels, values at other words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels
from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError

BLOCK_BYTES = 1 << 26
"""Bytes of float64 activations held at once."""


@dataclass(frozen=True, eq=False)
class NeuronStatistics:
    """Neurons over a text.

    Attributes
    ----------
    mean, variance : ndarray of shape (n_neurons,), float64
        Over all words of the text, labelled or not; in the neuron's own unit and its square.
    of_label : mapping of str to ndarray of shape (n_neurons,), float64
        Means over the words of each label.
    n_words : mapping of str to int
        Words of each label.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    of_label: Mapping[str, NDArray[np.float64]]
    n_words: Mapping[str, int]

    def label(self, name: str) -> NDArray[np.float64]:
        """Means over the words of a label.

        Raises
        ------
        NeurosieveError
            If no word has it.
        """
        if name not in self.of_label:
            raise NeurosieveError(
                f"no word of the training text has the label {name!r}; there are {', '.join(sorted(self.of_label))}"
            )
        return self.of_label[name]


def neuron_statistics(split: LabelledSplit) -> NeuronStatistics:
    """Mean and variance of each neuron, and means by label, in one streamed pass.

    Raises
    ------
    NeurosieveError
        If an activation is not finite.
    """
    source = as_source(split.activations)
    encoded = encode_labels(split.y)
    n_labels = len(encoded.classes)
    sums = np.zeros((n_labels + 1, source.n_neurons))  # words without label come last
    squares = np.zeros(source.n_neurons)
    codes = np.where(encoded.codes < 0, n_labels, encoded.codes)
    block = max(1, BLOCK_BYTES // (8 * source.n_neurons))
    shift: NDArray[np.float64] | None = None
    for start in range(0, source.n_words, block):
        stop = min(start + block, source.n_words)
        rows = source.read(start, stop).astype(np.float64)
        if shift is None:  # sums of squares about a typical value do not cancel
            shift = rows.mean(axis=0)
        rows -= shift
        squares += np.einsum("ij,ij->j", rows, rows)
        order = np.argsort(codes[start:stop], kind="stable")
        found, first = np.unique(codes[start:stop][order], return_index=True)
        sums[found] += np.add.reduceat(rows[order], first, axis=0)
    counts = np.bincount(codes, minlength=n_labels + 1)
    if shift is None or not np.isfinite(squares).all():
        broken = 0 if shift is None else int(np.flatnonzero(~np.isfinite(squares))[0])
        raise NeurosieveError(f"neuron {broken} has activations that are not finite; extract them again")
    offset = sums.sum(axis=0) / source.n_words
    names = [str(label) for label in encoded.classes]
    return NeuronStatistics(
        shift + offset,
        np.maximum(squares / source.n_words - offset**2, 0.0),
        {name: shift + sums[i] / counts[i] for i, name in enumerate(names)},
        {name: int(counts[i]) for i, name in enumerate(names)},
    )


def values_at_words(
    split: LabelledSplit, *, n_words: int, label: str | None = None, random_state: int = 0
) -> NDArray[np.float32]:
    """Values (n_words, n_neurons) of all neurons at randomly drawn words, of a label or of any.

    Raises
    ------
    NeurosieveError
        If no word has the label.
    """
    source = as_source(split.activations)
    rows = np.arange(source.n_words)
    if label is not None:
        rows = np.flatnonzero([str(y) == label for y in split.y.tolist()])
        if not len(rows):
            raise NeurosieveError(f"no word of the training text has the label {label!r}; check the label")
    drawn = np.sort(np.random.default_rng(random_state).choice(rows, size=min(n_words, len(rows)), replace=False))
    values = np.empty((len(drawn), source.n_neurons), dtype=np.float32)
    block = max(1, BLOCK_BYTES // (8 * source.n_neurons))
    for start in range(0, source.n_words, block):
        first, stop = np.searchsorted(drawn, [start, start + block])
        if first < stop:
            here = drawn[first:stop]
            values[first:stop] = source.read(int(here[0]), int(here[-1]) + 1)[here - here[0]]
    return values
