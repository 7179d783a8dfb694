"""A probe that is not linear: one normal distribution for each label, fitted on few neurons in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels
from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError

PRIOR_WORDS = 10.0
_BLOCK = 8192
MOST_NEURONS = 1000


def gaussian_codes(train: LabelledSplit, activations: object, *, neurons: ArrayLike) -> NDArray[np.int64]:
    """Predict labels by Gaussian classifiers on some neurons, the covariance of each label being its own [1]_.

    The covariance of a label is ``(n_l S_l + nu diag(v)) / (n_l + nu)``: the label's own, with `PRIOR_WORDS` words nu of the mean
    variance within labels (the prior of the ranking `gaussian`). Costs words x neurons² for fitting and words x neurons² x labels
    for predicting.

    Parameters
    ----------
    train : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,) to fit on.
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
        What to predict.
    neurons : array_like of int
        Columns to use, at most `MOST_NEURONS`.

    Returns
    -------
    ndarray of shape (n_words,), int
        Positions in the sorted labels of train.

    Raises
    ------
    NeurosieveError
        If there are too many neurons, or none.

    References
    ----------
    .. [1] Torroba Hennigen, Williams, Cotterell. Intrinsic Probing through Dimension Selection. EMNLP 2020.
    """
    columns = np.asarray(neurons, dtype=np.intp)
    if not 0 < len(columns) <= MOST_NEURONS:
        raise NeurosieveError(f"a Gaussian probe on {len(columns)} neurons: expected 1 to {MOST_NEURONS}")
    encoded = encode_labels(train.y)
    X = _columns(train.activations, columns)[encoded.known]
    codes = encoded.codes[encoded.known]
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    groups = np.split(X[order], np.cumsum(counts)[:-1])
    means = [group.mean(axis=0) for group in groups]
    scatters = [(group - mean).T @ (group - mean) for group, mean in zip(groups, means, strict=True)]
    within = sum(np.diag(scatter) for scatter in scatters) / len(X)
    prior = np.diag(np.where(within > 0, within, 1.0))
    target = _columns(activations, columns)
    best = np.full(len(target), -np.inf)
    found = np.zeros(len(target), dtype=np.int64)
    for number, (mean, scatter, n) in enumerate(zip(means, scatters, counts, strict=True)):
        factor = np.linalg.cholesky((scatter + PRIOR_WORDS * prior) / (n + PRIOR_WORDS))
        whiten = np.linalg.inv(factor).T
        constant = np.log(n / len(X)) - np.log(np.diag(factor)).sum()
        for start in range(0, len(target), _BLOCK):
            part = slice(start, start + _BLOCK)
            score = constant - (((target[part] - mean) @ whiten) ** 2).sum(axis=1) / 2
            better = score > best[part]
            best[part][better] = score[better]
            found[part][better] = number
    return found


def _columns(activations: object, columns: NDArray[np.intp]) -> NDArray[np.float64]:
    source = as_source(activations)
    parts = [
        source.read(start, min(start + _BLOCK, source.n_words), columns).astype(np.float64)
        for start in range(0, source.n_words, _BLOCK)
    ]
    return np.concatenate(parts)
