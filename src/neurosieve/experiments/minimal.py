"""The minimal neuron set: the fewest top-ranked neurons that, retrained, come within delta of the oracle on dev."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.splits import Splits
from neurosieve.bars import with_bar
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.scored import GAIN, GAP
from neurosieve.notebook import card
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes, scoring_options
from neurosieve.probes.solvers import AUTO, resolve
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.rankings.ranking import NeuronRanking

if TYPE_CHECKING:
    import pandas as pd

LOOK_BACK = 2
"""Sizes before the one that is found which must not be within: the curve is not quite monotone."""

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


@with_bar("minimal sets (sizes)")
def minimal_neurons(
    oracle: FittedProbe,
    ranking: NeuronRanking,
    splits: Splits,
    *,
    deltas: Sequence[float] = DELTAS,
    step: float = 0.01,
    at_once: int = 10,
    regularize: bool = True,
    random_state: int = 0,
    solver: str = AUTO,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> MinimalResult:
    """Retrain on the top 1 %, 2 %, ... of the neurons until dev accuracy is within delta of the oracle.

    The exact solver does not try every size: it doubles the set until it is within delta, halves what lies between, and solves
    to its tolerance what decides, which is the set that is found and the sizes just before it.

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
    at_once : int
        Sizes fitted in one call, which a pass serves together, where all are tried; at most ``at_once - 1`` more than needed are.
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
    series = _Series(
        oracle, ranking, splits, target, l1=l1, l2=l2, random_state=random_state, solver=solver, settings=settings
    )
    if splits.loss in resolve(solver, splits.loss).continues:
        found = _bracketed(series, sizes, deltas, progress=progress)
    else:
        found = _growing(series, sizes, deltas, at_once=at_once, progress=progress)
    tried = sorted(series.scores.items())
    sets = {
        delta: MinimalSet(delta, ranking.top(size), series.probes[size], series.scores[size], target)
        for delta, size in ((delta, found[delta]) for delta in deltas)
    }
    curve = pd.DataFrame(tried, columns=["n_neurons", "dev_accuracy"])
    curve.insert(1, "fraction", curve["n_neurons"] / n_neurons)
    return MinimalResult(sets, curve)


class _Series:
    """Probes retrained on the top neurons, by size: what was fitted, how far, and its score on dev."""

    def __init__(
        self,
        oracle: FittedProbe,
        ranking: NeuronRanking,
        splits: Splits,
        target: float,
        *,
        l1: float,
        l2: float,
        random_state: int,
        solver: str,
        settings: dict[str, Any],
    ) -> None:
        self.ranking, self.splits, self.target, self.solver = ranking, splits, target, solver
        self.settings, self.options = settings, scoring_options(settings)
        self.lambdas: dict[str, Any] = {"l1": l1, "l2": l2, "random_state": random_state}
        self.oracle = oracle
        self.probes: dict[int, FittedProbe] = {}
        self.scores: dict[int, float] = {}

    def fit(self, sizes: Sequence[int], *, start: bool = False, **settings: Any) -> None:  # noqa: ANN401
        """Fit these sizes, from their nearest ones if asked; all neurons are the oracle itself."""
        if not sizes:
            return
        n_neurons, train, dev = self.ranking.n_neurons, self.splits.train, self.splits.dev
        chosen = [size for size in sizes if size < n_neurons]
        specs = [
            ProbeSpec(
                train.y,
                neurons=self.ranking.top(size),
                loss=self.splits.loss,
                start=self._nearest(size) if start else None,
                **self.lambdas,
            )
            for size in chosen
        ]
        options = {**self.settings, **settings}
        fitted = fit_probes(train.activations, specs, self.solver, **options) if specs else []
        scores = score_probes(dev.activations, fitted, dev.y, **self.options).tolist() if fitted else []
        if n_neurons in sizes:
            chosen, fitted, scores = [*chosen, n_neurons], [*fitted, self.oracle], [*scores, self.target]
        self.probes.update(zip(chosen, fitted, strict=True))
        self.scores.update(zip(chosen, scores, strict=True))

    def _nearest(self, size: int) -> FittedProbe:
        """The probe of the size itself, or of the nearest one, by the share of neurons that differ."""
        known = self.probes or {self.ranking.n_neurons: self.oracle}
        return known[min(known, key=lambda other: (abs(math.log(other / size)), other))]

    def within(self, size: int, delta: float) -> bool:
        """Whether a size that was fitted is within `delta` of the oracle."""
        # The small addend is for scores exactly delta below, of which rounding would lose every second one.
        return self.scores[size] + 1e-12 >= self.target - delta


def _growing(
    series: _Series,
    sizes: list[int],
    deltas: Sequence[float],
    *,
    at_once: int,
    progress: Callable[[float, float], None] | None,
) -> dict[float, int]:
    """The first size within each delta, by fitting one size after the other."""
    found: dict[float, int] = {}
    for start in range(0, len(sizes), at_once):
        series.fit(sizes[start : start + at_once])
        for delta in deltas:
            within = next((size for size in sizes[: start + at_once] if series.within(size, delta)), None)
            if delta not in found and within is not None:
                found[delta] = within
        if progress is not None:
            progress(len(series.scores), len(sizes))
        if len(found) == len(set(deltas)):
            break
    return found


def _bracketed(
    series: _Series, sizes: list[int], deltas: Sequence[float], *, progress: Callable[[float, float], None] | None
) -> dict[float, int]:
    """The first size within each delta: sizes are doubled until one is within, then halved in between, all solved roughly.

    Near a threshold, sizes are solved to the tolerance before they decide: the one that is found, and the `LOOK_BACK` sizes
    before it, none of which may be within. Each fit begins from that of the nearest size.
    """
    last = len(sizes) - 1
    exact: set[int] = set()

    def solve(places: Iterable[int], *, roughly: bool) -> None:
        new = [sizes[i] for i in dict.fromkeys(places) if (sizes[i] not in (series.scores if roughly else exact))]
        tried = {"tol": max(GAP, series.settings.get("tol", 0.0)), "enough": GAIN}
        series.fit(new, start=True, **(tried if roughly else {}))
        exact.update(() if roughly else new)
        if progress is not None:
            progress(len(series.scores), len(sizes))

    open_ = dict.fromkeys(deltas, (-1, last))  # the last size known not to be within, and the first that is
    for place in [*takewhile(lambda i: i < last, (2**k - 1 for k in range(32))), last]:
        if all(high < last for _, high in open_.values()):
            break
        solve([place], roughly=True)
        for delta, (low, high) in open_.items():
            if high == last and low < place:
                open_[delta] = (low, place) if series.within(sizes[place], delta) else (place, high)
    while wide := {delta: (low + high) // 2 for delta, (low, high) in open_.items() if high - low > 1}:
        solve(wide.values(), roughly=True)
        for delta, middle in wide.items():
            low, high = open_[delta]
            open_[delta] = (low, middle) if series.within(sizes[middle], delta) else (middle, high)
    found: dict[float, int] = {}
    for delta, (_, place) in open_.items():
        while True:
            solve([place], roughly=False)
            if not series.within(sizes[place], delta):
                place += 1
                continue
            before = range(max(0, place - LOOK_BACK), place)
            solve(before, roughly=False)
            earlier = next((i for i in before if series.within(sizes[i], delta)), None)
            if earlier is None:
                break
            place = earlier
        found[delta] = sizes[place]
    return found
