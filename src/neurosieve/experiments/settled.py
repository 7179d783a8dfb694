"""Probes that are fitted for a score and nothing else: solved until the score no longer moves."""

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

GAPS = (1e-2, 3e-3)
"""Duality gaps, as shares of the objective, to which probes are solved one after the other; the tolerance is the last."""
STILL = 5e-4
"""Change of every score, from one of these gaps to the next, that ends it: half of a tenth of a point."""


@dataclass(frozen=True)
class Settled:
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

    def moved(self, other: Settled) -> float:
        """The largest change of a score."""
        return max(float(np.abs(scores - other.scores[name]).max(initial=0.0)) for name, scores in self.scores.items())


def settle(
    splits: Splits,
    specs: Sequence[ProbeSpec],
    *,
    solver: str,
    tol: float | None = None,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> Settled:
    """Fit probes of one loss and score them on dev and test.

    Where the solver goes on from a rougher probe, each is solved to ever smaller gaps (`GAPS`), and no further than it takes for
    the scores of all to keep `STILL`.

    Parameters
    ----------
    splits : Splits
    specs : sequence of ProbeSpec
    solver, progress
        As in `fit_probes`.
    tol : float, optional
        The smallest gap; the solver's own by default.
    **settings
        Passed to `fit_probes`.

    Returns
    -------
    Settled
    """
    chosen = resolve(solver, splits.loss)
    if tol is not None:
        settings["tol"] = tol
    laps: list[dict[str, float]] = [{}]
    if splits.loss in chosen.continues:
        last = float(str(chosen.defaults["tol"])) if tol is None else tol
        laps = [*({"tol": gap} for gap in GAPS if gap > last), {"tol": last}]
    specs, before = list(specs), None
    for lap in laps:
        probes = fit_probes(splits.train.activations, specs, solver, progress=progress, **{**settings, **lap})
        found = Settled(probes, _scores(splits, probes, settings))
        if before is not None and found.moved(before) <= STILL:
            break
        specs, before = [replace(spec, start=probe) for spec, probe in zip(specs, probes, strict=True)], found
    return found


def _scores(splits: Splits, probes: list[FittedProbe], settings: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    options = scoring_options(settings)
    parts = {"dev": splits.dev, "test": splits.test}
    return {name: score_probes(part.activations, probes, part.y, **options) for name, part in parts.items()}
