"""The solvers by name, and what the rest of the package asks of them.

A solver is a module with a class ``Settings`` and a function ``solve``, and one entry here, by `register_solver`, that says
what its results depend on and what they cost. Nobody else compares names. The module is imported only when it fits
something, so that checking a name loads no torch.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from neurosieve.errors import NeurosieveError

AUTO = "auto"
"""In place of a name: the solver that `resolve` chooses for the loss."""

_OLD_NAMES = {"proximal": "exact"}


@dataclass(frozen=True)
class Solver:
    """One solver, as others see it.

    Attributes
    ----------
    name : str
    module : str
        Where its ``Settings`` and ``solve`` are; optionally ``finish``, ``wanted_bytes`` with ``least_bytes`` where it holds more
        than weights while it works, and ``work``, the multiplications that a fit takes as long as.
    losses : tuple of str
        What it can fit: ``"softmax"``, ``"squared"`` or both.
    defaults : mapping of str to object
        Settings that a study can give, with the values that they have there.
    fixed : mapping of str to object
        Settings that make it this solver, where several share a module.
    deterministic : bool
        Whether its probes do not depend on seeds.
    certified : bool
        Whether its probes carry a duality gap.
    continues : tuple of str
        Losses for which it goes on from `ProbeSpec.start`, so that a rough probe is not lost where a better one is needed; it
        then has settings ``tol`` and ``enough`` (see `ExactSettings`).
    passes : int or None
        Passes over the activations that a fit is assumed to cost; None where ``epochs`` says it.
    grid : str
        Lambdas that are searched by default.
    chosen_for : tuple of str
        Losses for which ``"auto"`` may choose it.
    """

    name: str
    module: str
    losses: tuple[str, ...]
    defaults: Mapping[str, object]
    fixed: Mapping[str, object] = field(default_factory=dict)
    deterministic: bool = False
    certified: bool = False
    continues: tuple[str, ...] = ()
    passes: int | None = None
    grid: str = "paper"
    chosen_for: tuple[str, ...] = ()

    def settings(self, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 (each solver has its own)
        """The solver's ``Settings`` from what the caller gave.

        Raises
        ------
        NeurosieveError
            If the solver has no such setting, or not such a value; the message says which it has.
        """
        kind = self._module().Settings
        known = [name for name in kind.__dataclass_fields__ if name not in self.fixed]
        unknown = sorted(set(given) - set(known))
        if unknown:
            others = [s.name for s in SOLVERS.values() if set(unknown) <= set(s.defaults)]
            hint = f"; pass solver={others[0]!r} for these" if others else ""
            raise NeurosieveError(f"solver '{self.name}' does not take {unknown}; it takes {', '.join(known)}{hint}")
        return kind(**given, **self.fixed)

    def solve(self, stream: Any, problem: Any, settings: Any, progress: Any = None, *, state_bytes: int = 0) -> Any:  # noqa: ANN401
        """Fit a group of probes; `state_bytes` is what the solver may hold, for one that asked for it."""
        options = {"state_bytes": state_bytes} if state_bytes else {}
        return self._module().solve(stream, problem, settings, progress, **options)

    def check_loss(self, loss: str) -> None:
        """Refuse a loss that the solver cannot fit.

        Raises
        ------
        NeurosieveError
        """
        if loss not in self.losses:
            fits, wanted = ("real values", "labels") if loss == "softmax" else ("labels", "real values")
            others = " or ".join(f"solver={s.name!r}" for s in SOLVERS.values() if loss in s.losses)
            raise NeurosieveError(f"solver '{self.name}' fits {fits}, not {wanted}; use {others} for these")

    def finish(self, probes: list[Any]) -> list[Any]:
        """Say of fitted probes what the caller should know, in a warning; returns them."""
        finish = getattr(self._module(), "finish", None)
        return probes if finish is None else list(finish(probes))

    def wanted_bytes(self, settings: Any, **sizes: int) -> int:  # noqa: ANN401
        """Memory beside weights and activations that it makes good use of: n_probes, n_words, n_labels, n_columns."""
        return int(getattr(self._module(), "wanted_bytes", _nothing)(settings, **sizes))

    def least_bytes(self, settings: Any, **sizes: int) -> int:  # noqa: ANN401
        """Memory beside weights and activations without which it cannot fit one probe: n_words, n_labels, n_columns."""
        return int(getattr(self._module(), "least_bytes", _nothing)(settings, **sizes))

    def work(self, settings: Any, **sizes: int) -> float:  # noqa: ANN401
        """Multiplications that fitting a probe takes as long as (n_words, n_labels, n_columns); 0 where it does not say."""
        return float(getattr(self._module(), "work", _nothing)(settings, **sizes))

    def passes_of(self, settings: Mapping[str, Any]) -> int:
        """Passes over the activations that a fit with these settings is assumed to cost."""
        return int(settings["epochs"]) if self.passes is None else self.passes

    def _module(self) -> Any:  # noqa: ANN401
        return import_module(self.module)


def _nothing(_settings: object, **_sizes: int) -> int:
    return 0


SOLVERS: dict[str, Solver] = {}
"""All solvers by name; where several fit a loss, `resolve` takes the first."""


def register_solver(solver: Solver) -> None:
    """Make a solver known under its name; a name that is taken is an error."""
    if solver.name in SOLVERS:
        raise NeurosieveError(f"there is already a solver '{solver.name}'; give the new one another name")
    SOLVERS[solver.name] = solver


_EPOCHS: Mapping[str, object] = {"epochs": 10, "batch_size": 512, "learning_rate": 1e-3}
_ADAM = {"module": "neurosieve.probes.adam", "losses": ("softmax", "squared"), "defaults": _EPOCHS}

register_solver(
    Solver(
        "exact",
        module="neurosieve.probes.exact.solver",
        losses=("softmax", "squared"),
        defaults={"tol": 1e-3},
        deterministic=True,
        certified=True,
        continues=("softmax",),
        passes=80,  # measured over the strict grid: 10 to 230, whatever it does with its time
        grid="strict",  # it cannot prove much of a probe without l2
        chosen_for=("softmax", "squared"),
    )
)
register_solver(Solver("adam", **_ADAM, fixed={"recipe": "paper"}))  # type: ignore[arg-type]
register_solver(Solver("neurox", **_ADAM, fixed={"recipe": "neurox"}))  # type: ignore[arg-type]


def names() -> tuple[str, ...]:
    """What can be given as a solver: ``"auto"`` and all names."""
    return (AUTO, *SOLVERS)


def current_name(name: str) -> str:
    """The name that a solver has now; results and settings from before a renaming have the old one."""
    return _OLD_NAMES.get(name, name)


def solver_named(name: str) -> Solver:
    """The solver of a name.

    Raises
    ------
    NeurosieveError
        If there is none.

    Warns
    -----
    FutureWarning
        If the name is an old one.
    """
    now = current_name(name)
    if now != name:
        warnings.warn(f"solver {name!r} is now called {now!r}", FutureWarning, stacklevel=2)
    if now not in SOLVERS:
        raise NeurosieveError(f"unknown solver {name!r}; expected one of {', '.join(names())}")
    return SOLVERS[now]


def resolve(name: str, loss: str) -> Solver:
    """The solver of a name or, for ``"auto"``, the first that is chosen for the loss: the exact one.

    Parameters
    ----------
    name : str
    loss : {"softmax", "squared"}

    Raises
    ------
    NeurosieveError
        If there is no such solver, or it cannot fit the loss.
    """
    chosen = next(s for s in SOLVERS.values() if loss in s.chosen_for) if name == AUTO else solver_named(name)
    chosen.check_loss(loss)
    return chosen


def settings_of_others(solver: Solver, given: Iterable[str]) -> list[str]:
    """Those of the given names that are settings of other solvers and not of this one."""
    others = {name: None for other in SOLVERS.values() for name in other.defaults if name not in solver.defaults}
    asked = set(given)
    return [name for name in others if name in asked]
