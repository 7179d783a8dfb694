"""Neurons that a probe takes which was trained on random subsets of them: the Poisson-mask probe of intrinsic probing.

One linear probe learns to do with whatever neurons it is given. In every batch neurons are kept at random, each with a probability
of its own; these are learned as well: towards subsets with which the probe does well, and away from certainty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels, is_labelled
from neurosieve.activations.source import ActivationSource, RowSource, as_source
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import label_statistics

_BATCH = 256
_MASKS = 4  # subsets a batch, each being the others' baseline
_RATE = 0.01
_ENTROPY = 1e-3  # weight of the masks' entropy, a neuron
_CANDIDATES = 64


def poisson_ranking(
    split: LabelledSplit, *, n_neurons: int = 50, epochs: int = 10, n_words: int = 2000, random_state: int = 0
) -> NeuronRanking:
    """Rank neurons in the order in which a probe for all subsets takes them, greedily [1]_.

    A linear softmax probe of z-scores and the probability of each neuron to be kept are trained together by Adam, to raise
    ``E log p(label | neurons that are kept) + weight * entropy of the masks``; the gradient of the probabilities is that of the
    score function, each mask having the others as its baseline. The trained probe then takes the neuron that raises the mean
    ``log p`` most, one after the other, of the 64 with the largest gradient, without being trained again; those that are never
    taken follow by their probability.

    Costs `epochs` passes of words x labels x neurons x 4 masks.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.
    n_neurons : int
        Neurons to take.
    epochs : int
    n_words : int
        Words, spread evenly, that the neurons are taken by.
    random_state : int

    Returns
    -------
    NeuronRanking
        ``score`` counts down from `n_neurons` for those taken; for others it is their probability; ``label_scores`` are the weights
        times it.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, an activation is not finite, or a number is not positive.

    References
    ----------
    .. [1] Stańczak, Torroba Hennigen, Williams, Cotterell, Augenstein. A Latent-Variable Model for Intrinsic Probing. AAAI 2023.
    """
    for name, value in (("n_neurons", n_neurons), ("epochs", epochs), ("n_words", n_words)):
        if value < 1:
            raise NeurosieveError(f"{name}={value!r}: expected a positive number")
    ranges = list(label_statistics(split, name="poisson"))
    still = np.concatenate([s.constant for s in ranges])
    source, labels = as_source(split.activations), ranges[0].labels
    mean = np.concatenate([s.center + s.scale * s.sums.sum(axis=0) / s.n_words for s in ranges])
    deviation = np.concatenate([s.scale * np.sqrt(s.total_squares / s.n_words) for s in ranges])
    deviation[still] = np.inf
    known = np.flatnonzero(is_labelled(split.y))
    codes = encode_labels(split.y).codes
    probe = _Probe(len(labels), source.n_neurons, random_state)
    for rows in probe.batches(known, epochs):
        probe.step(_z_scores(source, rows, mean, deviation), codes[rows])
    judged = known[np.unique(np.linspace(0, len(known) - 1, min(n_words, len(known))).astype(np.intp))]
    Z = _z_scores(source, judged, mean, deviation)
    taken = probe.take(Z, codes[judged], n=min(n_neurons, int((~still).sum())), still=still)
    probability = np.where(still, 0.0, 1 / (1 + np.exp(-probe.inclusion)))
    score = probability.astype(np.float64)
    score[taken] = np.arange(len(taken), 0, -1) + 1.0
    order = np.lexsort((np.arange(len(score)), -score, still))
    params = {"n_neurons": len(taken), "epochs": epochs, "n_words": n_words, "random_state": random_state}
    of_labels = (probe.W * probability).astype(np.float64)
    return NeuronRanking(order, None, None, None, labels, "poisson", params, score=score, label_scores=of_labels)


def _z_scores(
    source: ActivationSource, rows: NDArray[np.intp], mean: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float32]:
    return ((RowSource(source, rows).read(0, len(rows)) - mean) / deviation).astype(np.float32)


class _Probe:
    """Weights (n_labels, n_neurons), intercepts, and the log-odds of each neuron to be kept, with Adam's moments of all three."""

    def __init__(self, n_labels: int, n_neurons: int, random_state: int) -> None:
        self.generator = np.random.default_rng((random_state, 9))
        self.W = np.zeros((n_labels, n_neurons), dtype=np.float32)
        self.b = np.zeros(n_labels, dtype=np.float32)
        self.inclusion = np.zeros(n_neurons, dtype=np.float32)
        self.moments = [(np.zeros_like(v), np.zeros_like(v)) for v in (self.W, self.b, self.inclusion)]
        self.steps = 0

    def batches(self, rows: NDArray[np.intp], epochs: int) -> list[NDArray[np.intp]]:
        """Batches of all epochs, each of words in random order, in ascending order within the batch."""
        found = []
        for _ in range(epochs):
            order = self.generator.permutation(rows)
            found += [np.sort(order[a : a + _BATCH]) for a in range(0, len(order), _BATCH)]
        return found

    def step(self, Z: NDArray[np.float32], gold: NDArray[np.int64]) -> None:
        """One step of Adam on a batch."""
        keep = 1 / (1 + np.exp(-self.inclusion))
        masks = (self.generator.random((_MASKS, len(keep))) < keep).astype(np.float32)
        fits, of_W, of_b = np.empty(_MASKS), np.zeros_like(self.W), np.zeros_like(self.b)
        for number, mask in enumerate(masks):
            kept = np.flatnonzero(mask)
            logs = _log_softmax(Z[:, kept] @ self.W[:, kept].T + self.b)
            fits[number] = logs[np.arange(len(gold)), gold].mean()
            rest = -np.exp(logs)
            rest[np.arange(len(gold)), gold] += 1
            rest /= len(gold) * _MASKS
            of_W[:, kept] += rest.T @ Z[:, kept]
            of_b += rest.sum(axis=0)
        others = (fits.sum() - fits) / (_MASKS - 1)
        of_inclusion = ((fits - others).astype(np.float32)[:, None] * (masks - keep)).mean(axis=0)
        of_inclusion -= np.float32(_ENTROPY) * self.inclusion * keep * (1 - keep)  # the derivative of the entropy
        self.steps += 1
        values = (self.W, self.b, self.inclusion)
        for value, slope, (first, second) in zip(values, (of_W, of_b, of_inclusion), self.moments, strict=True):
            first += 0.1 * (slope - first)
            second += 0.001 * (slope**2 - second)
            value += _RATE * (first / (1 - 0.9**self.steps)) / (np.sqrt(second / (1 - 0.999**self.steps)) + 1e-8)

    def take(self, Z: NDArray[np.float32], gold: NDArray[np.int64], *, n: int, still: NDArray[np.bool_]) -> list[int]:
        """Neurons in the order in which they raise the mean log-probability of the gold labels most."""
        scores = np.tile(self.b, (len(gold), 1))
        own = np.arange(len(gold))
        free = ~still
        taken: list[int] = []
        for _ in range(n):
            rest = -np.exp(_log_softmax(scores))
            rest[own, gold] += 1
            gain = np.where(free, ((rest.T @ Z) * self.W).sum(axis=0), -np.inf)
            candidates = np.lexsort((np.arange(len(gain)), -gain))[: min(_CANDIDATES, int(free.sum()))]
            fits = [
                _log_softmax(scores + Z[:, [j]] * self.W[:, j])[own, gold].mean(dtype=np.float64) for j in candidates
            ]
            best = int(candidates[int(np.argmax(fits))])
            scores += Z[:, [best]] * self.W[:, best]
            free[best] = False
            taken.append(best)
        return taken


def _log_softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    scores = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), dtype=np.float32)
