"""Control tasks and selectivity (Hewitt & Liang 2019): how much of a probe's accuracy could be memorised from word types."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labels import is_labelled
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError

if TYPE_CHECKING:
    from typing_extensions import Self


class ControlTask:
    """One label for each word type, drawn from the label distribution of the linguistic task.

    The label of a type is a pure function of the seed, the type and the distribution: it does not depend on the order
    of the corpus, on which other types occur, or on Python's hash seed.

    Parameters
    ----------
    random_state : int
        Seed of the draw.

    References
    ----------
    Hewitt and Liang. Designing and Interpreting Probes with Control Tasks. EMNLP 2019.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, y: ArrayLike) -> Self:
        """Take the empirical label distribution of the words' labels `y`, shape (n_words,)."""
        given = np.asarray(y, dtype=object)
        labels = given[is_labelled(given)].tolist()
        if not labels:
            raise NeurosieveError("no word has a label, so there is no label distribution to draw from")
        self.classes_, counts = np.unique(np.asarray(labels), return_counts=True)
        self.cumulated_: NDArray[np.float64] = np.cumsum(counts) / counts.sum()
        return self

    def label(self, word: str) -> object:
        """The control label of one word type."""
        digest = hashlib.blake2b(
            f"{self.random_state}\0{word}".encode("utf-8", "surrogatepass"), digest_size=8
        ).digest()
        uniform = int.from_bytes(digest, "big") / 2.0**64
        position = int(np.searchsorted(self.cumulated_, uniform, side="right"))
        return self.classes_[min(position, len(self.classes_) - 1)]

    def labels(self, words: Iterable[str], y: ArrayLike | None = None) -> NDArray[np.generic]:
        """Control labels of words, shape (n_words,); None where the word has no label in `y`."""
        known: dict[str, object] = {}
        drawn = []
        for word in words:
            if word not in known:
                known[word] = self.label(word)
            drawn.append(known[word])
        if y is None:
            return np.asarray(drawn)
        return np.array([d if known_ else None for known_, d in zip(is_labelled(y), drawn, strict=True)], dtype=object)

    def apply(self, splits: Splits) -> Splits:
        """Labels of the control task for all three splits; fitted on the training labels."""
        self.fit(splits.train.y)
        parts: list[NDArray[np.generic]] = []
        for part in (splits.train, splits.dev, splits.test):
            if part.words is None:
                raise NeurosieveError("a control task labels word types, and the splits have no words; pass words=")
            parts.append(self.labels(part.words.tolist(), part.y))
        return splits.with_labels(parts[0], parts[1], parts[2])


def selectivity(linguistic_accuracy: float, control_accuracy: float) -> float:
    """Selectivity of a probe: accuracy on the linguistic task minus accuracy on its control task, both fractions.

    Examples
    --------
    >>> round(selectivity(0.96, 0.64), 2)
    0.32
    """
    return linguistic_accuracy - control_accuracy
