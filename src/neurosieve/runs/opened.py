"""`open_run`: a run's folder, finished or not, given back as objects to look at and go on with."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from neurosieve.activations.store import open_store
from neurosieve.csv_files import read_csv
from neurosieve.errors import StudyError
from neurosieve.runs.page import report_on
from neurosieve.study.cells import open_cells
from neurosieve.study.folder import RunFolder
from neurosieve.study.opened import Cells, OpenCell
from neurosieve.study.results import write_run
from neurosieve.study.settings import StudySettings
from neurosieve.study.sources import activations_of
from neurosieve.study.steps import settings_of

TABLES = ("results", "rankings", "layers", "labels", "architectures")
"""Tables that lie beside those of ``tables/``."""
COMMANDS = {"data": "search", "ranking": "rank", "oracles": "ablate", "ablation": "ablate"}
"""The command that makes a stage, where it has another name."""


class Run:
    """A run's folder; `open_run` makes it. Nothing is loaded before it is asked for.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._folder = RunFolder(path)
        self.settings: StudySettings = settings_of(self._folder)

    @property
    def manifest(self) -> dict[str, Any]:
        """Settings, versions, digests of inputs, wall times."""
        return self._folder.manifest()

    @property
    def finished(self) -> bool:
        """Whether every cell that the study names is done and its results are written."""
        return bool(self.manifest.get("finished"))

    @property
    def cells(self) -> Cells:
        """Cells with at least one finished stage, in the study's order."""
        return Cells(open_cells(self._folder, self.settings))

    @property
    def results(self) -> pd.DataFrame:
        """The tidy table of every score, one row a seed.

        Raises
        ------
        StudyError
            If the run has not got as far.
        """
        path = self.path / "results.csv"
        if not path.is_file():
            raise StudyError(
                f"{path}: not written yet; repeat the run's command to finish it, or call report() for the cells that are"
            )
        return read_csv(path, keep_default_na=False, na_values=[""])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that the run wrote, by name; none while it is unfinished."""
        files = [self.path / f"{name}.csv" for name in TABLES] + sorted((self.path / "tables").glob("*.csv"))
        return {f.stem: read_csv(f, keep_default_na=False, na_values=[""]) for f in files if f.is_file()}

    def report(self) -> Path:
        """Write tables, figures and the page of every cell that the folder holds, whether the study is finished or not.

        Returns
        -------
        Path
            The page.

        Raises
        ------
        StudyError
            If no property has been studied, or every cell lacks a stage; the message says which, and what makes it. Cells that
            lack one beside others that do not are named on the page.
        """
        cells = self.cells
        whole = [cell for cell in cells if not cell.missing]
        if not cells:
            raise StudyError(f"{self.path}: no property has been studied yet; run `neurosieve search` on it first")
        if not whole:
            raise StudyError(self._lacks(cells[0]))
        there = activations_of(self._folder, self.settings)
        done = {(cell.model, cell.corpus, cell.prop) for cell in whole}
        asked = {(a.model, a.corpus, name) for a in there for name in a.names}
        finished = asked <= done and len(whole) == len(cells)
        failures = [] if finished else [f for f in self.manifest.get("failures", ()) if _place(f) not in done]
        failures += [
            {"model": c.model, "corpus": c.corpus, "property": c.prop, "error": self._lacks(c)}
            for c in cells
            if c.missing
        ]
        with self._folder.working():
            found = [cell.findings() for cell in whole]
            stores = [open_store(activations.path) for activations in there if activations.complete]
            write_run(self._folder, whole, found, stores=stores, failures=failures, finished=finished, anew=True)
            return report_on(self._folder, found)

    def _lacks(self, cell: OpenCell) -> str:
        """What a report of a cell waits for, and the command that makes it."""
        name = cell.missing[0]
        option = "" if cell.method == self.settings.probes.ranking[0] else f" --ranking {cell.method}"
        return (
            f"{cell.folder}: the stage '{name}' is missing; run `neurosieve {COMMANDS.get(name, name)} {self.path} "
            f"--property {cell.prop}{option}` first"
        )

    def __repr__(self) -> str:
        state = "finished" if self.finished else "unfinished"
        return f"Run {self.path} ({state})\n{self.cells!r}"

    def _repr_html_(self) -> str:
        state = "finished" if self.finished else "unfinished"
        return f"<p><b>Run</b> {escape(str(self.path))} ({state})</p>{self.cells._repr_html_()}"


def _place(failure: dict[str, str]) -> tuple[str, str, str]:
    return failure["model"], failure["corpus"], failure["property"]


def open_run(path: str | Path) -> Run:
    """Open the folder of a finished or unfinished run.

    Parameters
    ----------
    path : str or Path
        A folder that ``neurosieve run``, ``neurosieve extract`` or `run_study` wrote.

    Returns
    -------
    Run
        Its ``cells``, ``results``, ``tables`` and ``report()``.

    Raises
    ------
    StudyError
        If the folder is missing or holds no run.

    Examples
    --------
    >>> import neurosieve as ns
    >>> ns.open_run("nowhere")
    Traceback (most recent call last):
    ...
    neurosieve.errors.StudyError: nowhere: holds no run; make one with `neurosieve extract` or `neurosieve run`
    """
    return Run(path)
