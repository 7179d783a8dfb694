"""The order in which neurons enter a probe as its L1 penalty falls, every probe of the path being solved to a certificate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import label_statistics


def l1_path_ranking(
    split: LabelledSplit, *, n_steps: int = 8, last: float = 0.01, tol: float = 1e-3, standardize: bool = True
) -> NeuronRanking:
    """Rank neurons by when they enter the L1 path [1]_: the largest lambda 1 at which any label gives the neuron a weight.

    The path has `n_steps` values of lambda 1, from just below that at which the first neuron enters to `last` of it, in equal
    ratios, without L2. Each probe is fitted by the exact solver, so that a weight is zero or not, whatever the seed. Neurons
    that enter at the same step go by the size of their largest weight, those that never enter by position. Costs as many
    exact fits as there are steps.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.
    n_steps : int
    last : float
        The smallest lambda 1, as a share of the largest.
    tol : float
        Duality gap at which the solver stops, as a share of the objective.
    standardize : bool
        Whether to fit on z-scores; on raw values neurons with large values enter first.

    Returns
    -------
    NeuronRanking
        ``score`` is the number of steps with the neuron in the probe, and the size of its weight as a share below 1;
        ``label_scores`` the same for each label, with the weight's sign.

    References
    ----------
    .. [1] Efron, Hastie, Johnstone, Tibshirani. Least Angle Regression. Annals of Statistics 2004; of softmax probes in Friedman,
       Hastie, Tibshirani. Regularization Paths for Generalized Linear Models. 2010.
    """
    from neurosieve.probes.engine import fit_probes
    from neurosieve.probes.spec import ProbeSpec

    if n_steps < 1 or not 0 < last < 1:
        raise NeurosieveError(
            f"n_steps={n_steps!r}, last={last!r}: expected a positive number and a share between 0 and 1"
        )
    largest = first_entry(split, standardize=standardize)
    path = largest * last ** (np.arange(1, n_steps + 1) / n_steps)
    specs = [ProbeSpec(split.y, l1=float(l1)) for l1 in path]
    probes = fit_probes(split.activations, specs, "exact", tol=tol, standardize=standardize)
    weights = np.stack([probe.full_coef(standardized=True) for probe in probes]).astype(np.float64)
    of_labels = _scores(weights)
    score = _scores(np.abs(weights).max(axis=1, keepdims=True))[0]
    order = np.argsort(-score, kind="stable")
    params = {"l1": path.tolist(), "gap": [probe.gap_ for probe in probes], "standardize": standardize}
    return NeuronRanking(
        order, None, None, None, probes[0].classes_, "l1-path", params, score=score, label_scores=of_labels
    )


def first_entry(split: LabelledSplit, *, standardize: bool) -> float:
    """The smallest lambda 1 at which no neuron has a weight: the largest gradient of the loss at weights of zero."""
    largest = 0.0
    for s in label_statistics(split, name="l1-path"):
        gradient = np.abs(s.sums - s.counts[:, None] / s.n_words * s.sums.sum(axis=0)) / s.n_words
        deviation = np.sqrt(np.where(s.constant, np.inf, s.total_squares / s.n_words))
        largest = max(largest, float((gradient / deviation if standardize else gradient * s.scale).max()))
    if largest == 0.0:
        raise NeurosieveError(
            "no neuron differs between the labels, so no neuron can enter the path; check the activations"
        )
    return largest


def _scores(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps since the neuron entered, and a share below 1 for its weight then, with its sign: (n_labels, n_neurons)."""
    there = weights != 0
    first = np.where(there.any(axis=0), there.argmax(axis=0), len(weights))
    steps = len(weights) - first
    entered = np.take_along_axis(weights, np.minimum(first, len(weights) - 1)[None], axis=0)[0]
    size = np.abs(entered)
    share = size / (2 * size.max()) if size.max() > 0 else size
    return np.where(steps > 0, np.sign(entered) * (steps + share), 0.0)
