"""Neurons that a Gaussian classifier takes one after the other: the greedy search of intrinsic probing, by rank-one updates.

Each label's words are a normal distribution. With the neurons taken so far, the distribution of one more given these needs
its covariance with them alone, so a step costs one pass over the words for the covariances with the neuron just taken, and
one update of the conditional variances: no covariance matrix of all neurons, and no determinant, is ever made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels
from neurosieve.activations.source import ActivationSource, RowSource, as_source
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import available_bytes
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import LabelStatistics, label_statistics

PRIOR_WORDS = 10.0
"""Words that the prior counts for in each label's covariance: the mean variance within labels, and no covariance."""
_CANDIDATES_AT_ONCE = 32
_LEAST = 1e-6


def gaussian_ranking(
    split: LabelledSplit, *, n_neurons: int = 50, n_candidates: int = 200, n_words: int = 4000
) -> NeuronRanking:
    """Rank neurons in the order in which a Gaussian classifier takes them, greedily [1]_.

    Each label's values are normal with covariance ``(n_l S_l + nu diag(v)) / (n_l + nu)``, S_l its own covariance, v the mean
    variance within labels, and nu `PRIOR_WORDS`: the maximum a posteriori under a prior of that many words. (The prior of [1]_ has
    more words the more neurons there are, which with thousands of neurons leaves nothing of the labels' own variances.) At
    every step the neuron is taken that raises ``mean log q(label | neurons)`` most, of the `n_candidates` with the largest
    gain in Gaussian information; those that are never taken follow by that gain.

    A step costs one pass, words x neurons, and `n_words` x labels x candidates x neurons taken; memory is labels x neurons x
    neurons taken, and the values of `n_words` words.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.
    n_neurons : int
        Neurons to take.
    n_candidates : int
        Neurons whose classifier is looked at in each step.
    n_words : int
        Words, spread evenly, that the classifier is judged by.

    Returns
    -------
    NeuronRanking
        Without scores of single labels. ``score`` counts down from `n_neurons` for those taken; for others it is the gain
        in bits that they would bring, as a share below 1: ``gain / (1 + gain)``.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, an activation is not finite, or a number is not positive.

    References
    ----------
    .. [1] Torroba Hennigen, Williams, Cotterell. Intrinsic Probing through Dimension Selection. EMNLP 2020.
    """
    for name, value in (("n_neurons", n_neurons), ("n_candidates", n_candidates), ("n_words", n_words)):
        if value < 1:
            raise NeurosieveError(f"{name}={value!r}: expected a positive number")
    search = _Search(split, n_words=n_words)
    taken: list[int] = []
    for _ in range(min(n_neurons, int((~search.constant).sum()))):
        gain = search.gain()
        gain[taken] = -np.inf
        order = np.lexsort((np.arange(len(gain)), -gain))[:n_candidates]
        candidates = np.sort(order[np.isfinite(gain[order])])
        best = int(candidates[np.argmax(search.fit(candidates))])
        search.take(best)
        taken.append(best)
    gain = np.maximum(search.gain(), 0.0)
    score = gain / (1 + gain)
    score[taken] = np.arange(len(taken), 0, -1)
    order = np.lexsort((np.arange(len(score)), -score, search.constant))
    params = {"n_neurons": len(taken), "n_candidates": n_candidates, "n_words": n_words}
    return NeuronRanking(order, None, None, None, search.labels, "gaussian", params, score=score)


