"""How much a probe knows, in bits: the length of the labels' online code, and its information about labels it has not seen."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels
from neurosieve.activations.source import RowSource, as_source
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import label_log_probabilities, scoring_options
from neurosieve.probes.spec import FittedProbe, ProbeSpec

PARTS = 10
"""Most doublings of the text that a probe is fitted on."""
LEAST_WORDS = 64


@dataclass(frozen=True)
class OnlineCode:
    """Length of the labels' code.

    Attributes
    ----------
    bits : float
    uniform : float
        Bits if every label costs ``log2(n_labels)``.
    n_words, n_labels : int
    """

    bits: float
    uniform: float
    n_words: int
    n_labels: int

    @property
    def compression(self) -> float:
        """How many times shorter the code is than without a probe."""
        return self.uniform / self.bits


def online_code(
    train: LabelledSplit,
    *,
    l1: float = 0.0,
    l2: float = 0.0,
    random_state: int = 0,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> OnlineCode:
    """The labels' online (prequential) code [1]_.

    Sentences are dealt at random. The labels of the first words cost ``log2(n_labels)`` each; a probe is fitted on them, and the
    labels of the next, as many again, cost what it gives them, and so on until all are sent. A label that a probe on n words has
    never met costs something all the same: a share of 1 / (n + 1) of its probability is spread over all labels. All probes
    together see as many words as one on the whole text, which is not needed.

    Parameters
    ----------
    train : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out. Words are dealt singly where it
        has no sentences.
    l1, l2 : float
    random_state : int
    **settings
        Of `fit_probes`.

    References
    ----------
    .. [1] Voita, Titov. Information-Theoretic Probing with Minimum Description Length. EMNLP 2020.
    """
    encoded = encode_labels(train.y)
    n_words, n_labels = int(encoded.known.sum()), len(encoded.classes)
    place = _places(train, encoded.known, random_state)
    ends = [n_words]
    while len(ends) <= PARTS and ends[0] // 2 >= LEAST_WORDS:
        ends.insert(0, ends[0] // 2)
    specs = []
    for end in ends[:-1]:
        y = np.asarray(train.y, dtype=object).copy()
        y[place >= end] = None
        specs.append(ProbeSpec(y, l1=l1, l2=l2, random_state=random_state))
    # Too few words of too few labels to fit on are sent without a probe.
    usable = [len(encode_labels(spec.y).classes) > 1 for spec in specs]
    able = [spec for spec, can in zip(specs, usable, strict=True) if can]
    fitted = iter(fit_probes(train.activations, able, **settings) if able else ())
    bits = ends[0] * np.log2(n_labels)
    for number, (start, end) in enumerate(itertools.pairwise(ends)):
        rows = np.flatnonzero((place >= start) & (place < end))
        if not usable[number]:
            bits += len(rows) * np.log2(n_labels)
            continue
        source = RowSource(as_source(train.activations), rows)
        logs = label_log_probabilities(source, [next(fitted)], train.y[rows], **scoring_options(settings))[0]
        bits -= np.log2(_never_zero(logs, start, n_labels)).sum()
    return OnlineCode(float(bits), n_words * float(np.log2(n_labels)), n_words, n_labels)


def _places(train: LabelledSplit, known: NDArray[np.bool_], random_state: int) -> NDArray[np.int64]:
    """When each word is sent, words of a sentence one after the other; n_words (which is never) without a label."""
    sentences = np.arange(len(known)) if train.sentences is None else np.asarray(train.sentences)
    _, numbers = np.unique(sentences, return_inverse=True)
    turn = np.random.default_rng((random_state, 7)).permutation(int(numbers.max()) + 1)[numbers]
    order = np.flatnonzero(known)[np.argsort(turn[known], kind="stable")]
    place = np.full(len(known), len(known) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def _never_zero(logs: NDArray[np.float64], n: int, n_labels: int) -> NDArray[np.float64]:
    """Probabilities of which a share of 1 / (n + 1) is spread over all labels."""
    return np.asarray((n * np.exp(logs) + 1 / n_labels) / (n + 1), dtype=np.float64)


def label_entropy(y: ArrayLike) -> float:
    """Entropy of the labels in bits a word, from their frequencies."""
    codes = encode_labels(y).codes
    shares = np.bincount(codes[codes >= 0]) / (codes >= 0).sum()
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def information(split: LabelledSplit, probe: FittedProbe, **options: Any) -> float:  # noqa: ANN401 (of scoring)
    """Bits a word that a probe tells of labels it was not fitted on: their entropy less the probe's cross-entropy [1]_.

    A bound from below of the mutual information of activations and labels, as good as the probe; negative where the probe is
    surer than it is right. Labels that the probe does not know cost as in `online_code`.

    References
    ----------
    .. [1] Pimentel et al. Information-Theoretic Probing for Linguistic Structure. ACL 2020.
    """
    logs = label_log_probabilities(split.activations, [probe], split.y, **options)[0]
    n = int(probe.info.get("n_words", 0) or len(logs))  # type: ignore[call-overload]
    probabilities = _never_zero(logs[~np.isnan(logs)], n, len(probe.classes_) + 1)
    return label_entropy(split.y) + float(np.log2(probabilities).mean())
