"""Predictions of many probes in one pass over the activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labels import as_values, encode_labels
from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError
from neurosieve.probes.checks import usable_device
from neurosieve.probes.memory import available_bytes
from neurosieve.probes.plan import PASS_ROWS_ONCE, plan_groups
from neurosieve.probes.spec import FittedProbe, r_squared
from neurosieve.probes.stream import ActivationStream

BATCH_WORDS = 2048
_MOST_WEIGHTS = 1 << 24
"""A quarter of a training group: weights only, no moments; the scores of a batch are what grows with the group."""


def predict_codes(
    activations: object,
    probes: Sequence[FittedProbe],
    *,
    device: str | torch.device | None = None,
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
        Bytes that scoring may take (see `neurosieve.probes.memory`); half of what is free by default.

    Returns
    -------
    ndarray of shape (n_probes, n_words), int32
    """
    codes = np.empty((len(probes), as_source(activations).n_words), dtype=np.int32)
    for number, rows, scores in _scores(activations, probes, device=device, memory_limit=memory_limit):
        codes[number, rows] = _first_largest(scores).cpu().numpy()
    return codes


def _first_largest(scores: torch.Tensor) -> torch.Tensor:
    """Position of the largest value of each column, the first if there are several: `argmax`, which is slow over rows."""
    places = torch.arange(len(scores), dtype=torch.int32, device=scores.device)[:, None]
    return torch.where(scores == scores.amax(dim=0), places, len(scores)).amin(dim=0)


def predict_values(
    activations: object,
    probes: Sequence[FittedProbe],
    *,
    device: str | torch.device | None = None,
    memory_limit: int | None = None,
) -> NDArray[np.float32]:
    """Predicted value for each probe of real values and word, shape (n_probes, n_words); as `predict_codes`."""
    values = np.empty((len(probes), as_source(activations).n_words), dtype=np.float32)
    for number, rows, scores in _scores(activations, probes, device=device, memory_limit=memory_limit):
        values[number, rows] = scores[0].cpu().numpy()
    return values


def label_log_probabilities(
    activations: object,
    probes: Sequence[FittedProbe],
    y: ArrayLike,
    *,
    device: str | torch.device | None = None,
    memory_limit: int | None = None,
) -> NDArray[np.float64]:
    """Natural logarithm of the probability that each probe gives each word's own label; as `predict_codes`.

    Returns
    -------
    ndarray of shape (n_probes, n_words), float64
        Minus infinity for a label that the probe does not know; NaN for a word without label.
    """
    known = encode_labels(y).known
    gold = [torch.from_numpy(encode_labels(y, classes=probe.classes_).codes) for probe in probes]
    found = np.full((len(probes), len(known)), np.nan)
    for number, rows, scores in _scores(activations, probes, device=device, memory_limit=memory_limit):
        codes = gold[number][torch.from_numpy(rows)].to(scores.device)
        logs = torch.log_softmax(scores.double(), dim=0)
        own = torch.where(codes >= 0, logs.gather(0, codes.clamp_min(0)[None])[0], -torch.inf)
        found[number, rows] = own.cpu().numpy()
    found[:, ~known] = np.nan
    return found


