"""Macro F1: the mean over labels of each label's F1, so that rare labels count as much as frequent ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labels import encode_labels
from neurosieve.probes.predict import predict_codes
from neurosieve.probes.spec import FittedProbe


def macro_f1(activations: object, probes: Sequence[FittedProbe], y: ArrayLike) -> NDArray[np.float64]:
    """Macro F1 of each probe, shape (n_probes,), in one pass.

    As scikit-learn's ``f1_score(..., average="macro", zero_division=0)``: the labels averaged are those that occur in `y` or
    are predicted; a label that a probe does not know has an F1 of 0.

    Parameters
    ----------
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
    probes : sequence of FittedProbe
        Of labels.
    y : array_like of shape (n_words,)
        Gold labels; words without one take no part.
    """
    gold = encode_labels(y)
    known = gold.known
    scores = []
    for codes, probe in zip(predict_codes(activations, probes), probes, strict=True):
        mine = encode_labels(y, classes=probe.classes_).codes[known]
        predicted, n = codes[known], len(probe.classes_)
        hits = np.bincount(predicted[predicted == mine], minlength=n)
        taken, there = np.bincount(predicted, minlength=n), np.bincount(mine[mine >= 0], minlength=n)
        occurs = (taken + there) > 0
        n_unknown = len(np.unique(gold.codes[known][mine < 0]))
        f1 = 2 * hits[occurs] / (taken + there)[occurs]
        scores.append(float(f1.sum() / (occurs.sum() + n_unknown)))
    return np.array(scores)
