"""The search for lambdas: one probe for each pair of a grid, fitted in one pass, scored by ablation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import card
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.exact.solver import WITHOUT_PENALTY
from neurosieve.probes.predict import score_probes, scoring_options
from neurosieve.probes.solvers import AUTO, resolve
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

if TYPE_CHECKING:
    import pandas as pd

_PAPER = (0.0, *(10.0**-k for k in range(1, 8)))
_QUICK = (0.0, 1e-3, 1e-4, 1e-5)
_STRICT = (1e-2, 1e-3, 1e-4, 1e-5)
GRIDS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "paper": tuple(product(_PAPER, _PAPER)),
    "quick": tuple(product(_QUICK, _QUICK)),
    "strict": tuple(product(_STRICT, _STRICT)),
}
"""Pairs (l1, l2): the paper's grid {0, 1e-1, ..., 1e-7}^2, a small one around where its winners lie, and one without zeros.

With l2 > 0 the objective is strictly convex and its duality gap falls as fast as the weights improve. With l2 = 0 a single
column out of bounds makes the whole bound loose, and the exact solver spends most of its time on proving such probes.
"""


@dataclass(frozen=True, repr=False)
class SearchResult:
    """Scores of a grid of lambdas.

    Attributes
    ----------
    table : DataFrame
        One row a pair: l1, l2, a_top, a_bottom, a_all, score (all on dev, as fractions; R² of real values).
    l1, l2 : float
        The pair with the highest score; among equals the one that regularises more.
    probe : FittedProbe
        The probe of that pair.
    unregularized : FittedProbe
        The probe with l1 = l2 = 0.
    keep, alpha, beta : float
    """

    table: pd.DataFrame
    l1: float
    l2: float
    probe: FittedProbe
    unregularized: FittedProbe
    keep: float
    alpha: float
    beta: float

    def __repr__(self) -> str:
        best = self.to_frame().iloc[0]
        return (
            f"SearchResult: l1={self.l1:g}, l2={self.l2:g} of {len(self.table)} pairs, score {best['score']:.4f}; on dev all "
            f"neurons {best['a_all']:.4f}, top {self.keep:.0%} {best['a_top']:.4f}, bottom {best['a_bottom']:.4f}"
        )

    def _repr_html_(self) -> str:
        facts = {"chosen": f"l1 = {self.l1:g}, l2 = {self.l2:g}", "kept by top and bottom": f"{self.keep:.0%}"}
        return card("SearchResult: scores on dev, best first", facts, self.to_frame())

    def to_frame(self) -> pd.DataFrame:
        """The table, best score first, the chosen pair at its head; among equals the one that regularises more."""
        ordered = self.table.assign(both=self.table["l1"] + self.table["l2"])
        ordered = ordered.sort_values(["score", "both"], ascending=False, kind="stable", ignore_index=True)
        return ordered.drop(columns="both")


def ablation_score(
    *, a_top: float, a_bottom: float, a_zero: float, a_all: float, alpha: float = 0.5, beta: float = 0.5
) -> float:
    """The paper's score ``S = alpha (A_t - A_b) - beta (A_z - A_l)``.

    Parameters
    ----------
    a_top, a_bottom : float
        Accuracy keeping the top and bottom neurons.
    a_zero : float
        Accuracy of the probe without regularisation.
    a_all : float
        Accuracy of the probe with these lambdas on all neurons.
    alpha, beta : float
    """
    return alpha * (a_top - a_bottom) - beta * (a_zero - a_all)


def search_lambdas(
    splits: Splits,
    *,
    grid: str | Sequence[tuple[float, float]] = AUTO,
    keep: float = 0.2,
    alpha: float = 0.5,
    beta: float = 0.5,
    random_state: int = 0,
    solver: str = AUTO,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to fit_probes)
) -> SearchResult:
    """Choose (l1, l2) by the paper's score, on dev.

    Of real values the score is made of R², and where that is below zero of zero: without its bottom neurons a probe can be
    worse than the mean by any amount, which would drown all else.

    Parameters
    ----------
    splits : Splits
    grid : {"auto", "paper", "quick", "strict"} or sequence of (l1, l2)
        ``"auto"`` is the solver's own: ``"strict"`` of the exact one, ``"paper"`` of the others.
    keep : float
        Share of the neurons that top and bottom keep.
    alpha, beta : float
        Weights of the two terms of the score.
    random_state : int
    solver : str
        As in `fit_probes`.
    progress : callable, optional
    **settings
        Passed to `fit_probes`; ``device`` and ``memory_limit`` hold for scoring as well.

    Returns
    -------
    SearchResult
    """
    if not np.isfinite([alpha, beta]).all():
        raise NeurosieveError(f"alpha={alpha}, beta={beta}: expected finite numbers, such as 0.5")
    if isinstance(grid, str):
        grid = resolve(solver, splits.loss).grid if grid == AUTO else grid
        if grid not in GRIDS:
            raise NeurosieveError(
                f"unknown grid {grid!r}; expected one of {', '.join((AUTO, *GRIDS))} or a list of (l1, l2)"
            )
        pairs = list(GRIDS[grid])
    else:
        pairs = [(float(l1), float(l2)) for l1, l2 in grid]
    if not pairs:
        raise NeurosieveError("the grid holds no pair (l1, l2)")
    fitted = [*pairs] if (0.0, 0.0) in pairs else [*pairs, (0.0, 0.0)]  # A_z is needed whatever the grid
    specs = [ProbeSpec(splits.train.y, l1=l1, l2=l2, random_state=random_state, loss=splits.loss) for l1, l2 in fitted]
    with warnings.catch_warnings():
        # The probe of A_z is there to be compared with, and has no penalty on purpose.
        warnings.filterwarnings("ignore", message=rf".* {WITHOUT_PENALTY}")
        probes = fit_probes(splits.train.activations, specs, solver, progress=progress, **settings)
    variants: list[FittedProbe] = list(probes)
    for probe in probes[: len(pairs)]:
        ranking = weight_mass_ranking(probe)
        variants += [probe.keep(ranking.top(keep)), probe.keep(ranking.bottom(keep))]
    scores = score_probes(splits.dev.activations, variants, splits.dev.y, **scoring_options(settings))
    a_zero = scores[fitted.index((0.0, 0.0))]
    return _collect(
        pairs, probes, scores, float(a_zero), keep=keep, alpha=alpha, beta=beta, zero=fitted.index((0.0, 0.0))
    )


def _collect(
    pairs: list[tuple[float, float]],
    probes: list[FittedProbe],
    scores: np.ndarray,
    a_zero: float,
    *,
    keep: float,
    alpha: float,
    beta: float,
    zero: int,
) -> SearchResult:
    import pandas as pd

    rows = []
    for i, (l1, l2) in enumerate(pairs):
        a_top, a_bottom = scores[len(probes) + 2 * i], scores[len(probes) + 2 * i + 1]
        top, bottom, zero_, all_ = (max(0.0, float(a)) for a in (a_top, a_bottom, a_zero, scores[i]))
        score = ablation_score(a_top=top, a_bottom=bottom, a_zero=zero_, a_all=all_, alpha=alpha, beta=beta)
        rows.append({"l1": l1, "l2": l2, "a_top": a_top, "a_bottom": a_bottom, "a_all": scores[i], "score": score})
    table = pd.DataFrame(rows).astype(float)
    best = max(range(len(rows)), key=lambda i: (rows[i]["score"], pairs[i][0] + pairs[i][1]))
    return SearchResult(
        table,
        l1=pairs[best][0],
        l2=pairs[best][1],
        probe=probes[best],
        unregularized=probes[zero],
        keep=keep,
        alpha=alpha,
        beta=beta,
    )
