"""Probes that are fitted for a score and nothing else: control probes and baselines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.splits import Splits
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes, scoring_options
from neurosieve.probes.solvers import resolve
from neurosieve.probes.spec import FittedProbe, ProbeSpec

GAP, GAIN = 1e-2, 1e-3
"""Duality gap, and gain of a step, as shares of the objective: where either is below that, a probe that is fitted for a score alone
is done. Its scores were then within 0.2 points of the optimum's, and a code's length within some thousandths."""


@dataclass(frozen=True)
class Scored:
    """Probes and their scores.

    Attributes
    ----------
    probes : list of FittedProbe
    scores : dict of str to ndarray of shape (n_probes,)
        On dev and test.
    """

    probes: list[FittedProbe]
    scores: dict[str, NDArray[np.float64]]

    @property
    def gaps(self) -> list[float]:
        """Each probe's duality gap as a share of its objective; missing (NaN) where the solver gives none."""
        return [
            math.nan if probe.gap_ is None or not probe.objective_ else probe.gap_ / probe.objective_
            for probe in self.probes
        ]


def fit_and_score(
    splits: Splits,
    specs: Sequence[ProbeSpec],
    *,
    solver: str,
    tol: float | None = None,
    gain: float = GAIN,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> Scored:
    """Fit probes of one loss and one task as far as their scores need it, and score them on dev and test.

    Parameters
    ----------
    splits : Splits
    specs : sequence of ProbeSpec
    solver, progress
        As in `fit_probes`.
    tol : float, optional
        Duality gap of a solver that proves one, no less than `GAP`; the solver's own by default.
    gain : float
        A probe whose steps gain less, as a share of the objective, is done before that; more than `GAIN` is for scores that need
        not be so near to the optimum's.
    **settings
        Passed to `fit_probes`.

    Returns
    -------
    Scored
    """
    chosen = resolve(solver, splits.loss)
    if chosen.certified and splits.loss == "softmax":  # real values are solved from their moments, whatever the gap
        tol = max(GAP, 0.0 if tol is None else tol)
    if tol is not None:
        settings["tol"] = tol
    X = splits.train.activations
    if splits.loss in chosen.continues:
        probes = _growing(X, specs, solver, progress=progress, enough=gain, **settings)
    else:
        probes = fit_probes(X, specs, solver, progress=progress, **settings)
    options = scoring_options(settings)
    parts = {"dev": splits.dev, "test": splits.test}
    scores = {name: score_probes(part.activations, probes, part.y, **options) for name, part in parts.items()}
    return Scored(probes, scores)


def _growing(
    X: object,
    specs: Sequence[ProbeSpec],
    solver: str,
    *,
    progress: Callable[[float, float], None] | None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> list[FittedProbe]:
    """Fit the probe of the fewest neurons first and each larger one from the one before, which takes two thirds of the time."""
    found: dict[int, FittedProbe] = {}
    start: FittedProbe | None = None
    sizes = [math.inf if spec.neurons is None else np.size(spec.neurons) for spec in specs]
    for i in sorted(range(len(specs)), key=lambda i: sizes[i]):
        (start,) = fit_probes(X, [replace(specs[i], start=start)], solver, **settings)
        found[i] = start
        if progress is not None:
            progress(len(found), len(specs))
    return [found[i] for i in range(len(specs))]
