"""The text that neurons are looked at over: its words, types, sentences and labels as numbers, made once for all neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labels import as_values, is_labelled
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import short_repr

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

FIFTHS = 5


@dataclass(frozen=True)
class Groups:
    """Rows in groups, such as the words of each label.

    Attributes
    ----------
    codes : ndarray of shape (n_words,), int
        Number of the row's group; -1 for a row in none.
    names : tuple, length n_groups
        Of the groups, in the order of their numbers.
    counts : ndarray of shape (n_groups,), int
        Rows of each.
    """

    codes: NDArray[np.intp]
    names: tuple[object, ...]
    counts: NDArray[np.intp]

    @classmethod
    def of(cls, codes: NDArray[np.intp], names: tuple[object, ...]) -> Groups:
        """Count the rows of each group."""
        return cls(codes, names, np.bincount(codes[codes >= 0], minlength=len(names)))

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Rows that are in a group, shape (n_words,)."""
        known: NDArray[np.bool_] = self.codes >= 0
        return known

    @cached_property
    def members(self) -> sparse.csr_array:
        """Sparse matrix (n_groups, n_words) with a one for each row of a group, in the order of the rows."""
        from scipy import sparse

        # A column a row of the text, with one entry or none: turned to rows of the matrix by counting, without a sort.
        known = self.known
        ends = np.concatenate([[0], np.cumsum(known)])
        entries = (np.ones(int(ends[-1])), self.codes[known], ends)
        by_word = sparse.csc_array(entries, shape=(len(self.counts), len(self.codes)))
        return sparse.csr_array(by_word)


class FeatureSum(NamedTuple):
    """How to add up a feature times a neuron over all words: by type or sentence where it is the same for all words of each.

    Attributes
    ----------
    by : {"words", "types", "sentences"}
    values : ndarray of shape (n_words,), (n_types,) or (n_sentences,), float64
        The feature with mean 0 and variance 1; of a group times the number of its words.
    """

    by: str
    values: NDArray[np.float64]

    def inner(self, words: NDArray[np.float64], types: NDArray[np.float64], sentences: NDArray[np.float64]) -> float:
        """The sum, from a neuron's values (n_words,) and its means by type and by sentence."""
        other = {"words": words, "types": types, "sentences": sentences}[self.by]
        return float(np.einsum("i,i->", self.values, other))


