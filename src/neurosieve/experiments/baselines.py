"""What a probe has to beat: a table of words, labels without relation to the words, and directions that are no neurons."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import as_values, encode_labels, is_labelled
from neurosieve.activations.source import ActivationSource, as_source
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.probes.spec import r_squared


def lookup(splits: Splits) -> dict[str, tuple[float, float]]:
    """Score of giving each word what its type has in train: the most frequent label, or the mean value [1]_.

    Types that train lacks get the most frequent label of all, or the mean of all. Of equally frequent labels the first in
    sorted order is taken.

    Returns
    -------
    dict of str to (float, float)
        For dev and test the score (accuracy, or R² of real values), and the share of the words whose type train lacks.

    Raises
    ------
    NeurosieveError
        If the splits have no words, or one of them has no word with a label.

    References
    ----------
    .. [1] Belinkov et al. What do Neural Machine Translation Models Learn about Morphology? ACL 2017.
    """
    if splits.train.words is None or splits.dev.words is None or splits.test.words is None:
        raise NeurosieveError("a table of words needs words, and the splits have none; pass words=")
    numbers: dict[str, NDArray[Any]]
    if splits.loss == "squared":
        numbers = {name: as_values(part.y) for name, part in splits.parts.items()}
        known = {name: ~np.isnan(values) for name, values in numbers.items()}
    else:
        encoded = encode_labels(splits.train.y)
        numbers = {name: encode_labels(part.y, classes=encoded.classes).codes for name, part in splits.parts.items()}
        known = {name: encode_labels(part.y).known for name, part in splits.parts.items()}
    there = {
        name: (np.asarray(part.words, dtype=object)[known[name]].astype(str).tolist(), numbers[name][known[name]])
        for name, part in splits.parts.items()
    }
    summary = _mean if splits.loss == "squared" else _most_frequent
    given: dict[str, list[float]] = defaultdict(list)
    for word, number in zip(there["train"][0], there["train"][1].tolist(), strict=True):
        given[word].append(number)
    table = {word: summary(of_word) for word, of_word in given.items()}
    otherwise = summary(there["train"][1].tolist())
    found = {}
    for name in ("dev", "test"):
        words, gold = there[name]
        guessed = np.array([table.get(word, otherwise) for word in words])
        unseen = sum(word not in table for word in words) / len(words)
        score = r_squared(guessed, gold) if splits.loss == "squared" else float(np.mean(guessed == gold))
        found[name] = (score, unseen)
    return found


def _most_frequent(numbers: Sequence[float]) -> float:
    counts = Counter(numbers)
    most = max(counts.values())
    return min(number for number, n in counts.items() if n == most)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def permuted(splits: Splits, *, random_state: int = 0) -> Splits:
    """The same words with the labels of each split in random order; words without label stay so."""
    generator = np.random.default_rng((random_state, 4))

    def shuffled(part: LabelledSplit) -> NDArray[np.generic]:
        y, known = part.y.copy(), is_labelled(part.y)
        y[known] = generator.permutation(y[known])
        return y

    return splits.with_labels(shuffled(splits.train), shuffled(splits.dev), shuffled(splits.test))


_TURNED_ROWS = 2048
"""Rows that are turned at once: few directions of many rows are asked for where whole rows would not fit into memory."""


class RotatedSource:
    """Activations in another basis: the neurons of each group are turned by a random rotation of that group.

    Parameters
    ----------
    source : ActivationSource
    groups : ndarray of shape (n_neurons,)
        Which neurons are turned together, such as the number of the layer. Costs words x neurons x neurons of the group.
    random_state : int
    """

    def __init__(self, source: ActivationSource, groups: NDArray[np.generic], *, random_state: int = 0) -> None:
        self.source, self.n_words, self.n_neurons = source, source.n_words, source.n_neurons
        self.dtype = np.dtype(np.float64 if source.dtype == np.float64 else np.float32)
        generator = np.random.default_rng((random_state, 5))
        self.parts: list[tuple[NDArray[np.intp], NDArray[np.floating]]] = []
        for group in dict.fromkeys(np.asarray(groups).tolist()):
            members = np.flatnonzero(groups == group)
            q, r = np.linalg.qr(generator.standard_normal((len(members), len(members))))
            self.parts.append((members, (q * np.sign(np.diag(r))).astype(self.dtype)))

    def of(self, source: ActivationSource) -> RotatedSource:
        """Other words, turned by the same rotations."""
        other = copy(self)
        other.source, other.n_words = source, source.n_words
        other.dtype = np.dtype(np.float64 if source.dtype == np.float64 else np.float32)
        return other

    def read(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> NDArray[np.floating]:
        """Rows `start` to `stop`, of all or the given directions."""
        wanted = np.arange(self.n_neurons) if columns is None else np.asarray(columns)
        stop = min(stop, self.n_words)
        out = np.empty((stop - start, len(wanted)), dtype=self.dtype)
        for first in range(start, stop, _TURNED_ROWS):
            rows = self.source.read(first, min(stop, first + _TURNED_ROWS))
            self._turn(rows, wanted, out=out[first - start :][: len(rows)])
        return out

    def _turn(self, rows: NDArray[np.floating], wanted: NDArray[np.intp], *, out: NDArray[np.floating]) -> None:
        """Write the `wanted` directions of some rows into `out`."""
        for members, rotation in self.parts:
            places = np.flatnonzero((wanted >= members[0]) & (wanted <= members[-1]) & np.isin(wanted, members))
            if len(places):
                own = np.searchsorted(members, wanted[places])
                out[:, places] = rows[:, members].astype(self.dtype) @ rotation[:, own]


def rotated(splits: Splits, groups: NDArray[np.generic], *, random_state: int = 0) -> Splits:
    """The same words and labels, seen along random directions in place of neurons: are neurons special [1]_?

    Parameters
    ----------
    splits : Splits
    groups : ndarray of shape (n_neurons,)
        Which neurons are turned together, such as the number of the layer.
    random_state : int

    References
    ----------
    .. [1] Gurnee et al. Finding Neurons in a Haystack. TMLR 2023.
    """
    turned = RotatedSource(as_source(splits.train.activations), groups, random_state=random_state)
    parts = {
        name: replace(part, activations=turned.of(as_source(part.activations))) for name, part in splits.parts.items()
    }
    return replace(splits, **parts)  # type: ignore[arg-type]  # train, dev and test
