"""The search for lambdas: a probe for each pair of a grid, scored by ablation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.activations.splits import Splits
from neurosieve.bars import with_bar
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.race import Scores, Standing, race, standing
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
        One row a pair: l1, l2; a_all, a_top, a_bottom, score (all on dev, as fractions; R² of real values); gap, the duality gap
        at which they were taken, as a share of the objective; margin, by which the pair was behind, or more, when it dropped
        out of the race; missing (NaN) where it did not. A pair that did not
        start, as those before it led too far down or did not start, has a margin alone.
    l1, l2 : float
        The pair with the highest score of those solved to the tolerance; among equals the one that regularises more.
    probe : FittedProbe
        The probe of that pair.
    unregularized : FittedProbe
        The probe with l1 = l2 = 0; by the recipe of Adam where pairs are raced, as it has no optimum to be solved to.
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
        here = (self.table["l1"] == self.l1) & (self.table["l2"] == self.l2)
        ordered = self.table.assign(here=here, both=self.table["l1"] + self.table["l2"])
        ordered = ordered.sort_values(["here", "score", "both"], ascending=False, kind="stable", ignore_index=True)
        return ordered.drop(columns=["here", "both"])


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


@with_bar("lambda search (fits x passes)")
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

    The exact solver races the pairs of labels: a pair starts only where those before it (a larger l1, a smaller l2) do not lead
    too far down, all are solved roughly, and those that could still have the best score further (`neurosieve.experiments.race`);
    the table says how far each was solved.

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
    entrant = resolve(solver, splits.loss)
    raced = splits.loss in entrant.continues
    zero, probes = None, []
    if raced:
        zero = _by_recipe(splits, settings, random_state=random_state)
    else:
        fitted = [*pairs] if (0.0, 0.0) in pairs else [*pairs, (0.0, 0.0)]  # A_z is needed whatever the grid
        specs = [ProbeSpec(splits.train.y, l1, l2, random_state=random_state, loss=splits.loss) for l1, l2 in fitted]
        with warnings.catch_warnings():
            # The probe of A_z is there to be compared with, and has no penalty on purpose.
            warnings.filterwarnings("ignore", message=rf".* {WITHOUT_PENALTY}")
            probes = fit_probes(splits.train.activations, specs, solver, progress=progress, **settings)
        zero = probes[fitted.index((0.0, 0.0))]
    judge = _Judge(splits, keep, alpha=alpha, beta=beta, options=scoring_options(settings), zero=zero)
    if raced:
        finite = [pair for pair in pairs if pair != (0.0, 0.0)]  # without a penalty there is no end to race for
        run = race(splits, finite, judge, solver=entrant.name, progress=progress, **settings)
        standings = dict(zip(finite, run, strict=True))
        standings |= dict(zip([(0.0, 0.0)], standing([zero], judge), strict=True))
    else:
        standings = dict(zip(pairs, standing(probes[: len(pairs)], judge), strict=True))
    return _collect(pairs, [standings[pair] for pair in pairs], zero, keep=keep, alpha=alpha, beta=beta)


def _by_recipe(splits: Splits, settings: Mapping[str, Any], *, random_state: int) -> FittedProbe:
    """The probe without penalty by the paper's own recipe.

    It has no optimum where labels can be separated, and what it scores
    is the same for all pairs, so that no choice depends on it.
    """
    options = {name: settings[name] for name in ("standardize", "device", "memory_limit") if name in settings}
    spec = ProbeSpec(splits.train.y, random_state=random_state, loss=splits.loss)
    return fit_probes(splits.train.activations, [spec], "adam", **options)[0]


class _Judge:
    """Scores probes on dev by the paper's formula."""

    def __init__(
        self, splits: Splits, keep: float, *, alpha: float, beta: float, options: dict[str, Any], zero: FittedProbe
    ) -> None:
        self.dev, self.keep, self.options = splits.dev, keep, options
        self.weights = {"alpha": alpha, "beta": beta}
        self.a_zero = max(0.0, float(score_probes(self.dev.activations, [zero], self.dev.y, **options)[0]))

    def __call__(self, probes: Sequence[FittedProbe]) -> list[Scores]:
        variants: list[FittedProbe] = list(probes)
        for probe in probes:
            ranking = weight_mass_ranking(probe)
            variants += [probe.keep(ranking.top(self.keep)), probe.keep(ranking.bottom(self.keep))]
        found = score_probes(self.dev.activations, variants, self.dev.y, **self.options).tolist()
        cut = found[len(probes) :]
        return [
            Scores(a_all, a_top, a_bottom, self._score(a_all, a_top, a_bottom))
            for a_all, a_top, a_bottom in zip(found, cut[::2], cut[1::2], strict=False)
        ]

    def _score(self, *parts: float) -> float:
        all_, top, bottom = (max(0.0, a) for a in parts)
        return ablation_score(a_top=top, a_bottom=bottom, a_zero=self.a_zero, a_all=all_, **self.weights)


def _collect(
    pairs: list[tuple[float, float]],
    standings: list[Standing],
    zero: FittedProbe,
    *,
    keep: float,
    alpha: float,
    beta: float,
) -> SearchResult:
    import pandas as pd

    rows = [
        {"l1": l1, "l2": l2, **asdict(at.scores), "gap": at.gap, "margin": at.margin}
        for (l1, l2), at in zip(pairs, standings, strict=True)
    ]
    table = pd.DataFrame(rows).astype({"gap": float, "margin": float})
    ended = [
        (at.scores.score, sum(pair), pair, at.probe)
        for pair, at in zip(pairs, standings, strict=True)
        if at.probe is not None and not at.dropped
    ]
    _, _, (l1, l2), probe = max(ended, key=lambda entry: entry[:2])
    return SearchResult(table, l1, l2, probe, zero, keep=keep, alpha=alpha, beta=beta)
