"""In which order the tasks of a study can be done, as far as it is known: more are found as others end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from neurosieve.activations.store import open_store
from neurosieve.bars import Reporter
from neurosieve.study.cell import Cell
from neurosieve.study.cells import studied_cell
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings
from neurosieve.study.sources import Activations, activations_of
from neurosieve.study.stage import STAGES, Stage
from neurosieve.study.tasks import BEGIN, SHARDS, SHARDS_A_TASK, STORE, Engine, Outcome, Task

log = logging.getLogger(__name__)

OURS = "neurosieve."
"""Stages of other packages are left to the process that knows them, after the tasks."""
FIRST = ("data", "ranking")
"""Stages that nothing of a cell comes before; rankings without probes are read by stages that do not name them."""


class Plan:
    """The tasks of a study that are to be done, each with those that must be done before it.

    Parameters
    ----------
    folder : RunFolder
        Of which the caller holds the lock.
    settings : StudySettings

    Attributes
    ----------
    failed : dict of Task to Exception
        What failed. What needs it is not done.
    n_done : int
    """

    def __init__(self, folder: RunFolder, settings: StudySettings) -> None:
        self.folder, self.settings = folder, settings
        self.failed: dict[Task, Exception] = {}
        self.n_done = 0
        self._before: dict[Task, set[Task]] = {}
        self._begun: set[Task] = set()
        self._digests: dict[tuple[str, str], dict[int, str]] = {}
        self._seconds: dict[tuple[str, str], float] = {}
        self._sources = {(a.model, a.corpus): a for a in activations_of(folder, settings)}
        for activations in self._sources.values():
            if activations.made_from is None or activations.complete:
                self._add_cells(activations)
            else:
                self._before[Task(activations.model, activations.corpus, BEGIN)] = set()

    @property
    def n_tasks(self) -> int:
        """Tasks that are done, under way or known to come."""
        return self.n_done + len(self._before)

    def ready(self) -> list[Task]:
        """Tasks that can be begun now; each is given once."""
        found = [task for task, before in self._before.items() if not before and task not in self._begun]
        self._begun.update(found)
        return found

    def end(self, task: Task, outcome: Outcome) -> None:
        """Note that a task is done, or that it failed and all that needs it falls out."""
        self.n_done += 1
        del self._before[task]
        if outcome.error is not None:
            self.failed[task] = outcome.error
            self._drop(task)
            return
        for before in self._before.values():
            before.discard(task)
        if task.what in (BEGIN, SHARDS, STORE):
            self._extracted(task, outcome)

    def raise_failure(self, model: str, corpus: str, prop: str = "", *, method: str = "") -> None:
        """Raise what failed of activations, or of a cell."""
        for task, error in self.failed.items():
            same = (task.model, task.corpus, task.prop) == (model, corpus, prop)
            if same and (not prop or task.method == method or not STAGES[task.what].ranked):
                raise error

    def _drop(self, lost: Task) -> None:
        for task in [task for task, before in self._before.items() if lost in before]:
            if self._before.pop(task, None) is not None:
                self._drop(task)

    def _extracted(self, task: Task, outcome: Outcome) -> None:
        names = (task.model, task.corpus)
        activations = self._sources[names]
        self._seconds[names] = self._seconds.get(names, 0.0) + outcome.seconds
        if task.what == BEGIN:
            missing: list[int] = outcome.gave
            parts = [tuple(missing[i : i + SHARDS_A_TASK]) for i in range(0, len(missing), SHARDS_A_TASK)]
            ranges = [replace(task, what=SHARDS, shards=part) for part in parts]
            self._before |= {part: set() for part in ranges}
            self._before[replace(task, what=STORE)] = set(ranges)
        elif task.what == SHARDS:
            self._digests.setdefault(names, {}).update(outcome.gave)
            store = next(t for t in self._before if (t.model, t.corpus, t.what) == (*names, STORE))
            known = replace(store, digests=tuple(self._digests[names].items()))
            self._before[known] = self._before.pop(store)
        else:
            seconds = round(self._seconds[names], 2)
            self.folder.note(seconds={f"extract {activations.path.name}": seconds})
            self._add_cells(activations)

    def _add_cells(self, activations: Activations) -> None:
        """Add the stages that the cells of these activations lack."""
        for prop in activations.properties:
            cells = []
            for method in self.settings.probes.ranking:
                with suppress(Exception):  # which the study meets again where it opens the cell, and notes there
                    store = open_store(activations.path)
                    cell = studied_cell(self.folder, self.settings, activations, store=store, prop=prop, method=method)
                    cells += [] if cell is None else [cell]
            self._add_stages(Task(activations.model, activations.corpus, "", prop), cells)

    def _add_stages(self, of: Task, cells: Sequence[Cell]) -> None:
        """Add the stages that the cells of one property lack, one for all of them where it does not depend on the ranking."""
        whole: dict[tuple[str, str], Task] = {}

        def add(cell: Cell, stage: Stage) -> None:
            key = (stage.name, cell.method if stage.ranked else "")
            if key in whole or not stage.make.__module__.startswith(OURS) or not stage.wanted(cell):
                return
            found, missing = cell.there(stage)
            if found is not None and not missing:
                return
            after = {(name, method) for name in stage.after for method in ("", cell.method)}
            before = {task for (name, m), task in whole.items() if (name, m) in after or name in FIRST}
            parts = stage.parts(cell.settings, missing)
            task = replace(of, what=stage.name, method=cell.method)
            if len(parts) > 1:
                seeds = [
                    replace(task, seed=seed) for ((seed, _), *_) in parts if not cell.part_path(stage, seed).is_file()
                ]
                self._before |= {part: set(before) for part in seeds}
                before |= set(seeds)
            whole[key] = task
            self._before[task] = before

        for now in (True, False):
            for cell in cells:
                with suppress(Exception):  # likewise; what comes after it is left to the study as well
                    for stage in STAGES.values():
                        if (stage.name in FIRST) == now:
                            add(cell, stage)


def work(plan: Plan, engine: Engine, *, report: Reporter) -> None:
    """Have all tasks of a plan done."""
    progress = report("tasks")
    running = 0
    while True:
        for task in plan.ready():
            engine.submit(task)
            running += 1
        if progress is not None:
            progress(plan.n_done, plan.n_tasks)
        if not running:
            return
        task, outcome = engine.finished()
        running -= 1
        plan.end(task, outcome)
