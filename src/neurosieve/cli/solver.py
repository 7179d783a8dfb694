"""Options of commands that fit probes: ``--solver`` and ``--certified`` of all, ``--resamples`` of ``run``."""

from __future__ import annotations

from collections.abc import Collection

import typer

from neurosieve.cli.output import UsageError

EXACT = "exact"

RUN_SOLVER = typer.Option(
    "auto",
    "--solver",
    metavar="NAME",
    help="exact (the optimum with a proof; the default), adam (the paper's recipe) or neurox (the released tool kit's).",
)
SOLVER = typer.Option(
    None,
    "--solver",
    metavar="NAME",
    help="adam (the paper's recipe), neurox (the released tool kit's) or exact (the optimum with a proof); "
    "must be the run's own once something is computed.",
)
CERTIFIED = typer.Option(
    False, "--certified", help="Exact probes, each with a proof of how close it is: --solver exact, --grid strict."
)
RESAMPLES = typer.Option(
    0, "--resamples", help="Resamples of the text that say how sure the results are, such as 20.", metavar="N", min=0
)


def refuse_idle(given: Collection[str], *, solver: str) -> None:
    """Refuse options that the solver does not have, rather than leave them unused.

    Parameters
    ----------
    given : collection of str
        Names of the settings that the command line gives.
    solver : str
        The solver; ``"auto"`` is that of labels.

    Raises
    ------
    UsageError
        If one of them belongs to other solvers.
    """
    from neurosieve.study.study_file import idle_settings

    others = idle_settings(solver, given)
    if not others:
        return
    flags = ", ".join("--" + name.replace("_", "-") for name in others)
    if idle_settings(EXACT, others):
        raise UsageError(f"{flags}: the exact solver has no such setting; add --solver adam, or leave it out")
    raise UsageError(f"{flags}: only the exact solver has this setting; add --solver {EXACT}, or leave it out")


def chosen_solver(solver: str | None, *, certified: bool) -> str | None:
    """The solver that the two options name; None where neither is given.

    Raises
    ------
    UsageError
        If they contradict each other.
    """
    if solver is not None:
        from neurosieve.study.study_file import known_solver

        solver = known_solver(solver)
    if certified and solver not in (None, EXACT):
        raise UsageError(f"--certified means --solver {EXACT}, and --solver {solver} is not; choose one of them")
    return EXACT if certified else solver
