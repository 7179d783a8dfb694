"""Predictions of many probes in one pass over the activations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import psutil
import torch
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError
from neurosieve.probes.labels import encode_labels
from neurosieve.probes.plan import plan_groups
from neurosieve.probes.spec import FittedProbe
from neurosieve.probes.stream import ActivationStream

BATCH_WORDS = 2048


def predict_codes(
    activations: object, probes: Sequence[FittedProbe], *, device: str | torch.device | None = None,
    memory_limit: int | None = None,
) -> NDArray[np.int32]:
    """Number of the predicted label (position in each probe's ``classes_``) for each probe and word.

    Ablated probes (`FittedProbe.keep`) are probes like any other, so that all ablations of many probes cost one pass.

    Parameters
    ----------
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
    probes : sequence of FittedProbe
    device : str or torch.device, optional
    memory_limit : int, optional
        Bytes that the activations may take; half of what is free by default.

    Returns
    -------
    ndarray of shape (n_probes, n_words), int32
    """
    source = as_source(activations)
    for probe in probes:
        if probe.n_neurons != source.n_neurons:
            raise NeurosieveError(
                f"a probe was fitted on {probe.n_neurons} neurons, the activations have {source.n_neurons}; pass the "
                "activations of the same model and layers"
            )
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    limit = psutil.virtual_memory().available // 2 if memory_limit is None else memory_limit
    codes = np.empty((len(probes), source.n_words), dtype=np.int32)
    subsets = [None if p.neurons is None else np.asarray(p.neurons, dtype=np.intp) for p in probes]
    # A quarter of a training group: weights only, no moments; the logits of a batch are what grows with the group.
    for group in plan_groups(subsets, [len(p.classes_) for p in probes], n_neurons=source.n_neurons, max_weights=1 << 24):
        columns = group.columns
        if columns is not None and not len(columns):  # probes without neurons: the intercept decides
            for number in group.members:
                codes[number] = int(np.argmax(probes[number].intercept_))
            continue
        stream = ActivationStream(source, columns=columns, device=target, memory_limit=limit)
        members = [probes[i] for i in group.members]
        bounds = np.cumsum([0, *(len(p.classes_) for p in members)])
        W = np.zeros((bounds[-1], stream.width), dtype=np.float32)
        for probe, start, stop in zip(members, bounds[:-1], bounds[1:], strict=True):
            where = probe.columns if columns is None else np.searchsorted(columns, probe.columns)
            W[start:stop, where] = probe.coef_
        weights = torch.from_numpy(W).to(target)
        intercepts = torch.from_numpy(np.concatenate([p.intercept_ for p in members])).to(target)[:, None]
        for rows, X in stream.batches(BATCH_WORDS):
            logits = torch.addmm(intercepts, weights, X.T)
            where_rows = rows.cpu().numpy()
            for number, start, stop in zip(group.members, bounds[:-1], bounds[1:], strict=True):
                codes[number, where_rows] = logits[start:stop].argmax(dim=0).cpu().numpy()
    return codes


def score_probes(
    activations: object, probes: Sequence[FittedProbe], y: ArrayLike | Sequence[ArrayLike], *,
    device: str | torch.device | None = None, memory_limit: int | None = None,
) -> NDArray[np.float64]:
    """Accuracy of each probe on the labelled words, shape (n_probes,), in one pass.

    A label that a probe does not know counts as an error of the probe.

    Parameters
    ----------
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
    probes : sequence of FittedProbe
    y : array_like of shape (n_words,), or a list of one such array for each probe
        Gold labels.
    device, memory_limit
        As in `predict_codes`.
    """
    each = list(y) if isinstance(y, list) and len(y) == len(probes) and np.ndim(y[0]) == 1 else [y] * len(probes)
    predicted = predict_codes(activations, probes, device=device, memory_limit=memory_limit)
    scores = np.empty(len(probes))
    gold: dict[tuple[int, bytes], tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}
    for i, (probe, labels) in enumerate(zip(probes, each, strict=True)):
        key = (id(labels), probe.classes_.tobytes())
        if key not in gold:
            array = np.asarray(labels)
            known = encode_labels(array).codes >= 0
            gold[key] = encode_labels(array, classes=probe.classes_).codes, known
        codes, known = gold[key]
        scores[i] = float(np.mean(predicted[i][known] == codes[known]))
    return scores
