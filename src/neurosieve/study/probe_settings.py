"""How the properties of a study are probed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from neurosieve.probes.solvers import AUTO, SOLVERS, Solver, current_name, names, resolve
from neurosieve.rankings.registry import REVERSED, method_names
from neurosieve.study.intervention_settings import InterventionSettings
from neurosieve.study.part import Part


class ProbeSettings(Part):
    """How each model and property is probed; the defaults are the paper's, but for the solver and its grid.

    Attributes
    ----------
    ranking : tuple of str
        Methods that rank the neurons (see `neurosieve.rankings.registry`); one name or several. Each has its own ablation,
        minimal sets and control tasks; the lambdas are searched once, by weight mass, and all rank the same probes.
    seeds : int
        Number of runs that are averaged; they use the seeds 0, 1, ...
    grid : {"auto", "paper", "quick", "strict"}
        Lambdas that are searched, with seed 0 (see `search_lambdas`). ``"auto"``: the paper's, and ``"strict"`` with the
        exact solver, which cannot prove much of a probe without l2.
    keep : float
        Share of the neurons that ablation keeps (the paper's M).
    alpha, beta : float
        Weights of the score of the search.
    deltas : tuple of float
        Allowed losses of the minimal sets, as fractions.
    step : float
        Growth of the minimal set, a share of all neurons.
    regularize : bool
        Whether retrained subsets use the lambdas of the oracle.
    control : bool
        Whether control tasks are run.
    standardize : bool
        Fit on z-scores.
    rare_labels : {"refuse", "keep", "drop"}
        What to do with labels that occur once in train (see `Splits.from_store`).
    solver : str
        As in `fit_probes`: ``"auto"`` is ``"exact"``.
    epochs, batch_size, learning_rate
        Settings of the stochastic solvers.
    tol : float
        Duality gap at which the exact solver stops, a share of the objective: a thousandth, where scores and rankings
        no longer move.
    memory_limit : str or None
        What fitting and scoring may add to memory, such as ``"4GB"``; by default half of what is free.
    resamples : int
        Resamples of the sentences on which everything is repeated to say how sure it is (see `stability`), and
        permutations of the labels (see `discover_neurons`); 0 leaves both out. Each
        fits the probes of all neurons again, and those of a few smaller sets.
    resampling : {"bootstrap", "half"}
        How sentences are resampled.
    discovery_rate : float
        Share of false entries allowed on the list of neurons that carry more than word types.
    interventions : InterventionSettings or None
        How neurons are edited in the running model; a study file says it in a table of its own, ``[interventions]``.
    neuron_pages : int
        Neurons of the smallest delta's minimal set that are looked at one by one, the first first; 0 leaves it out.
    """

    ranking: tuple[str, ...] = Field(default=("weight-mass",), min_length=1)
    seeds: int = Field(default=3, ge=1)
    grid: Literal["auto", "paper", "quick", "strict"] = "auto"
    keep: float = Field(default=0.2, gt=0, lt=1)
    alpha: float = 0.5
    beta: float = 0.5
    deltas: tuple[float, ...] = Field(default=(0.005, 0.02), min_length=1)
    step: float = Field(default=0.01, ge=1e-5, le=1)
    regularize: bool = True
    control: bool = True
    standardize: bool = False
    rare_labels: Literal["refuse", "keep", "drop"] = "refuse"
    solver: str = "auto"
    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=512, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    tol: float = Field(default=1e-3, gt=0)
    memory_limit: str | None = None
    resamples: int = Field(default=0, ge=0)
    resampling: Literal["bootstrap", "half"] = "bootstrap"
    discovery_rate: float = Field(default=0.1, gt=0, lt=1)
    interventions: InterventionSettings | None = None
    neuron_pages: int = Field(default=40, ge=0)

    @field_validator("memory_limit")
    @classmethod
    def _a_size(cls, memory_limit: str | None) -> str | None:
        if memory_limit is not None:
            from neurosieve.probes.memory import parse_bytes

            parse_bytes(memory_limit)
        return memory_limit

    @field_validator("resamples")
    @classmethod
    def _comparable(cls, resamples: int) -> int:
        if resamples == 1:
            raise ValueError(
                "one resample has nothing to be compared with; expected 0 (none), or 2 and more, such as 20"
            )
        return resamples

    @field_validator("deltas")
    @classmethod
    def _ordered(cls, deltas: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= delta < 1 for delta in deltas):
            raise ValueError(
                f"expected fractions from 0 to 1 (0.005 is half a point), found {', '.join(map(str, deltas))}"
            )
        return tuple(sorted(set(deltas)))

    @field_validator("ranking", mode="before")
    @classmethod
    def _one_or_several(cls, ranking: object) -> object:
        return (ranking,) if isinstance(ranking, str) else ranking

    @field_validator("ranking")
    @classmethod
    def _known_rankings(cls, ranking: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for name in method_names() if name != "attributions"]  # of a file, which a study does not name
        for name in ranking:
            if name.removeprefix(REVERSED) not in known:
                raise ValueError(
                    f"expected {' or '.join(map(repr, known))}, or '{REVERSED}' and one of these, found {name!r}"
                )
        return tuple(dict.fromkeys(ranking))

    @field_validator("solver")
    @classmethod
    def _known(cls, solver: str) -> str:
        solver = current_name(solver)  # manifests and study files from before a renaming have the old one
        if solver not in names():
            raise ValueError(f"expected {' or '.join(map(repr, names()))}, found {solver!r}")
        return solver

    def of(self, *, real_values: bool) -> ProbeSettings:
        """These settings for one kind of property, with a solver and a grid in place of ``"auto"``."""
        auto = self.solver == AUTO  # a solver that cannot fit these is refused when it is to fit them
        solver = resolve(AUTO, "squared" if real_values else "softmax") if auto else self.solved_by
        grid = self.grid if self.grid != "auto" else solver.grid
        return self.model_copy(update={"solver": solver.name, "grid": grid})

    @property
    def solved_by(self) -> Solver:
        """The solver, which must be known: see `of`."""
        return SOLVERS[self.solver]

    @property
    def exact(self) -> bool:
        """Whether probes are solved to their optimum, which does not depend on seeds."""
        return self.solver in SOLVERS and self.solved_by.deterministic

    @property
    def solver_settings(self) -> dict[str, Any]:
        """Keywords for `fit_probes`."""
        return {name: getattr(self, name) for name in (*self.solved_by.defaults, "standardize")}
