"""How sure we are of each neuron and each number: the method repeated on resampled text, and with other seeds.

A resample is a set of word weights, so all resamples are fitted in one group, in one pass over the activations. Two noises
are reported apart: that of the sample (other sentences, same seed) and that of the optimiser (same sentences, other seeds).
Only the first tells how far a result would hold on other text; the second is what more seeds can average out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.source import as_source
from neurosieve.activations.splits import Splits
from neurosieve.bars import with_bar
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.ablation import ablated_probes
from neurosieve.experiments.resampling import Scheme, draw_sentences, score_sentences
from neurosieve.experiments.stability_tables import (
    Name,
    ScoredRuns,
    overlap_table,
    score_table,
    set_table,
)
from neurosieve.notebook import short_repr
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.moments import column_moments
from neurosieve.probes.predict import scoring_options
from neurosieve.probes.solvers import AUTO
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.weight_mass import weight_mass_ranking

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class StabilityResult:
    """Rankings, scores and sets of resamples and of seeds.

    Attributes
    ----------
    k : int
        Size of the top sets that are compared.
    frequency : ndarray of shape (n_neurons,)
        Share of the resamples in whose top `k` the neuron is.
    rank_interval : ndarray of shape (n_neurons, 2)
        2.5 % and 97.5 % quantiles of the neuron's rank over the resamples.
    key_interval : ndarray of shape (n_neurons, 2)
        The same of its key, the share of weight mass at which it is taken; 1 where it has no weight.
    scores : DataFrame
        One row a score: split, subset ("all", "top", "random", "bottom", or "retrained" on the top neurons alone), fill,
        n_neurons, value (on the whole text), low, high (95 %: two standard deviations, of the training text and of the
        scored text together), sd_train (of training resamples alone), sd_text (of the scored text alone), sd_seed (of seeds, on
        the first resample). Accuracies, or R² of real values.
    sets : DataFrame
        One row a delta: delta, n_neurons (on the whole text), low, high (quantiles over resamples), sampling_jaccard,
        seed_jaccard. Sizes are among those tried.
    overlap : DataFrame
        One row a size: n_neurons, sampling, seed (mean Jaccard index of the top sets of two resamples, two seeds), chance.
    sampling_jaccard : float
        Mean Jaccard index of the top `k` of two resamples, fitted with the same seed.
    seed_jaccard : float or None
        Mean Jaccard index of the top `k` of two seeds on the first resample; None with fewer than two seeds.
    n_resamples, n_seeds : int
    scheme : {"bootstrap", "half"}
    """

    __repr__ = short_repr

    k: int
    frequency: NDArray[np.float64]
    rank_interval: NDArray[np.float64]
    key_interval: NDArray[np.float64]
    scores: pd.DataFrame
    sets: pd.DataFrame
    overlap: pd.DataFrame
    sampling_jaccard: float
    seed_jaccard: float | None
    n_resamples: int
    n_seeds: int
    scheme: Scheme

    def to_frame(self) -> pd.DataFrame:
        """One row a neuron, in neuron order: frequency, rank_low, rank_high, key_low, key_high."""
        import pandas as pd

        (low, high), (key_low, key_high) = self.rank_interval.T, self.key_interval.T
        return pd.DataFrame(
            {"frequency": self.frequency, "rank_low": low, "rank_high": high, "key_low": key_low, "key_high": key_high}
        )


@with_bar("resamples (fits x passes)")
def stability(
    splits: Splits,
    *,
    l1: float,
    l2: float,
    k: int | float = 0.05,
    n_resamples: int = 20,
    n_seeds: int = 3,
    scheme: Scheme = "bootstrap",
    keep: float = 0.2,
    sizes: Sequence[int] = (),
    deltas: Sequence[float] = (),
    regularize: bool = True,
    random_state: int = 0,
    solver: str = AUTO,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> StabilityResult:
    """Repeat ranking, ablation and retraining on resampled sentences, and with other seeds on one resample.

    Training sentences are resampled for the probes, dev and test sentences for their scores. The lambdas stay as they
    are: how sure their choice is, the table of the search tells.

    Parameters
    ----------
    splits : Splits
        With sentence numbers.
    l1, l2 : float
        Lambdas of all probes.
    k : int or float
        Size of the top set, a number or a share of the neurons.
    n_resamples, n_seeds : int
        Resamples of the sentences, and seeds on the first of them (those of the exact solver all agree).
    scheme : {"bootstrap", "half"}
        Draw as many sentences with replacement, or half of them without.
    keep : float
        Share of the neurons that ablation keeps.
    sizes : sequence of int
        Numbers of top neurons on which probes are retrained, one a size for every resample and seed; none by default,
        since they are what costs most.
    deltas : sequence of float
        Allowed losses of minimal sets, for which `sizes` (and all neurons) are tried.
    regularize : bool
        If False, retrained probes, and the probe that minimal sets are compared with, are not regularised.
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
        If there are fewer than two resamples, a size is no number of neurons, or a split does not know its sentences.

    Notes
    -----
    The scores' intervals lie around the value on the whole text and use the resamples' standard deviation, not their
    quantiles: probes of a resample see fewer distinct sentences, so their scores are lower throughout, and twenty values
    have no quantiles worth the name. Ranks and keys are far from normal, so theirs are quantiles.

    References
    ----------
    Efron and Tibshirani. An Introduction to the Bootstrap. Chapman and Hall, 1993 (chapters 6 and 8).
    Meinshausen and Bühlmann. Stability selection. JRSS B 72, 2010 (``scheme="half"`` and the selection frequencies).
    """
    _check(splits, n_resamples=n_resamples, n_seeds=n_seeds, sizes=sizes)
    drawn, of_word = draw_sentences(splits.train, n_resamples, scheme=scheme, random_state=random_state)
    # The whole text, the resamples, and the other seeds on the first resample (whose own probe is the first seed).
    rows = [np.ones(drawn.shape[1]), *drawn, *([drawn[0]] * (n_seeds - 1))]
    seeds = [random_state] * (1 + n_resamples) + [random_state + seed for seed in range(1, n_seeds)]
    runs = [{"word_weights": row[of_word], "random_state": seed} for row, seed in zip(rows, seeds, strict=True)]
    tried = sorted({int(size) for size in sizes if size < splits.n_neurons})
    lambdas = [(l1, l2), (l1, l2) if regularize else (0.0, 0.0)]
    probes, rankings, smaller = _fit_runs(
        splits, runs, tried, lambdas=lambdas, solver=solver, progress=progress, settings=settings
    )
    train = splits.train
    means = column_moments(as_source(train.activations), memory_limit=settings.get("memory_limit"))[0]
    names, variants = _variants(
        probes, rankings, smaller, tried=tried, keep=keep, means=means, random_state=random_state
    )
    scored = {
        name: ScoredRuns(
            score_sentences(split, variants, **scoring_options(settings)),
            draw_sentences(split, n_resamples, scheme=scheme, random_state=random_state, stream=stream)[0],
            n_resamples=n_resamples,
            n_names=len(names),
        )
        for name, stream, split in (("dev", 5, splits.dev), ("test", 6, splits.test))
    }
    oracle = 0 if regularize or not tried else len(names) - 1  # what minimal sets are compared with
    curve = [*(names.index(("retrained", None, size)) for size in tried), oracle]
    size = rankings[0].count(k)
    ranks = np.array([ranking.ranks for ranking in rankings])
    resampled, seeded = slice(1, 1 + n_resamples), [1, *range(1 + n_resamples, len(probes))]
    keys = np.minimum(np.array([ranking.require_mass("stability")[0] for ranking in rankings[resampled]]), 1.0)
    overlap = overlap_table(ranks[resampled], ranks[seeded], extra=[size])
    at_k = overlap[overlap["n_neurons"] == size].iloc[0]
    return StabilityResult(
        k=size,
        frequency=(ranks[resampled] < size).mean(axis=0),
        rank_interval=np.quantile(ranks[resampled], [0.025, 0.975], axis=0, method="inverted_cdf").T,
        key_interval=np.quantile(keys, [0.025, 0.975], axis=0, method="inverted_cdf").T,
        scores=score_table(names, scored, bounded=splits.loss == "softmax"),
        sets=set_table(
            deltas,
            [*tried, splits.n_neurons],
            scored["dev"].each_run[:, curve],
            ranks=ranks,
            n_resamples=n_resamples,
        ),
        overlap=overlap,
        sampling_jaccard=float(at_k["sampling"]),
        seed_jaccard=float(at_k["seed"]) if n_seeds > 1 else None,
        n_resamples=n_resamples,
        n_seeds=n_seeds,
        scheme=scheme,
    )


def _check(splits: Splits, *, n_resamples: int, n_seeds: int, sizes: Sequence[int]) -> None:
    if n_resamples < 2 or n_seeds < 1:
        raise NeurosieveError(
            f"n_resamples is {n_resamples} and n_seeds {n_seeds}; two resamples at least are needed to compare them, and one "
            "seed"
        )
    wrong = [size for size in sizes if not 1 <= size <= splits.n_neurons]
    if wrong:
        raise NeurosieveError(f"sizes holds {wrong[0]}; expected numbers from 1 to {splits.n_neurons}")


def _fit_runs(
    splits: Splits,
    runs: list[dict[str, Any]],
    tried: list[int],
    *,
    lambdas: list[tuple[float, float]],
    solver: str,
    progress: Callable[[float, float], None] | None,
    settings: dict[str, Any],
) -> tuple[list[FittedProbe], list[NeuronRanking], list[FittedProbe]]:
    """One probe on all neurons for each run, its ranking, and the probes retrained on its top neurons, run by run.

    The second pair of `lambdas` is for retraining; where it differs, all neurons are retrained as well.
    """
    (l1, l2), (again_l1, again_l2) = lambdas
    y, loss = splits.train.y, splits.loss
    last = [None] if tried and lambdas[0] != lambdas[1] else []
    cost = [1.0, sum(tried) / splits.n_neurons + len(last)]
    specs = [ProbeSpec(y, l1=l1, l2=l2, loss=loss, **run) for run in runs]
    probes = fit_probes(splits.train.activations, specs, solver, progress=_first(progress, cost), **settings)
    rankings = [weight_mass_ranking(probe) for probe in probes]
    if not tried:
        return probes, rankings, []
    smaller: list[FittedProbe] = []
    for number, (run, ranking) in enumerate(zip(runs, rankings, strict=True)):
        # One call a run: its sets are nested, so they share their columns, which those of different runs do not.
        specs = [
            ProbeSpec(y, l1=again_l1, l2=again_l2, loss=loss, neurons=neurons, **run)
            for neurons in [*map(ranking.top, tried), *last]
        ]
        smaller += fit_probes(splits.train.activations, specs, solver, **settings)
        if progress is not None:
            progress(cost[0] + cost[1] * (number + 1) / len(runs), sum(cost))
    return probes, rankings, smaller


def _first(progress: Callable[[float, float], None] | None, cost: list[float]) -> Callable[[float, float], None] | None:
    """Turn the progress of the first of several parts, of which each has a cost, into that of all."""
    return None if progress is None else lambda done, total: progress(cost[0] * done / max(total, 1e-9), sum(cost))


def _variants(
    probes: list[FittedProbe],
    rankings: list[NeuronRanking],
    smaller: list[FittedProbe],
    *,
    tried: list[int],
    keep: float,
    means: NDArray[np.float64],
    random_state: int,
) -> tuple[list[Name], list[FittedProbe]]:
    """All that is scored of each probe: itself, its ablations, and the probes retrained on its top neurons."""
    each = len(smaller) // len(probes)
    n_neurons, n_kept = rankings[0].n_neurons, rankings[0].count(keep)
    names: list[Name] = [("all", None, n_neurons)]
    names += [(subset, fill, n_kept) for fill in ("zero", "mean") for subset in ("top", "random", "bottom")]
    names += [("retrained", None, size) for size in [*tried, n_neurons][:each]]
    variants: list[FittedProbe] = []
    for number, (probe, ranking) in enumerate(zip(probes, rankings, strict=True)):
        variants.append(probe)
        for fill in (None, means):
            kept = ablated_probes(probe, ranking, keep=keep, fill=fill, random_state=random_state)
            variants += [kept[subset] for subset in ("top", "random", "bottom")]
        variants += smaller[number * each : (number + 1) * each]
    return names, variants
