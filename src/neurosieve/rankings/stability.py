"""How often a neuron has a weight in sparse probes that are fitted on halves of the text: stability selection."""

from __future__ import annotations

import numpy as np

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import is_labelled
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.l1_path import first_entry
from neurosieve.rankings.ranking import NeuronRanking


def stability_ranking(
    split: LabelledSplit,
    *,
    n_resamples: int = 10,
    share: float = 0.05,
    tol: float = 1e-3,
    standardize: bool = True,
    random_state: int = 0,
) -> NeuronRanking:
    """Rank neurons by the share of the halves of the text in whose L1 probe they have a weight for any label [1]_.

    Halves are of sentences (of words, where the split has no sentences), drawn in pairs that have none in common [2]_. All probes
    have the same lambda 1, a share of that at which the first neuron enters on the whole text. Neurons that are as frequent go by
    the mean size of their largest weight. Costs as many exact fits as there are halves.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.
    n_resamples : int
        Halves; an odd number is one more.
    share : float
        Lambda 1 as a share of the largest.
    tol : float
        Duality gap at which the solver stops, as a share of the objective.
    standardize : bool
        Whether to fit on z-scores.
    random_state : int

    Returns
    -------
    NeuronRanking
        ``score`` is the frequency, with up to half a step of it more for the size of the weight; ``label_scores`` the frequency
        for each label, with the sign of the mean weight.

    Raises
    ------
    NeurosieveError
        If a number is not positive, or a half has fewer than two labels.

    References
    ----------
    .. [1] Meinshausen, Bühlmann. Stability Selection. JRSS B 2010.
    .. [2] Shah, Samworth. Variable Selection with Error Control. JRSS B 2013.
    """
    from neurosieve.probes.engine import fit_probes
    from neurosieve.probes.spec import ProbeSpec

    if n_resamples < 1 or not 0 < share < 1:
        raise NeurosieveError(
            f"n_resamples={n_resamples!r}, share={share!r}: expected a positive number and a share between 0 and 1"
        )
    l1 = share * first_entry(split, standardize=standardize)
    known = is_labelled(split.y)
    units = np.arange(len(known)) if split.sentences is None else np.asarray(split.sentences)
    numbers = np.unique(units, return_inverse=True)[1]
    generator = np.random.default_rng((random_state, 8))
    specs = []
    for _ in range((n_resamples + 1) // 2):
        drawn = generator.permutation(int(numbers.max()) + 1)
        first = np.isin(numbers, drawn[: len(drawn) // 2])
        for half in (first, ~first):
            y = np.asarray(split.y, dtype=object).copy()
            y[~half] = None
            if len(set(y[half & known].tolist())) < 2:
                raise NeurosieveError("half of the text has fewer than two labels; pass more words")
            specs.append(ProbeSpec(y, l1=l1))
    probes = fit_probes(split.activations, specs, "exact", tol=tol, standardize=standardize)
    labels = np.unique(np.concatenate([probe.classes_ for probe in probes]))
    n_neurons = probes[0].n_neurons
    frequency, of_labels, means = (
        np.zeros(n_neurons),
        np.zeros((len(labels), n_neurons)),
        np.zeros((len(labels), n_neurons)),
    )
    for probe in probes:
        weights = probe.full_coef(standardized=True).astype(np.float64)
        rows = np.searchsorted(labels, probe.classes_)
        frequency += (weights != 0).any(axis=0)
        of_labels[rows] += weights != 0
        means[rows] += weights / len(probes)
    size = np.abs(means).max(axis=0)
    score = frequency / len(probes) + size / max(size.max(), 1e-300) / (2 * len(probes))
    params = {"l1": l1, "n_resamples": len(probes), "random_state": random_state, "standardize": standardize}
    return NeuronRanking(
        np.argsort(-score, kind="stable"),
        None,
        None,
        None,
        labels,
        "stability",
        params,
        score=score,
        label_scores=np.sign(means) * of_labels / len(probes),
    )
