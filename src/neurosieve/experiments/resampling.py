"""Resampling of sentences: the weights that make a resample, and scores of many probes on many resamples.

Words of one sentence are not independent, so sentences are drawn, not words. To train on a resample is to weigh its words;
to score on one is to weigh its sentences, so that predictions are made once, however many resamples there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import as_values, encode_labels
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import short_repr
from neurosieve.probes.predict import predict_codes, predict_values
from neurosieve.probes.spec import FittedProbe

Scheme = Literal["bootstrap", "half"]
SCHEMES = ("bootstrap", "half")

PROBES_AT_ONCE = 128
"""Probes whose predictions are held at the same time."""


def draw_sentences(
    split: LabelledSplit, n_resamples: int, *, scheme: Scheme = "bootstrap", random_state: int = 0, stream: int = 3
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """How often each resample holds each sentence.

    Both schemes give a mean of independent sentences the variance that it has over samples of the whole size, so the
    spread over resamples needs no correction.

    Parameters
    ----------
    split : LabelledSplit
        With its sentence numbers.
    n_resamples : int
    scheme : {"bootstrap", "half"}
        Draw as many sentences with replacement, or half of them without.
    random_state : int
    stream : int
        Draws of different streams are independent.

    Returns
    -------
    weights : ndarray of shape (n_resamples, n_sentences), float64
    of_word : ndarray of shape (n_words,), int
        Position of each word's sentence.

    Raises
    ------
    NeurosieveError
        If the split does not know its sentences or has only one, or the scheme is unknown.
    """
    if split.sentences is None:
        raise NeurosieveError("the split does not know which words form a sentence; pass sentences=, one number a word")
    if scheme not in SCHEMES:
        raise NeurosieveError(f"scheme is {scheme!r}; expected 'bootstrap' or 'half'")
    numbers, of_word = np.unique(split.sentences, return_inverse=True)
    n = len(numbers)
    if n < 2:
        raise NeurosieveError("one sentence cannot be resampled; pass more text")
    generator = np.random.default_rng((random_state, stream))
    if scheme == "bootstrap":
        drawn = generator.multinomial(n, np.full(n, 1.0 / n), size=n_resamples)
    else:
        drawn = np.array([generator.permutation(n) < n // 2 for _ in range(n_resamples)])
    return drawn.astype(np.float64), of_word


@dataclass(frozen=True, repr=False)
class SentenceScores:
    """What is needed of each probe and sentence to score the probe on any weighting of the sentences.

    Attributes
    ----------
    right : ndarray of shape (n_probes, n_sentences), float64
        Labels: words predicted right. Real values: minus the sum of squared errors.
    moments : ndarray of shape (3, n_sentences), float64
        Number of labelled words; of real values also their sum and their sum of squares, else zeros.
    squared : bool
        Whether the probes are of real values.
    """

    __repr__ = short_repr

    right: NDArray[np.float64]
    moments: NDArray[np.float64]
    squared: bool

    def score(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Accuracy, or R² of real values.

        Parameters
        ----------
        weights : ndarray of shape (n_resamples, n_sentences), optional
            The text as it is by default.

        Returns
        -------
        ndarray of shape (n_probes, n_resamples)
            With one column without weights. NaN where a resample has no labelled word.
        """
        w = np.ones((1, self.right.shape[1])) if weights is None else weights
        n, total, squares = self.moments @ w.T
        of = squares - total**2 / np.maximum(n, 1e-300) if self.squared else n
        with np.errstate(divide="ignore", invalid="ignore"):
            share = self.right @ w.T / np.where(of > 0, of, np.nan)
        return share + 1.0 if self.squared else share


def score_sentences(
    split: LabelledSplit,
    probes: Sequence[FittedProbe],
    **where: Any,  # noqa: ANN401
) -> SentenceScores:
    """Predict with all probes and sum up each sentence.

    Parameters
    ----------
    split : LabelledSplit
        With its sentence numbers.
    probes : sequence of FittedProbe
        All of labels, or all of real values.
    **where
        ``device`` and ``memory_limit``, as in `predict_codes`.
    """
    if split.sentences is None:
        raise NeurosieveError("the split does not know which words form a sentence; pass sentences=, one number a word")
    of_word = np.unique(split.sentences, return_inverse=True)[1]
    n_sentences = int(of_word.max()) + 1
    squared = probes[0].loss == "squared"

    def summed(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.bincount(of_word, weights=values.astype(np.float64), minlength=n_sentences).astype(np.float64)

    right = []
    moments = np.zeros((3, n_sentences))
    gold = as_values(split.y) if squared else None
    if gold is not None:
        known, at = ~np.isnan(gold), np.nan_to_num(gold)
        moments[:] = summed(known), summed(at), summed(at**2)
    else:
        known = encode_labels(split.y).known
        moments[0] = summed(known)
    for start in range(0, len(probes), PROBES_AT_ONCE):
        some = probes[start : start + PROBES_AT_ONCE]
        if gold is not None:
            right += [
                -summed(known * (row - np.nan_to_num(gold)) ** 2)
                for row in predict_values(split.activations, some, **where)
            ]
            continue
        classes = some[0].classes_
        codes = encode_labels(split.y, classes=classes).codes
        for row, probe in zip(predict_codes(split.activations, some, **where), some, strict=True):
            if not np.array_equal(probe.classes_, classes):
                classes = probe.classes_
                codes = encode_labels(split.y, classes=classes).codes
            right.append(summed(known & (row == codes)))
    return SentenceScores(np.array(right), moments, squared)
