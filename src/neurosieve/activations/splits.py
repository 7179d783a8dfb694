"""The labelled splits that every experiment works on: train to fit, dev to choose, test to report."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.finite import require_finite
from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import Loss, as_values, is_labelled
from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import card, listed

if TYPE_CHECKING:
    from neurosieve.activations.store import ActivationStore


log = logging.getLogger(__name__)

RareLabels = Literal["refuse", "keep", "drop"]
MAX_RARE_SHARE = 0.005
"""Share of the training words whose labels may occur only once: 0.1 % of CCG supertags do, 6 % of lemmas."""


@dataclass(frozen=True, repr=False)
class Splits:
    """Train, dev and test of one property.

    Attributes
    ----------
    train, dev, test : LabelledSplit
    prop : str
        Name of the property.
    unseen : dict of str to int
        For dev and test, how many words have a label that train lacks; every probe gets them wrong.
    unit : {"word", "sentence"}
        What a row stands for; where it is a sentence, so is all that is called a word here.
    """

    train: LabelledSplit
    dev: LabelledSplit
    test: LabelledSplit
    prop: str = "property"
    unit: str = "word"

    @classmethod
    def from_store(cls, store: ActivationStore, prop: str, *, rare_labels: RareLabels = "refuse") -> Splits:
        """Take the splits of a store.

        Parameters
        ----------
        store : ActivationStore
        prop : str
            The property.
        rare_labels : {"refuse", "keep", "drop"}
            What to do with labels that occur once in train, from which nothing can be learned. ``"refuse"`` raises
            where they are more than `MAX_RARE_SHARE` of the training words (a property such as the lemma, or too small
            a corpus); ``"keep"`` never does; ``"drop"`` takes the words with such labels out of all splits.

        Raises
        ------
        NeurosieveError
            If the property or a split does not exist, a split has no labelled word, the property has fewer than two
            labels, too many labels occur once, the real values of a split are all the same, or activations are not finite.
        """
        store.require(prop)
        parts = {}
        for name in ("train", "dev", "test"):
            view = store.split(name)
            y = view.labels(prop)
            if not is_labelled(y).any():
                raise NeurosieveError(
                    f"no {store.unit} of the split '{name}' has a label of '{prop}'; check the property, or divide the corpus "
                    "in another way"
                )
            table = view.words
            parts[name] = LabelledSplit(view, y, table["word"].to_numpy(dtype=object), table["sentence"].to_numpy())
        require_finite(parts)
        return _settle_rare_labels(cls(**parts, prop=prop, unit=store.unit), rare_labels)

    @classmethod
    def from_arrays(
        cls,
        X: Sequence[NDArray[np.floating]],
        y: Sequence[ArrayLike],
        *,
        words: Sequence[ArrayLike] | None = None,
        sentences: Sequence[ArrayLike] | None = None,
        prop: str = "property",
    ) -> Splits:
        """Take three arrays (train, dev, test) of activations, of labels, for control tasks of words, and of sentence numbers.

        Sentence numbers say which words were drawn together, for `stability`.
        """
        if any(given is not None and len(given) != 3 for given in (X, y, words, sentences)):
            raise NeurosieveError("expected three arrays each: train, dev and test")
        labels = [b if isinstance(b, np.ndarray) else np.asarray(b, dtype=object) for b in y]
        types = [None] * 3 if words is None else [np.asarray(c, dtype=object) for c in words]
        texts = [None] * 3 if sentences is None else [np.asarray(d) for d in sentences]
        parts = [LabelledSplit(a, b, c, d) for a, b, c, d in zip(X, labels, types, texts, strict=True)]
        require_finite(dict(zip(("train", "dev", "test"), parts, strict=True)))
        return cls(parts[0], parts[1], parts[2], prop=prop)

    @property
    def parts(self) -> dict[str, LabelledSplit]:
        """Train, dev and test by name."""
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def _rows(self) -> list[tuple[str, int, int]]:
        return [(name, len(part.y), int(is_labelled(part.y).sum())) for name, part in self.parts.items()]

    def _labels(self) -> str:
        if self.loss == "squared":
            return "real values"
        counts = Counter(self.train.y[is_labelled(self.train.y)].tolist())
        return f"{len(counts)} labels: {listed(label for label, _ in counts.most_common())}"

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {n}" for name, _, n in self._rows())
        return f"Splits of {self.prop}: {self.n_neurons} neurons, labelled {self.unit}s: {sizes}; {self._labels()}"

    def _repr_html_(self) -> str:
        import pandas as pd

        facts = {"property": self.prop, "neurons": f"{self.n_neurons:,}", "labels": self._labels()}
        facts |= {f"{name}: unknown to train": str(n) for name, n in self.unseen.items() if n}
        return card("Splits", facts, pd.DataFrame(self._rows(), columns=["split", f"{self.unit}s", "labelled"]))

    @property
    def unseen(self) -> dict[str, int]:
        """Number of dev and test words whose label does not occur in train; of real values none is."""
        if self.loss == "squared":
            return {"dev": 0, "test": 0}
        known = set(self.train.y[is_labelled(self.train.y)].tolist())
        return {
            name: sum(label not in known for label in part.y[is_labelled(part.y)].tolist())
            for name, part in (("dev", self.dev), ("test", self.test))
        }

    @property
    def loss(self) -> Loss:
        """``"squared"`` if the labels are real values (floats), else ``"softmax"``."""
        labels = self.train.y[is_labelled(self.train.y)]
        return "squared" if len(labels) and isinstance(labels[0], (float, np.floating)) else "softmax"

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return as_source(self.train.activations).n_neurons

    def with_labels(self, train: ArrayLike, dev: ArrayLike, test: ArrayLike) -> Splits:
        """The same words with other labels (those of a control task)."""
        return replace(
            self,
            train=replace(self.train, y=np.asarray(train)),
            dev=replace(self.dev, y=np.asarray(dev)),
            test=replace(self.test, y=np.asarray(test)),
        )


def _require_spread(splits: Splits) -> None:
    """Refuse real values without variance, of which none can be explained."""
    for name, part in (("train", splits.train), ("dev", splits.dev), ("test", splits.test)):
        values = as_values(part.y)
        if np.nanmin(values) == np.nanmax(values):
            raise NeurosieveError(
                f"all values of '{splits.prop}' in the split '{name}' are {np.nanmin(values):g}, so there is no variance to "
                "explain; check the property, or divide the corpus in another way"
            )


def _settle_rare_labels(splits: Splits, rare_labels: RareLabels) -> Splits:
    if splits.loss == "squared":
        _require_spread(splits)
        return splits
    counts = Counter(splits.train.y[is_labelled(splits.train.y)].tolist())
    if len(counts) < 2:
        raise NeurosieveError(
            f"'{splits.prop}' has only the label {', '.join(map(repr, counts)) or 'None'} in train; a probe needs at least "
            "two labels that occur more than once"
        )
    once = sorted((label for label, n in counts.items() if n == 1), key=str)
    share = len(once) / counts.total()
    if rare_labels == "refuse" and share > MAX_RARE_SHARE:
        raise NeurosieveError(
            f"{len(once)} of the {len(counts)} labels of '{splits.prop}' occur only once in train "
            f"({100 * share:.1f} % of its {splits.unit}s, such as {', '.join(map(repr, once[:3]))}); nothing can be learned "
            f"from one {splits.unit}: choose a coarser property or a larger corpus, or pass --rare-labels drop (leave these "
            f"{splits.unit}s out) or keep"
        )
    if once and rare_labels != "drop":
        log.warning(
            "%s: %d of %d labels occur only once in train (such as %s); the probe can hardly learn them",
            splits.prop,
            len(once),
            len(counts),
            ", ".join(map(repr, once[:3])),
        )
    if rare_labels == "drop" and once:
        gone = set(once)
        parts = [
            np.array([None if label in gone else label for label in part.y.tolist()], dtype=object)
            for part in (splits.train, splits.dev, splits.test)
        ]
        return _settle_rare_labels(splits.with_labels(parts[0], parts[1], parts[2]), "keep")  # are two labels left?
    return splits
