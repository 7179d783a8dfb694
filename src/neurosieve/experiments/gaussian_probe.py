"""A probe that is not linear: one normal distribution for each label, fitted on few neurons in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels
from neurosieve.activations.source import ActivationSource, as_source
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import available_bytes

PRIOR_WORDS = 10.0
_BLOCK = 4096
MOST_NEURONS = 1000


def gaussian_codes(train: LabelledSplit, activations: object, sets: Sequence[ArrayLike]) -> list[NDArray[np.int64]]:
    """Predict labels by Gaussian classifiers on sets of neurons, the covariance of each label being its own [1]_.

    The covariance of a label is ``(n_l S_l + nu diag(v)) / (n_l + nu)``: the label's own, with `PRIOR_WORDS` words nu of the mean
    variance within labels (the prior of the ranking `gaussian`). Costs, for each set, words x neurons² for fitting and words x
    neurons² x labels for predicting; train and `activations` are read once for all sets whose neurons fit into memory together.

    Parameters
    ----------
    train : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,) to fit on.
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
        What to predict.
    sets : sequence of array_like of int
        Columns to use, at most `MOST_NEURONS` each.

    Returns
    -------
    list of ndarray of shape (n_words,), int
        For each set, positions in the sorted labels of train.

    Raises
    ------
    NeurosieveError
        If a set has too many neurons, or none.

    References
    ----------
    .. [1] Torroba Hennigen, Williams, Cotterell. Intrinsic Probing through Dimension Selection. EMNLP 2020.
    """
    wanted = [np.asarray(neurons, dtype=np.intp) for neurons in sets]
    for columns in wanted:
        if not 0 < len(columns) <= MOST_NEURONS:
            raise NeurosieveError(f"a Gaussian probe on {len(columns)} neurons: expected 1 to {MOST_NEURONS}")
    encoded = encode_labels(train.y)
    order = np.argsort(encoded.codes, kind="stable")[int((~encoded.known).sum()) :]
    counts = np.bincount(encoded.codes[encoded.known])
    fitted_on, asked = as_source(train.activations), as_source(activations)
    each = fitted_on.n_words * fitted_on.dtype.itemsize + asked.n_words * asked.dtype.itemsize
    found: list[NDArray[np.int64]] = []
    for together in _in_memory(wanted, max(MOST_NEURONS, available_bytes() // 4 // each)):
        union = np.unique(np.concatenate(together))
        X, target = _columns(fitted_on, union), _columns(asked, union)
        for columns in together:
            places = np.searchsorted(union, columns)
            found.append(_codes(X[order][:, places].astype(np.float64), counts, target, places))
    return found


def _in_memory(sets: Sequence[NDArray[np.intp]], most: int) -> Iterator[list[NDArray[np.intp]]]:
    """The sets in order, in groups whose union has at most `most` neurons."""
    together: list[NDArray[np.intp]] = []
    for columns in sets:
        if together and len(np.unique(np.concatenate([*together, columns]))) > most:
            yield together
            together = []
        together.append(columns)
    if together:
        yield together


def _codes(
    X: NDArray[np.float64], counts: NDArray[np.intp], target: NDArray[np.floating], places: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Fit on rows by label, and predict the given columns of `target`."""
    groups = np.split(X, np.cumsum(counts)[:-1])
    means = [group.mean(axis=0) for group in groups]
    scatters = [(group - mean).T @ (group - mean) for group, mean in zip(groups, means, strict=True)]
    within = sum(np.diag(scatter) for scatter in scatters) / len(X)
    prior = np.diag(np.where(within > 0, within, 1.0))
    whitened = []
    for mean, scatter, n in zip(means, scatters, counts, strict=True):
        factor = np.linalg.cholesky((scatter + PRIOR_WORDS * prior) / (n + PRIOR_WORDS))
        constant = np.log(n / len(X)) - np.log(np.diag(factor)).sum()
        whitened.append((mean, np.linalg.inv(factor).T, constant))
    found = np.zeros(len(target), dtype=np.int64)
    for start in range(0, len(target), _BLOCK):
        part = slice(start, start + _BLOCK)
        rows = target[part][:, places].astype(np.float64)
        best = np.full(len(rows), -np.inf)
        for number, (mean, whiten, constant) in enumerate(whitened):
            distances = (rows - mean) @ whiten
            score = constant - np.einsum("ij,ij->i", distances, distances) / 2
            better = score > best
            best[better] = score[better]
            found[part][better] = number
    return found


def _columns(source: ActivationSource, columns: NDArray[np.intp]) -> NDArray[np.floating]:
    out = np.empty((source.n_words, len(columns)), dtype=source.dtype)
    for start in range(0, source.n_words, _BLOCK):
        stop = min(start + _BLOCK, source.n_words)
        out[start:stop] = source.read(start, stop, columns)
    return out
