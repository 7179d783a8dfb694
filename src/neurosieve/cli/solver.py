"""Options of commands that fit probes: ``--solver`` and ``--certified`` of all, ``--resamples`` of ``run``."""

from __future__ import annotations

from collections.abc import Collection

import typer

from neurosieve.cli.output import UsageError

EXACT = "proximal"

RUN_SOLVER = typer.Option(
    "auto",
    "--solver",
    metavar="NAME",
    help="proximal (the exact optimum; the default for labels), adam (the paper's recipe; the default for real values) or "
    "neurox (the released tool kit's).",
)
SOLVER = typer.Option(
    None,
    "--solver",
    metavar="NAME",
    help="adam (the paper's recipe), neurox (the released tool kit's) or proximal (the exact optimum); "
    "must be the run's own once something is computed.",
)
CERTIFIED = typer.Option(
    False, "--certified", help="Exact probes, each with a proof of how close it is: --solver proximal, --grid strict."
)
RESAMPLES = typer.Option(
    0, "--resamples", help="Resamples of the text that say how sure the results are, such as 20.", metavar="N", min=0
)


def refuse_idle(given: Collection[str], *, exact: bool) -> None:
    """Refuse options that the solver does not have, rather than leave them unused.

    Parameters
    ----------
    given : collection of str
        Names of the settings that the command line gives.
    exact : bool
        Whether the solver is the exact one.

    Raises
    ------
    UsageError
        If one of them belongs to the other kind of solver.
    """
    others = [name for name in (("epochs", "batch_size", "learning_rate") if exact else ("tol",)) if name in given]
    if not others:
        return
    names = ", ".join("--" + name.replace("_", "-") for name in others)
    if exact:
        raise UsageError(f"{names}: the exact solver has no such setting; add --solver adam, or leave it out")
    raise UsageError(f"{names}: only the exact solver has this setting; add --solver {EXACT}, or leave it out")


def chosen_solver(solver: str | None, *, certified: bool) -> str | None:
    """The solver that the two options name; None where neither is given.

    Raises
    ------
    UsageError
        If they contradict each other.
    """
    if certified and solver not in (None, EXACT):
        raise UsageError(f"--certified means --solver {EXACT}, and --solver {solver} is not; choose one of them")
    return EXACT if certified else solver
