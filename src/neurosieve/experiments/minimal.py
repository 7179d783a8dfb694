"""The minimal neuron set: the fewest top-ranked neurons that, retrained, come within delta of the oracle on dev."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import card
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes, scoring_options
from neurosieve.probes.solvers import AUTO, resolve
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.rankings.ranking import NeuronRanking

if TYPE_CHECKING:
    import pandas as pd

DELTAS = (0.005, 0.02)
"""The paper's thresholds: half a point (its Table 2) and two points (its Table 3)."""


@dataclass(frozen=True, repr=False)
class MinimalSet:
    """The smallest retrained set within `delta` of the oracle.

    Attributes
    ----------
    delta : float
        Allowed loss of dev accuracy, a fraction.
    neurons : ndarray of shape (n_neurons,), int
        The set in rank order.
    probe : FittedProbe
        The probe retrained on the set.
    dev_accuracy, oracle_dev_accuracy : float
    """

    delta: float
    neurons: NDArray[np.intp]
    probe: FittedProbe
    dev_accuracy: float
    oracle_dev_accuracy: float

    def __repr__(self) -> str:
        return (
            f"MinimalSet: {len(self.neurons)} of {self.probe.n_neurons} neurons within {100 * self.delta:g} points, "
            f"{self.dev_accuracy:.4f} on dev (all neurons {self.oracle_dev_accuracy:.4f})"
        )


@dataclass(frozen=True, repr=False)
class MinimalResult:
    """Minimal sets for several thresholds, from one growing series of retrained probes.

    Attributes
    ----------
    sets : dict of float to MinimalSet
        By delta.
    curve : DataFrame
        One row a set size tried: n_neurons, fraction, dev_accuracy.
    """

    sets: dict[float, MinimalSet]
    curve: pd.DataFrame

    def __repr__(self) -> str:
        return f"MinimalResult: {'; '.join(f'{s!r}' for s in self.sets.values())}; {len(self.curve)} sizes tried"

    def _repr_html_(self) -> str:
        return card("MinimalResult", {"sizes tried": len(self.curve)}, self.to_frame())

    def to_frame(self) -> pd.DataFrame:
        """One row a delta: delta, n_neurons, dev_accuracy, oracle_dev_accuracy."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "delta": s.delta,
                    "n_neurons": len(s.neurons),
                    "dev_accuracy": s.dev_accuracy,
                    "oracle_dev_accuracy": s.oracle_dev_accuracy,
                }
                for s in self.sets.values()
            ]
        )


def minimal_neurons(
    oracle: FittedProbe,
    ranking: NeuronRanking,
    splits: Splits,
    *,
    deltas: Sequence[float] = DELTAS,
    step: float = 0.01,
    at_once: int | None = None,
    regularize: bool = True,
    random_state: int = 0,
    solver: str = AUTO,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> MinimalResult:
    """Retrain on the top 1 %, 2 %, ... of the neurons until dev accuracy is within delta of the oracle.

    Parameters
    ----------
    oracle : FittedProbe
        The probe on all neurons; the subsets use its lambdas, so that the two differ in neurons only.
    ranking : NeuronRanking
    splits : Splits
        Fitted on train, chosen on dev.
    deltas : sequence of float
        Allowed losses, as fractions.
    step : float
        Growth of the set, a share of all neurons.
    at_once : int, optional
        Sizes fitted in one call; at most ``at_once - 1`` more than needed are fitted. By default 10, which a pass serves
        together, and 2 with the exact solver, whose probes share little.
    regularize : bool
        If False, subsets are retrained without regularisation; pass an oracle without regularisation then.
    random_state : int
    solver : str
        As in `fit_probes`.
    progress : callable, optional
        Called as ``progress(n_sizes_done, n_sizes_at_most)``.
    **settings
        Passed to `fit_probes`; ``device`` and ``memory_limit`` hold for scoring as well.

    Returns
    -------
    MinimalResult

    Notes
    -----
    The series ends at all neurons, which is the oracle itself, so every delta is reached.
    """
    if at_once is None:
        chosen = resolve(solver, splits.loss)
        at_once = chosen.at_once if splits.loss == "softmax" else chosen.values_at_once
    if not 0 < step <= 1 or not deltas or not all(0 <= d < math.inf for d in deltas) or at_once < 1:
        raise NeurosieveError(
            f"step={step}, deltas={tuple(deltas)}, at_once={at_once}: expected 0 < step <= 1, deltas not negative and "
            "at_once at least 1"
        )
    import pandas as pd

    dev, where = splits.dev, scoring_options(settings)
    target = float(score_probes(dev.activations, [oracle], dev.y, **where)[0])
    n_neurons = ranking.n_neurons
    step = max(step, 1 / n_neurons)  # a finer one adds the same neurons, one at a time
    n_steps = int(np.ceil(1 / step - 1e-9))
    sizes = sorted({max(1, min(n_neurons, round(step * i * n_neurons))) for i in range(1, n_steps + 1)})
    l1, l2 = (oracle.l1, oracle.l2) if regularize else (0.0, 0.0)
    tried: list[tuple[int, float]] = []
    probes: dict[int, FittedProbe] = {}
    found: dict[float, MinimalSet] = {}
    for start in range(0, len(sizes), at_once):
        chunk = [size for size in sizes[start : start + at_once] if size < n_neurons]
        specs = [
            ProbeSpec(
                splits.train.y, l1=l1, l2=l2, neurons=ranking.top(size), random_state=random_state, loss=splits.loss
            )
            for size in chunk
        ]
        fitted = fit_probes(splits.train.activations, specs, solver, **settings) if specs else []
        scores = score_probes(dev.activations, fitted, dev.y, **where).tolist() if fitted else []
        if n_neurons in sizes[start : start + at_once]:
            chunk, fitted, scores = [*chunk, n_neurons], [*fitted, oracle], [*scores, target]
        tried += zip(chunk, scores, strict=True)
        probes.update(zip(chunk, fitted, strict=True))
        for delta in deltas:
            # The small addend is for scores exactly delta below, of which rounding would lose every second one.
            within = next((size for size, score in tried if score + 1e-12 >= target - delta), None)
            if delta not in found and within is not None:
                accuracy = dict(tried)[within]
                found[delta] = MinimalSet(delta, ranking.top(within), probes[within], accuracy, target)
        if progress is not None:
            progress(len(tried), len(sizes))
        if len(found) == len(set(deltas)):
            break
    curve = pd.DataFrame(tried, columns=["n_neurons", "dev_accuracy"])
    curve.insert(1, "fraction", curve["n_neurons"] / n_neurons)
    return MinimalResult({delta: found[delta] for delta in deltas}, curve)
