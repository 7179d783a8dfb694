"""Labels as numbers, encoded once however many probes share them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.errors import NeurosieveError


@dataclass(frozen=True, slots=True)
class EncodedLabels:
    """Label numbers of all words.

    Attributes
    ----------
    codes : ndarray of shape (n_words,), int64
        Position of the word's label in `classes`; -1 for a word without label.
    classes : ndarray of shape (n_labels,)
        Distinct labels in sorted order.
    """

    codes: NDArray[np.int64]
    classes: NDArray[np.generic]


def encode_labels(y: ArrayLike, *, classes: NDArray[np.generic] | None = None) -> EncodedLabels:
    """Number the labels of `y` (n_words,).

    Parameters
    ----------
    y : array_like of shape (n_words,)
        Strings or integers; ``None`` (or NaN) for a word without label.
    classes : ndarray, optional
        Number by these sorted labels instead of those in `y`; a label that is not among them becomes -1.

    Raises
    ------
    NeurosieveError
        If no word has a label.
    """
    y = np.asarray(y)
    if y.dtype.kind in "OV":
        labelled = np.array([label is not None and label == label for label in y], dtype=bool)  # NaN != NaN
        known = y[labelled]
        known = known.astype(str) if all(isinstance(label, str) for label in known) else np.asarray(known.tolist())
    else:
        labelled = ~np.isnan(y) if y.dtype.kind == "f" else np.ones(len(y), dtype=bool)
        known = y[labelled]
    if not len(known):
        raise NeurosieveError(f"none of the {len(y)} words has a label; check the property's name and the split")
    codes = np.full(len(y), -1, dtype=np.int64)
    if classes is None:
        classes, numbers = np.unique(known, return_inverse=True)
    elif classes.dtype.kind != known.dtype.kind and "U" in (classes.dtype.kind, known.dtype.kind):
        numbers = np.full(len(known), -1)
    else:
        numbers = np.searchsorted(classes, known).clip(max=len(classes) - 1)
        numbers = np.where(classes[numbers] == known, numbers, -1)
    codes[labelled] = numbers
    return EncodedLabels(codes, classes)