class _Search:
    """What is known of every neuron given those taken; the last row of arrays by label is of all words."""

    def __init__(self, split: LabelledSplit, *, n_words: int) -> None:
        self.source = as_source(split.activations)
        ranges = list(label_statistics(split, name="gaussian"))
        self.labels, self.counts = ranges[0].labels, ranges[0].counts
        self.codes = encode_labels(split.y).codes
        self.center = np.concatenate([s.center for s in ranges])
        self.scale = np.concatenate([s.scale for s in ranges])
        self.constant = np.concatenate([s.constant for s in ranges])
        self.means = np.concatenate([_with_all(s.sums, s.counts) for s in ranges], axis=1)
        self.sizes = np.append(self.counts, self.counts.sum())[:, None]
        self.variances = np.concatenate([self._variances(s) for s in ranges], axis=1)
        self.least = _LEAST * np.maximum(self.variances[-1], _LEAST)
        self.shares = self.counts / self.counts.sum()
        self.factors: list[
            NDArray[np.float32]
        ] = []  # covariance with each neuron taken, given the earlier: (n_labels + 1, d)
        known = np.flatnonzero(self.codes >= 0)
        most = max(64, available_bytes() // 8 // (4 * self.source.n_neurons))
        rows = known[np.unique(np.linspace(0, len(known) - 1, min(n_words, len(known), most)).astype(np.intp))]
        self.gold = self.codes[rows]
        sample = _rows(self.source, rows)
        self.sample = ((sample - self.center) / self.scale).astype(np.float32)
        self.log_joint = np.tile(np.log(self.shares), (len(rows), 1)).T  # (n_labels, n_words)
        self.innovations: list[NDArray[np.float32]] = []  # of each neuron taken: (n_labels, n_words)

    def _variances(self, s: LabelStatistics) -> NDArray[np.float64]:
        within = s.own_squares.sum(axis=0) / s.n_words
        own = (s.own_squares + PRIOR_WORDS * within) / (self.counts[:, None] + PRIOR_WORDS)
        whole = s.total_squares / s.n_words
        least = _LEAST * np.where(whole > 0, whole, 1.0)
        return np.asarray(np.maximum(np.concatenate([own, whole[None]]), least), dtype=np.float64)

    def gain(self) -> NDArray[np.float64]:
        """Gaussian information in bits that each neuron adds, shape (n_neurons,); -inf for one that never changes."""
        logs = np.log2(self.variances)
        gain = (logs[-1] - self.shares @ logs[:-1]) / 2
        gain[self.constant] = -np.inf
        return np.asarray(gain, dtype=np.float64)

    def fit(self, candidates: NDArray[np.intp]) -> NDArray[np.float64]:
        """Mean log-probability of the words' labels with each of the candidates added, shape (n_candidates,)."""
        found = []
        for start in range(0, len(candidates), _CANDIDATES_AT_ONCE):
            some = candidates[start : start + _CANDIDATES_AT_ONCE]
            joint = np.empty((len(self.labels), len(self.gold), len(some)), dtype=np.float32)
            for label in range(len(self.labels)):
                joint[label] = self.log_joint[label][:, None] + self._log_density(label, some)[0]
            top = joint.max(axis=0)
            own = np.take_along_axis(joint, self.gold[None, :, None], axis=0)[0]
            joint -= top
            np.exp(joint, out=joint)
            found.append((own - top - np.log(joint.sum(axis=0))).mean(axis=0, dtype=np.float64))
        return np.concatenate(found)

    def _log_density(self, label: int, neurons: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-density of the neurons' values given those taken, and the standardised distance, both (n_words, n_some)."""
        expected = self.means[label, neurons].astype(np.float32)[None]
        if self.factors:
            earlier = np.stack([u[label] for u in self.innovations], axis=1)
            expected = expected + earlier @ np.stack([g[label, neurons] for g in self.factors])
        variance = self.variances[label, neurons].astype(np.float32)
        distance = (self.sample[:, neurons] - expected) / np.sqrt(variance)
        return -(np.log(variance) + distance**2) / 2, distance

    def take(self, neuron: int) -> None:
        """Condition everything on one more neuron."""
        one = np.array([neuron])
        added = [self._log_density(label, one) for label in range(len(self.labels))]
        self.log_joint += np.stack([density[:, 0] for density, _ in added])
        covariance = self._covariance(neuron)
        for factor in self.factors:
            covariance -= factor[:, [neuron]].astype(np.float64) * factor
        factor = covariance / np.sqrt(self.variances[:, [neuron]])
        self.variances = np.maximum(self.variances - factor**2, self.least)
        self.innovations.append(np.stack([distance[:, 0] for _, distance in added]))
        self.factors.append(factor.astype(np.float32))

    def _covariance(self, neuron: int) -> NDArray[np.float64]:
        """Covariance of all neurons with one, in each label and in all words, in one pass."""
        from scipy import sparse

        products = np.zeros((len(self.labels), self.source.n_neurons))
        center, scale = self.center.astype(np.float32), self.scale.astype(np.float32)
        block = max(64, min(2048, available_bytes() // 16 // (8 * self.source.n_neurons)))
        for start in range(0, self.source.n_words, block):
            stop = min(start + block, self.source.n_words)
            codes = self.codes[start:stop]
            kept = np.flatnonzero(codes >= 0)
            if not len(kept):
                continue
            z = self.source.read(start, stop)[kept].astype(np.float32)
            z -= center
            z /= scale
            weights = sparse.csr_array(
                (z[:, neuron].copy(), (codes[kept], np.arange(len(kept)))), shape=(len(self.labels), len(kept))
            )
            products += weights @ z
        whole = products.sum(axis=0) / self.sizes[-1] - self.means[-1, neuron] * self.means[-1]
        own = products - self.counts[:, None] * self.means[:-1, [neuron]] * self.means[:-1]
        own /= self.counts[:, None] + PRIOR_WORDS
        return np.concatenate([own, whole[None]])


def _with_all(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([sums / counts[:, None], sums.sum(axis=0, keepdims=True) / counts.sum()])


def _rows(source: ActivationSource, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    return RowSource(source, rows).read(0, len(rows)).astype(np.float64)
