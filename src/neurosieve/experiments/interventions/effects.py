"""Effects with intervals: what an edit does beyond edits of matched random sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000


@dataclass(frozen=True)
class Effect:
    """How far the outcome falls beyond what matched random sets make it fall.

    Attributes
    ----------
    value : float
        Mean outcome of the random sets minus that of the set: above 0 where the set matters more to the good sentence.
    low, high : float
        95 % interval over sentences and draws.
    random_low, random_high : float
        Where 95 % of single random sets lie, each against the mean of the others.
    p : float
        Share of the random sets, the set itself counted, that move the outcome as far from the intact model's.
    """

    value: float
    low: float
    high: float
    random_low: float
    random_high: float
    p: float


class Bootstrap:
    """Resamples sentences, and random draws, the same ones whatever is asked.

    Parameters
    ----------
    n_sentences : int
    n_draws : int
        Random sets, where effects are asked for.
    n_resamples : int
    random_state : int
    """

    def __init__(
        self, n_sentences: int, n_draws: int = 0, *, n_resamples: int = RESAMPLES, random_state: int = 0
    ) -> None:
        generator = np.random.default_rng((random_state, 11))
        self._sentences = generator.multinomial(n_sentences, np.full(n_sentences, 1 / n_sentences), size=n_resamples)
        if n_draws:
            self._draws = generator.multinomial(n_draws, np.full(n_draws, 1 / n_draws), size=n_resamples) / n_draws

    def mean(self, values: NDArray[np.float64]) -> tuple[float, float]:
        """95 % interval of the mean of `values` (n_sentences,)."""
        means = self._sentences @ values / len(values)
        low, high = np.percentile(means, [2.5, 97.5])
        return float(low), float(high)

    def effect(self, of_set: NDArray[np.float64], of_random: NDArray[np.float64], *, intact: float) -> Effect:
        """The effect of a set.

        Parameters
        ----------
        of_set : ndarray of shape (n_sentences,)
            Outcome under its edit.
        of_random : ndarray of shape (n_draws, n_sentences)
            Under the edits of matched random sets.
        intact : float
            Mean outcome of the intact model.
        """
        n = len(of_set)
        means = (self._draws * (self._sentences @ of_random.T / n)).sum(axis=1) - self._sentences @ of_set / n
        low, high = np.percentile(means, [2.5, 97.5])
        value = float(of_random.mean() - of_set.mean())
        alone = single_effects(of_random.mean(axis=1))
        random_low, random_high = np.percentile(alone, [2.5, 97.5])
        moved = np.abs(of_random.mean(axis=1) - intact)
        p = (1 + int((moved >= abs(of_set.mean() - intact)).sum())) / (1 + len(moved))
        return Effect(value, float(low), float(high), float(random_low), float(random_high), p)


def single_effects(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Effect of each random set against the mean of the others, shape (n_draws,)."""
    n = len(means)
    return np.asarray((means.sum() - means) / max(1, n - 1) - means)


def area_weights(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights of the mean over the logarithm of the size, by trapezoids; one for each size."""
    if len(sizes) == 1:
        return np.ones(1)
    steps = np.diff(np.log(sizes.astype(np.float64)))
    weights = np.zeros(len(sizes))
    weights[:-1] += steps / 2
    weights[1:] += steps / 2
    return np.asarray(weights / weights.sum())
