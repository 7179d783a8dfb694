"""How well single neurons detect each label, by the measures that pass the sanity checks of Oikarinen et al. (ICML 2025)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.rankings.average_precision import MEASURE as AVERAGE_PRECISION
from neurosieve.rankings.correlation import MEASURE as CORRELATION
from neurosieve.rankings.statistics import LabelStatistics, label_statistics

DETECTORS = ("f1", "iou", "correlation", "cosine", "auprc")


def detector_scores(split: LabelledSplit) -> dict[str, NDArray[np.float64]]:
    """Each measure of each neuron as a detector of each label, in one pass.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out. Best other words than those
        that the neurons were ranked on.

    Returns
    -------
    dict of str to ndarray of shape (n_labels, n_neurons)
        ``f1`` and ``iou`` at the threshold that is best for the label, by high values or by low ones, ``correlation`` (absolute),
        ``cosine`` (absolute, of the values as they are with 1 for the label's words and 0 for others) and ``auprc``, the
        average precision. Thresholds are edges of bins (see `neurosieve.rankings.statistics`); a neuron that never changes
        has a correlation of 0.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, or an activation is not finite.
    """
    parts = [_of_range(statistics) for statistics in label_statistics(split, name="detectors", bins=True)]
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in DETECTORS}


def _of_range(s: LabelStatistics) -> dict[str, NDArray[np.float64]]:
    fired = np.cumsum(s.in_bin, axis=1)  # at low values, up to each bin
    f1 = np.empty_like(s.sums)
    for number, n in enumerate(s.counts):
        low = s.up_to[:, number].astype(np.float64)
        best = [2 * hit / (n + taken) for hit, taken in ((low, fired), (n - low, s.n_words - fired))]
        f1[number] = np.maximum(*best).max(axis=1)
    raw = s.sums * s.scale + s.counts[:, None] * s.center
    squares = s.squares.sum(axis=0) * s.scale**2 + 2 * s.center * s.scale * s.sums.sum(axis=0) + s.n_words * s.center**2
    length = np.sqrt(np.where(squares > 0, squares, 1.0))
    still = s.constant
    return {
        "f1": f1,
        "iou": f1 / (2 - f1),  # of two sets, a rising function of F1
        "correlation": np.where(still, 0.0, np.abs(CORRELATION.scores(s)[1])),
        "cosine": np.abs(raw) / (np.sqrt(s.counts)[:, None] * length),
        "auprc": np.abs(AVERAGE_PRECISION.scores(s)[1]),
    }
