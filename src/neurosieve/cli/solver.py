"""Options of commands that fit probes: ``--solver`` and ``--certified`` of all, ``--resamples`` of ``run``."""

from __future__ import annotations

import typer

from neurosieve.cli.output import UsageError

EXACT = "proximal"

RUN_SOLVER = typer.Option(
    "adam",
    "--solver",
    metavar="NAME",
    help="adam (the paper's recipe), neurox (the released tool kit's) or proximal (the exact optimum).",
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
