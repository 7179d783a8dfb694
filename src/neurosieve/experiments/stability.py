"""How sure we are of each neuron: rankings of resampled text, and of other seeds on the same text.

Words of one sentence are not independent, so sentences are drawn, not words. A resample is a set of word weights, so all
resamples are fitted in one group, in one pass over the activations. The noise of the sample (other sentences, same seed)
and that of the optimiser (same sentences, other seeds) are reported apart: only the first tells how far the ranking would
hold on other text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.data import LabelledSplit, Splits
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.weight_mass import weight_mass_ranking

if TYPE_CHECKING:
    import pandas as pd

Scheme = Literal["bootstrap", "half"]


@dataclass(frozen=True)
class StabilityResult:
    """Rankings of resamples and of seeds.

    Attributes
    ----------
    k : int
        Size of the top sets that are compared.
    frequency : ndarray of shape (n_neurons,)
        Share of the resamples in whose top `k` the neuron is.
    rank_interval : ndarray of shape (n_neurons, 2)
        2.5 % and 97.5 % quantiles of the neuron's rank over the resamples.
    sampling_jaccard : float
        Mean Jaccard index of the top `k` of two resamples.
    seed_jaccard : float or None
        Mean Jaccard index of the top `k` of two seeds on the whole text; None with fewer than two seeds.
    n_resamples, n_seeds : int
    scheme : {"bootstrap", "half"}
    """

    k: int
    frequency: NDArray[np.float64]
    rank_interval: NDArray[np.float64]
    sampling_jaccard: float
    seed_jaccard: float | None
    n_resamples: int
    n_seeds: int
    scheme: Scheme

    def to_frame(self) -> pd.DataFrame:
        """One row a neuron, in neuron order: frequency, rank_low, rank_high."""
        import pandas as pd

        low, high = self.rank_interval.T
        return pd.DataFrame({"frequency": self.frequency, "rank_low": low, "rank_high": high})


def sentence_weights(
    split: LabelledSplit, n_resamples: int, *, scheme: Scheme = "bootstrap", random_state: int = 0
) -> NDArray[np.float64]:
    """Draw word weights for resamples of the sentences, shape (n_resamples, n_words).

    Parameters
    ----------
    split : LabelledSplit
        With its sentence numbers.
    n_resamples : int
    scheme : {"bootstrap", "half"}
        Draw as many sentences with replacement, or half of them without.
    random_state : int

    Raises
    ------
    NeurosieveError
        If the split does not know its sentences.
    """
    if split.sentences is None:
        raise NeurosieveError("the split does not know which words form a sentence; pass sentences=, one number a word")
    if scheme not in ("bootstrap", "half"):
        raise NeurosieveError(f"scheme is {scheme!r}; expected 'bootstrap' or 'half'")
    numbers, of_word = np.unique(split.sentences, return_inverse=True)
    n = len(numbers)
    if n < 2:
        raise NeurosieveError("one sentence cannot be resampled; pass more text")
    generator = np.random.default_rng((random_state, 3))
    if scheme == "bootstrap":
        drawn = generator.multinomial(n, np.full(n, 1.0 / n), size=n_resamples)
    else:
        drawn = np.array([generator.permutation(n) < n // 2 for _ in range(n_resamples)])
    weights: NDArray[np.float64] = drawn.astype(np.float64)[:, of_word]
    return weights


def stability(
    splits: Splits,
    *,
    l1: float,
    l2: float,
    k: int | float = 0.05,
    n_resamples: int = 20,
    n_seeds: int = 3,
    scheme: Scheme = "bootstrap",
    random_state: int = 0,
    solver: str = "adam",
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> StabilityResult:
    """Rank the neurons on resampled training sentences, and with other seeds on all of them.

    Parameters
    ----------
    splits : Splits
        Only train is used.
    l1, l2 : float
        Lambdas of all probes.
    k : int or float
        Size of the top set, a number or a share of the neurons.
    n_resamples, n_seeds : int
        Resamples of the sentences, and seeds on all sentences (those of the exact solver would all agree).
    scheme : {"bootstrap", "half"}
    random_state : int
        Seed of the resamples, and of their probes.
    solver, progress, **settings
        As in `fit_probes`.

    Returns
    -------
    StabilityResult

    Raises
    ------
    NeurosieveError
        If there are fewer than two resamples, or train does not know its sentences.
    """
    if n_resamples < 2:
        raise NeurosieveError(f"n_resamples is {n_resamples}; two at least are needed to compare them")
    train = splits.train
    weights = sentence_weights(train, n_resamples, scheme=scheme, random_state=random_state)
    options: dict[str, Any] = {"l1": l1, "l2": l2, "loss": splits.loss}
    specs = [ProbeSpec(train.y, word_weights=row, random_state=random_state, **options) for row in weights]
    specs += [ProbeSpec(train.y, random_state=random_state + seed, **options) for seed in range(n_seeds)]
    rankings = [
        weight_mass_ranking(probe)
        for probe in fit_probes(train.activations, specs, solver, progress=progress, **settings)
    ]
    resampled, seeded = rankings[:n_resamples], rankings[n_resamples:]
    size = resampled[0].count(k)
    ranks = np.array([ranking.ranks for ranking in resampled])
    return StabilityResult(
        k=size,
        frequency=(ranks < size).mean(axis=0),
        rank_interval=np.quantile(ranks, [0.025, 0.975], axis=0).T,
        sampling_jaccard=mean_jaccard(resampled, size),
        seed_jaccard=mean_jaccard(seeded, size) if n_seeds > 1 else None,
        n_resamples=n_resamples,
        n_seeds=n_seeds,
        scheme=scheme,
    )


def mean_jaccard(rankings: list[NeuronRanking], k: int) -> float:
    """Mean Jaccard index (shared over united) of the top `k` of each two rankings."""
    tops = [set(ranking.top(k).tolist()) for ranking in rankings]
    return float(np.mean([len(a & b) / max(1, len(a | b)) for a, b in combinations(tops, 2)]))