def scoring_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings of `fit_probes` that scoring takes as well: where, and in how much memory."""
    return {name: settings[name] for name in ("device", "memory_limit") if name in settings}


def _scores(
    activations: object, probes: Sequence[FittedProbe], *, device: str | torch.device | None, memory_limit: int | None
) -> Iterator[tuple[int, NDArray[np.intp], torch.Tensor]]:
    """Yield (number of a probe, numbers of words, scores (n_labels, n_words)) batch by batch, groups in one pass each."""
    source = as_source(activations)
    for probe in probes:
        if probe.n_neurons != source.n_neurons:
            raise NeurosieveError(
                f"a probe was fitted on {probe.n_neurons} neurons, the activations have {source.n_neurons}; pass the "
                "activations of the same model and layers"
            )
    target = usable_device(device)
    limit = available_bytes(memory_limit)
    subsets = [None if p.neurons is None else np.asarray(p.neurons, dtype=np.intp) for p in probes]
    rows_of = [len(p.classes_) for p in probes]
    most = min(_MOST_WEIGHTS, limit // 4 // 4)
    for group in plan_groups(subsets, rows_of, n_neurons=source.n_neurons, max_weights=most, pass_rows=PASS_ROWS_ONCE):
        members = [probes[i] for i in group.members]
        intercepts = torch.from_numpy(np.concatenate([p.intercept_ for p in members])).to(target)[:, None]
        bounds = np.cumsum([0, *(len(p.classes_) for p in members)])
        parts = list(zip(group.members, bounds[:-1], bounds[1:], strict=True))
        if group.columns is not None and not len(group.columns):  # probes without neurons: the intercept decides
            everything = np.arange(source.n_words)
            for number, start, stop in parts:
                yield number, everything, intercepts[start:stop].expand(-1, source.n_words)
            continue
        width = source.n_neurons if group.columns is None else len(group.columns)
        word_bytes = width * (source.dtype.itemsize + 4) + 3 * 4 * int(
            bounds[-1]
        )  # activations, scores and their maxima
        n_batch = max(64, min(BATCH_WORDS, limit // 4 // word_bytes))
        left = limit - n_batch * word_bytes - 4 * width * int(bounds[-1])
        stream = ActivationStream(source, columns=group.columns, device=target, memory_limit=left)
        weights = torch.from_numpy(_stacked(members, bounds, group.columns, width=stream.width)).to(
            target, stream.dtype
        )
        intercepts = intercepts.to(stream.dtype)
        for rows, X in stream.batches(n_batch):
            scores = torch.addmm(intercepts, weights, X.T)
            numbers = rows.cpu().numpy()
            for number, start, stop in parts:
                yield number, numbers, scores[start:stop]


def _stacked(
    probes: Sequence[FittedProbe], bounds: NDArray[np.intp], columns: NDArray[np.intp] | None, *, width: int
) -> NDArray[np.float32]:
    """Weights of all probes below each other, zero where a probe does not read a column."""
    W = np.zeros((bounds[-1], width), dtype=np.result_type(*(probe.coef_ for probe in probes)))
    for probe, start, stop in zip(probes, bounds[:-1], bounds[1:], strict=True):
        W[start:stop, probe.columns if columns is None else np.searchsorted(columns, probe.columns)] = probe.coef_
    return W


def score_probes(
    activations: object,
    probes: Sequence[FittedProbe],
    y: ArrayLike | Sequence[ArrayLike],
    *,
    device: str | torch.device | None = None,
    memory_limit: int | None = None,
) -> NDArray[np.float64]:
    """Accuracy of each probe on the labelled words (R² of probes of real values), shape (n_probes,), in one pass.

    A label that a probe does not know counts as an error of the probe.

    Parameters
    ----------
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
    probes : sequence of FittedProbe
    y : array_like of shape (n_words,), or a list of one such array for each probe
        Gold labels or values.
    device, memory_limit
        As in `predict_codes`.
    """
    each: list[Any] = (
        list(y) if isinstance(y, list) and y and len(y) == len(probes) and np.ndim(y[0]) == 1 else [y] * len(probes)
    )
    scores = np.empty(len(probes))
    for loss in dict.fromkeys(probe.loss for probe in probes):
        chosen = [i for i, probe in enumerate(probes) if probe.loss == loss]
        some, gold = [probes[i] for i in chosen], [each[i] for i in chosen]
        judge = _explained if loss == "squared" else _accuracies
        scores[chosen] = judge(activations, some, gold, device=device, memory_limit=memory_limit)
    return scores


def _accuracies(activations: object, probes: list[FittedProbe], y: list[Any], **options: Any) -> list[float]:  # noqa: ANN401
    predicted = predict_codes(activations, probes, **options)
    gold: dict[tuple[int, bytes], tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}
    scores = []
    for codes, probe, labels in zip(predicted, probes, y, strict=True):
        key = (id(labels), probe.classes_.tobytes())
        if key not in gold:
            known = encode_labels(labels).known
            if len(known) != len(codes):
                raise NeurosieveError(f"there are {len(known)} labels for {len(codes)} words; pass one label a word")
            gold[key] = encode_labels(labels, classes=probe.classes_).codes, known
        numbers, known = gold[key]
        scores.append(float(np.mean(codes[known] == numbers[known])))
    return scores


def _explained(activations: object, probes: list[FittedProbe], y: list[Any], **options: Any) -> list[float]:  # noqa: ANN401
    scores = []
    for values, target in zip(predict_values(activations, probes, **options), y, strict=True):
        gold = as_values(target)
        if len(gold) != len(values):
            raise NeurosieveError(f"there are {len(gold)} values for {len(values)} words; pass one value a word")
        known = ~np.isnan(gold)
        scores.append(r_squared(values[known], gold[known]))
    return scores
