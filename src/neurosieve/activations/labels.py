"""Labels and real values as numbers, encoded once however many probes share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.errors import NeurosieveError

Loss = Literal["softmax", "squared"]
"""Cross-entropy of labels, or squared error of real values."""

VALUE = "value"
"""Name of the single row of weights of a probe of real values."""


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

    @property
    def known(self) -> NDArray[np.bool_]:
        """Words that have a label."""
        return self.codes >= 0


@dataclass(frozen=True, slots=True)
class EncodedValues:
    """Real values of all words, standardised.

    Attributes
    ----------
    values : ndarray of shape (n_words,), float64
        ``(y - center) / scale``; 0 for a word without value.
    known : ndarray of shape (n_words,), bool
    center, scale : float
        Mean and standard deviation of the known values.
    classes : ndarray of shape (1,)
        The name of the single row of weights.
    """

    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    center: float
    scale: float
    classes: NDArray[np.generic]


def is_labelled(y: ArrayLike) -> NDArray[np.bool_]:
    """Which words of `y` (n_words,) have a label: not ``None``, NaN or pandas' NA."""
    import pandas as pd

    known: NDArray[np.bool_] = ~np.asarray(pd.isna(np.asarray(y, dtype=object)), dtype=bool)
    return known


def as_values(y: ArrayLike) -> NDArray[np.float64]:
    """`y` (n_words,) as float64, NaN where a word has no value.

    Raises
    ------
    NeurosieveError
        If something is not a number, or no word has a value.
    """
    try:
        given = np.asarray(y, dtype=object)
        values = np.where(is_labelled(given), given, np.nan).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise NeurosieveError(
            f"the values are not all numbers ({error}); probe them as labels, or mend the property"
        ) from error
    if not np.isfinite(values).any():
        raise NeurosieveError(f"none of the {len(values)} words has a value; check the property's name and the split")
    if np.isinf(values).any():
        raise NeurosieveError("some values are infinite; mend the property")
    return values


def encode_values(y: ArrayLike) -> EncodedValues:
    """Standardise the real values of `y` (n_words,); ``None`` or NaN for a word without value.

    Raises
    ------
    NeurosieveError
        If something is not a number, or all values are the same.
    """
    values = as_values(y)
    known = ~np.isnan(values)
    center, scale = float(values[known].mean()), float(values[known].std())
    if scale == 0:
        raise NeurosieveError(f"all values are {center:g}; a probe needs values that differ")
    standard = np.where(known, (values - center) / scale, 0.0)
    return EncodedValues(standard, known, center, scale, np.array([VALUE]))


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
        If the labels are not one-dimensional, or no word has one.
    """
    y = y if isinstance(y, np.ndarray) else np.asarray(y, dtype=object)  # a list of strings would turn NaN into "nan"
    if y.ndim != 1:
        raise NeurosieveError(
            f"labels have shape {y.shape}; expected (n_words,), one label a word (None where it has none)"
        )
    if y.dtype.kind in "OV":
        labelled = is_labelled(y)
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
