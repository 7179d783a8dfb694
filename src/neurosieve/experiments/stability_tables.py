"""The tables of `stability`: scores, minimal sets and overlaps of the whole text, of resamples and of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.experiments.resampling import SentenceScores

if TYPE_CHECKING:
    import pandas as pd

NORMAL_95 = 1.959964
"""Half the width of a 95 % interval, in standard deviations."""

Name = tuple[str, str | None, int]
"""What a score is of: subset, what the others are set to, number of neurons."""


class ScoredRuns:
    """Scores on one split of the whole text's probe, the resamples' and the seeds', each of shape (..., n_names).

    Attributes
    ----------
    value : ndarray of shape (n_names,)
    train, text : ndarray of shape (n_resamples, n_names)
        Either probes of each resample on the whole split, or the whole text's probe on resamples of the split.
    seeds : ndarray of shape (n_seeds, n_names)
    each_run : ndarray of shape (1 + n_resamples + n_seeds - 1, n_names)
        What each run of the method would see of this split: the whole text all of it, each resample a resample of it, the
        other seeds its first resample.
    """

    def __init__(
        self, sentences: SentenceScores, drawn: NDArray[np.float64], *, n_resamples: int, n_names: int
    ) -> None:
        plain = sentences.score()[:, 0].reshape(-1, n_names)
        drawn_scores = sentences.score(drawn).reshape(len(plain), n_names, n_resamples)
        places = np.arange(n_resamples)
        both = drawn_scores[1 + places, :, places]
        self.value = plain[0]
        self.train = plain[1 : 1 + n_resamples]
        self.text = drawn_scores[0].T
        self.seeds = plain[[1, *range(1 + n_resamples, len(plain))]]
        self.each_run = np.vstack([self.value[None], both, drawn_scores[1 + n_resamples :, :, 0]])


def score_table(names: list[Name], scored: dict[str, ScoredRuns], *, bounded: bool) -> pd.DataFrame:
    """The table `StabilityResult.scores`; `bounded` scores lie between 0 and 1."""
    import pandas as pd

    rows = []
    for split, s in scored.items():
        seed = s.seeds.std(axis=0, ddof=1) if len(s.seeds) > 1 else np.full(len(names), np.nan)
        train, text = s.train.std(axis=0, ddof=1), np.nanstd(s.text, axis=0, ddof=1)
        # The two texts are independent; over twenty pairs of resamples they would not seem so.
        half = NORMAL_95 * np.sqrt(train**2 + text**2)
        low, high = s.value - half, s.value + half
        if bounded:
            low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
        for i, (subset, fill, n) in enumerate(names):
            rows.append(
                {
                    "split": split,
                    "subset": subset,
                    "fill": fill,
                    "n_neurons": n,
                    "value": s.value[i],
                    "low": low[i],
                    "high": high[i],
                    "sd_train": train[i],
                    "sd_text": text[i],
                    "sd_seed": seed[i],
                }
            )
    return pd.DataFrame(rows)


def set_table(
    deltas: Sequence[float],
    sizes: list[int],
    curves: NDArray[np.float64],
    *,
    ranks: NDArray[np.intp],
    n_resamples: int,
) -> pd.DataFrame:
    """Minimal sets: whole text first, then the resamples, then the other seeds; `curves` is (n_runs, n_sizes) on dev."""
    import pandas as pd

    rows = []
    for delta in deltas:
        # The small addend is for scores exactly delta below, of which rounding would lose every second one.
        within = curves + 1e-12 >= curves[:, -1:] - delta
        found = np.array(sizes)[within.argmax(axis=1)]
        sets = [np.flatnonzero(rank < size) for rank, size in zip(ranks, found, strict=True)]
        seeded = [sets[1], *sets[1 + n_resamples :]]
        low, high = np.quantile(found[1 : 1 + n_resamples], [0.025, 0.975], method="inverted_cdf")
        rows.append(
            {
                "delta": delta,
                "n_neurons": int(found[0]),
                "low": low,
                "high": high,
                "sampling_jaccard": jaccard_of_sets(sets[1 : 1 + n_resamples]),
                "seed_jaccard": jaccard_of_sets(seeded),
            }
        )
    return pd.DataFrame(rows, columns=["delta", "n_neurons", "low", "high", "sampling_jaccard", "seed_jaccard"])


def overlap_table(resampled: NDArray[np.intp], seeded: NDArray[np.intp], *, extra: list[int]) -> pd.DataFrame:
    """Mean Jaccard index of the top sets of pairs of rankings, for sizes evenly spaced on a log scale and `extra`."""
    import pandas as pd

    n = resampled.shape[1]
    sizes = sorted({*np.geomspace(min(5, n), n, 40).round().astype(int).tolist(), *extra})
    table = pd.DataFrame({"n_neurons": sizes})
    for name, ranks in (("sampling", resampled), ("seed", seeded)):
        # A neuron is in both top sets of a size exactly when the larger of its two ranks is below the size.
        later = [np.sort(np.maximum(a, b)) for a, b in combinations(ranks, 2)]
        shared = np.array([np.searchsorted(worst, sizes) for worst in later]).reshape(-1, len(sizes))
        table[name] = (shared / (2 * np.array(sizes) - shared)).mean(axis=0) if len(later) else np.nan
    share = table["n_neurons"] / n
    table["chance"] = share / (2 - share)
    return table


def jaccard_of_sets(sets: list[NDArray[np.intp]]) -> float:
    """Mean Jaccard index (shared over united) of each two sets; NaN for one set."""
    pairs = [(set(a.tolist()), set(b.tolist())) for a, b in combinations(sets, 2)]
    return float(np.mean([len(a & b) / max(1, len(a | b)) for a, b in pairs])) if pairs else float("nan")