@dataclass(frozen=True, repr=False)
class Text:
    """The rows of a store as text.

    Attributes
    ----------
    words, splits : ndarray of shape (n_words,), object
    sentences : ndarray of shape (n_words,), int
        Number of each word's sentence.
    positions : ndarray of shape (n_words,), int
        Place within the sentence; where one is missing, a word could not be stored.
    labels : Groups
        Words by label; of a property with real values by fifths of them.
    types : Groups
        Words by type, as written.
    in_sentences, in_splits : Groups
        Words by sentence, and by split.
    values : ndarray of shape (n_words,), float64, or None
        The property's values where they are real, NaN where a word has none.
    order, place : ndarray of shape (n_words,), int
        Rows in the order of reading, sentence by sentence, and the place of each row in it.
    features : dict of str to ndarray of shape (n_words,), float64
        What else a neuron may follow.
    """

    __repr__ = short_repr

    words: NDArray[np.object_]
    splits: NDArray[np.object_]
    sentences: NDArray[np.intp]
    positions: NDArray[np.intp]
    labels: Groups
    types: Groups
    in_sentences: Groups
    in_splits: Groups
    values: NDArray[np.float64] | None
    order: NDArray[np.intp]
    place: NDArray[np.intp]
    features: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def n_words(self) -> int:
        """Number of rows."""
        return len(self.words)

    @cached_property
    def sums_of_features(self) -> list[FeatureSum]:
        """The same, as they are added up fastest: there are fewer types and sentences than words."""
        return [self._sum_of(column) for column in self.standard_features.values()]

    def _sum_of(self, column: NDArray[np.float64]) -> FeatureSum:
        for by, groups in (("types", self.types), ("sentences", self.in_sentences)):
            of_group = np.empty(len(groups.counts))
            of_group[groups.codes] = column
            if np.array_equal(of_group[groups.codes], column):
                return FeatureSum(by, of_group * groups.counts)
        return FeatureSum("words", column)

    @cached_property
    def folded(self) -> NDArray[np.intp]:
        """Number of each word type whatever its case, shape (n_types,)."""
        numbers: dict[str, int] = {}
        return np.array(
            [numbers.setdefault(str(name).lower(), len(numbers)) for name in self.types.names], dtype=np.intp
        )

    @cached_property
    def standard_features(self) -> dict[str, NDArray[np.float64]]:
        """Features with mean 0 and variance 1, each of shape (n_words,), without those that do not vary."""
        spread = {name: float(column.std()) for name, column in self.features.items()}
        return {name: (self.features[name] - self.features[name].mean()) / sd for name, sd in spread.items() if sd > 0}

    @classmethod
    def of(
        cls, words: pd.DataFrame, labels: ArrayLike | None = None, *, more: Mapping[str, ArrayLike] | None = None
    ) -> Text:
        """Take a store's table of words.

        Parameters
        ----------
        words : DataFrame with columns word, sentence, position and split
            One row a row of the activations.
        labels : array_like of shape (n_words,), optional
            Labels or real values of the property; None where a word has none.
        more : mapping of str to array_like of shape (n_words,), optional
            Further features, such as the number of sub-words.

        Raises
        ------
        NeurosieveError
            If there is not one label or one value of a feature a word.
        """
        n_words = len(words)
        for name, given in {"labels": labels, **(more or {})}.items():
            if given is not None and len(np.asarray(given, dtype=object)) != n_words:
                raise NeurosieveError(f"{name}: {len(np.asarray(given))} for {n_words} words; pass one a word")
        types, in_splits = _groups(words["word"].astype(str)), _groups(words["split"].astype(str))
        sentences = words["sentence"].to_numpy(dtype=np.intp)
        positions = words["position"].to_numpy(dtype=np.intp)
        order = np.lexsort((positions, sentences))
        place = np.empty(n_words, dtype=np.intp)
        place[order] = np.arange(n_words)
        y = np.full(n_words, None, dtype=object) if labels is None else np.asarray(labels, dtype=object)
        values = as_values(y) if _real(y) else None
        in_sentences = _groups(sentences)
        features = {**text_features(positions, types), "words in the sentence": _sizes(in_sentences)}
        features |= {name: np.asarray(given, dtype=np.float64) for name, given in (more or {}).items()}
        return cls(
            _repeated(types),
            _repeated(in_splits),
            sentences,
            positions,
            labels=_groups(y) if values is None else _fifths(values),
            types=types,
            in_sentences=in_sentences,
            in_splits=in_splits,
            values=values,
            order=order,
            place=place,
            features=features,
        )


def text_features(positions: NDArray[np.intp], types: Groups) -> dict[str, NDArray[np.float64]]:
    """What can be told of each word without a model: its length, form, frequency, and where it stands.

    Parameters
    ----------
    positions : ndarray of shape (n_words,), int
        Place within the sentence, from 0.
    types : Groups
        The words by type.

    Returns
    -------
    dict of str to ndarray of shape (n_words,), float64
    """
    names = [str(name) for name in types.names]

    def of_types(value: list[float]) -> NDArray[np.float64]:
        return np.asarray(value, dtype=np.float64)[types.codes]

    return {
        "word length": of_types([len(name) for name in names]),
        "log frequency of the word": np.log(types.counts.astype(np.float64))[types.codes],
        "begins with a capital": of_types([name[:1].isupper() for name in names]),
        "has no letter": of_types([not (name.isalpha() or any(c.isalpha() for c in name)) for name in names]),
        "position in the sentence": positions.astype(np.float64),
        "first word of the sentence": (positions == 0).astype(np.float64),
    }


def _real(y: NDArray[np.object_]) -> bool:
    first = next((label for label in y if label is not None and label == label), None)  # NaN is not equal to itself
    return isinstance(first, (float, np.floating))


def _repeated(groups: Groups) -> NDArray[np.object_]:
    """The name of each row's group: one object a group, not one a row."""
    return np.array(groups.names, dtype=object)[groups.codes]


def _groups(given: NDArray[np.generic] | pd.Series[str]) -> Groups:
    import pandas as pd

    codes, names = pd.factorize(given, sort=False)
    return Groups.of(codes.astype(np.intp), tuple(names.tolist()))


def _fifths(values: NDArray[np.float64]) -> Groups:
    """Real values in fifths, named by their ends; fewer where values come often."""
    known = is_labelled(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, FIFTHS + 1)))
    inner = edges[1:-1]
    codes = np.where(known, np.searchsorted(inner, np.where(known, values, edges[0]), side="right"), -1)
    names = tuple(f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges.tolist())) or (f"{edges[0]:.4g}",)
    return Groups.of(codes.astype(np.intp), names)


def _sizes(groups: Groups) -> NDArray[np.float64]:
    return groups.counts[groups.codes].astype(np.float64)
