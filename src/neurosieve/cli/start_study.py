"""How a study is started from the command line: run, or estimated; what was found and what failed is said at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neurosieve.cli.output import Format, emit, reporting, say, visible

if TYPE_CHECKING:
    from neurosieve.study.settings import StudySettings


def start(
    settings: StudySettings,
    out: Path | None,
    *,
    dry_run: bool,
    form: Format,
    quiet: bool,
    address: str | None = None,
) -> None:
    """Run the study in the folder `out`, or say what it would take."""
    if not dry_run:
        return run_and_say(settings, out or Path("run"), quiet=quiet, address=address)
    from neurosieve.study.estimate import estimate

    with reporting(quiet=quiet):
        found = estimate(settings, out)
    above = ["note", "problem"] if form is Format.table else []  # they stand above the table
    cells = found.cells.drop(columns=above)
    emit(cells, form=form, title="cells", **found.summary)
    if "problems" in found.summary:
        for problem in found.summary["problems"]:
            say(f"error: {problem}")
        raise typer.Exit(1)
    return None


def run_and_say(settings: StudySettings, out: Path, *, quiet: bool, address: str | None = None) -> None:
    """Run a study; print each cell's finding, the page's path, and what failed, which makes the exit code 1."""
    from neurosieve.runs.study import finished_cells, run_study
    from neurosieve.study.failures import IncompleteStudyError
    from neurosieve.study.in_short import in_a_sentence

    failures: list[str] = []
    with reporting(quiet=quiet) as report:
        finished = finished_cells(settings, out)
        if finished is not None:
            said = [str(cell["in_short"]) for cell in finished]
        else:
            try:
                found = run_study(settings, out, report=report, address=address)
            except IncompleteStudyError as error:
                found, failures = error.found, [str(failure) for failure in error.failures]
            said = [in_a_sentence(findings) for findings in found]
    for sentence in [] if quiet else said:
        say(sentence)
    if said:
        print(visible(out / "report.html"))
    for failure in failures:
        say(f"error: {failure}")
    if failures:
        raise typer.Exit(1)
