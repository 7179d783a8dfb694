"""How far rankings agree: overlap of their top sets, and with the set that they elect together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError
from neurosieve.rankings.ranking import NeuronRanking


def overlaps(rankings: Mapping[str, NeuronRanking], k: int) -> pd.DataFrame:
    """Jaccard overlap of the top `k` neurons of each two rankings, a square table.

    Raises
    ------
    NeurosieveError
        If there are fewer than two rankings, or they rank other numbers of neurons.
    """
    tops = _tops(rankings, k)
    values = [[_jaccard(a, b) for b in tops.values()] for a in tops.values()]
    return pd.DataFrame(values, index=pd.Index(list(tops)), columns=list(tops))


def agreement(rankings: Mapping[str, NeuronRanking], sizes: Sequence[int]) -> pd.DataFrame:
    """AvgOverlap and NeuronVote of each ranking [1]_, without a gold standard.

    Parameters
    ----------
    rankings : mapping of str to NeuronRanking
        At least two, of the same neurons.
    sizes : sequence of int
        Sizes k of the top sets.

    Returns
    -------
    DataFrame
        ranking, k, avg_overlap: mean Jaccard overlap of its top k with those of the others; neuron_vote: with the k neurons
        that the others elect, each giving the first of its top k points k, the next k - 1, and so on (equal points: the
        lower neuron); chance: the expected overlap of two random sets.

    Raises
    ------
    NeurosieveError
        If there are fewer than two rankings, or they rank other numbers of neurons.

    References
    ----------
    .. [1] Fan, Dalvi, Durrani, Sajjad. Evaluating Neuron Interpretation Methods of NLP Models. NeurIPS 2023. Theirs lets a
       method vote for itself; here it does not.
    """
    rows = []
    for k in sizes:
        tops = _tops(rankings, k)
        n_neurons = next(iter(rankings.values())).n_neurons
        for name, top in tops.items():
            others = [other for key, other in tops.items() if key != name]
            points = np.zeros(n_neurons)
            for other in others:
                points[other] += np.arange(k, 0, -1)
            elected = np.argsort(-points, kind="stable")[:k]
            mean = float(np.mean([_jaccard(top, other) for other in others]))
            shared = k * k / n_neurons
            row = {"ranking": name, "k": k, "avg_overlap": mean, "neuron_vote": _jaccard(top, elected)}
            rows.append({**row, "chance": shared / (2 * k - shared)})
    return pd.DataFrame(rows)


def best_detectors(
    rankings: Mapping[str, NeuronRanking], sizes: Sequence[int], scores: Mapping[str, NDArray[np.float64]]
) -> pd.DataFrame:
    """For each ranking and size, how well the best of its top k neurons detects a label, the mean over labels.

    Parameters
    ----------
    rankings : mapping of str to NeuronRanking
    sizes : sequence of int
    scores : mapping of str to ndarray of shape (n_labels, n_neurons)
        As of `neurosieve.rankings.detectors.detector_scores`.

    Returns
    -------
    DataFrame
        ranking, k, and a column a measure.
    """
    return pd.DataFrame(
        [
            {
                "ranking": name,
                "k": k,
                **{key: float(table[:, ranking.top(k)].max(axis=1).mean()) for key, table in scores.items()},
            }
            for k in sizes
            for name, ranking in rankings.items()
        ]
    )


def _tops(rankings: Mapping[str, NeuronRanking], k: int) -> dict[str, NDArray[np.intp]]:
    widths = {ranking.n_neurons for ranking in rankings.values()}
    if len(rankings) < 2 or len(widths) > 1:
        raise NeurosieveError(
            f"there are {len(rankings)} rankings of {', '.join(map(str, sorted(widths)))} neurons; pass at least two of the "
            "same neurons"
        )
    return {name: ranking.top(k) for name, ranking in rankings.items()}


def _jaccard(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    shared = len(np.intersect1d(a, b))
    return shared / max(1, len(a) + len(b) - shared)
