"""Rankings by probes by sizes: how well each probe does on the top neurons of each ranking.

A ranking and a probe of the same kind flatter each other, so that neither can be judged by the other alone (Antverg and
Belinkov, ICLR 2022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.activations.labels import encode_labels
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.gaussian_probe import gaussian_codes
from neurosieve.intervals import of_clusters
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import predict_codes, scoring_options
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.ranking import NeuronRanking

if TYPE_CHECKING:
    import pandas as pd

PROBES = ("exact", "adam", "gaussian")


def cross_table(
    splits: Splits,
    rankings: Mapping[str, NeuronRanking],
    *,
    sizes: Sequence[int] = (10, 50, 200),
    probes: Sequence[str] = PROBES,
    l1: float = 0.0,
    l2: float = 0.0,
    random_state: int = 0,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> pd.DataFrame:
    """Fit each probe on the top neurons of each ranking, on train, and score it on test.

    Parameters
    ----------
    splits : Splits
        Of labels.
    rankings : mapping of str to NeuronRanking
    sizes : sequence of int
        Numbers of neurons; those above the number there are are left out.
    probes : sequence of str
        Solvers of linear probes (``"exact"``, ``"adam"``), and ``"gaussian"``.
    l1, l2 : float
        Lambdas of the linear probes.
    random_state : int
    **settings
        Of `fit_probes` that hold for every solver: ``standardize``, ``device``, ``memory_limit``.

    Returns
    -------
    DataFrame
        ranking, probe, k, score: the accuracy on test; low, high: its 95 % interval, sentences being drawn independently (words,
        where the splits have no sentences).

    Raises
    ------
    NeurosieveError
        If the splits have real values.
    """
    import pandas as pd

    if splits.loss != "softmax":
        raise NeurosieveError("the splits have real values; the cross table is of labels")
    rows = []
    tops = [(name, k, r.top(k)) for k in sizes for name, r in rankings.items() if k <= r.n_neurons]
    same: dict[bytes, int] = {}
    kinds = [same.setdefault(np.sort(top).tobytes(), len(same)) for *_, top in tops]
    distinct = [next(top for (*_, top), kind in zip(tops, kinds, strict=True) if kind == i) for i in range(len(same))]
    classes = encode_labels(splits.train.y).classes
    gold = encode_labels(splits.test.y, classes=classes).codes
    labelled = encode_labels(splits.test.y).known
    clusters = np.arange(len(gold)) if splits.test.sentences is None else np.asarray(splits.test.sentences)
    for probe in probes:
        if probe == "gaussian":
            found = gaussian_codes(splits.train, splits.test.activations, distinct)
        else:
            specs = [
                ProbeSpec(splits.train.y, l1=l1, l2=l2, neurons=top, random_state=random_state) for top in distinct
            ]
            fitted = fit_probes(splits.train.activations, specs, probe, **settings)
            found = list(predict_codes(splits.test.activations, fitted, **scoring_options(settings)))
        for (name, k, _), kind in zip(tops, kinds, strict=True):
            right = (found[kind] == gold)[labelled]
            score, low, high = of_clusters(right, clusters[labelled])
            rows.append({"ranking": name, "probe": probe, "k": k, "score": score, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["ranking", "probe", "k", "score", "low", "high"])
