"""The whole chain: every model with every property, from text to tables, resuming what is done and adding what is new."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from pathlib import Path
from typing import TypeAlias

from neurosieve.activations.store import ActivationStore
from neurosieve.bars import Reporter, silent
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import StudyError
from neurosieve.study.cells import extraction_seconds, finish, studied_cell
from neurosieve.study.failures import Failures
from neurosieve.study.findings import Findings
from neurosieve.study.folder import RunFolder
from neurosieve.study.inputs import refuse_changed_inputs
from neurosieve.study.opened import OpenCell
from neurosieve.study.plan import Plan, work
from neurosieve.study.results import write_run
from neurosieve.study.settings import StudySettings
from neurosieve.study.sources import activations_of, named_stores
from neurosieve.study.tasks import Engine, Share

MakeEngine: TypeAlias = Callable[[RunFolder, StudySettings, Reporter], AbstractContextManager[Engine]]


def run_cells(
    settings: StudySettings, out: str | Path, *, report: Reporter = silent, engine: MakeEngine | None = None
) -> list[Findings]:
    """Run a study and write its tables; `neurosieve.run_study` also writes the page.

    Finished stages are taken from disk; the same study in the same folder therefore continues where it stopped, repeats
    nothing when it is complete, and grows where models, corpora, properties, seeds, deltas or rankings are added. A cell
    that fails does not take the others down: their results are written, and what failed is raised at the end; repeating the
    study tries it again.

    Parameters
    ----------
    settings : StudySettings
    out : str or Path
        The run's folder (see `neurosieve.study.folder`).
    report : Reporter, optional
        Where the stages report their progress.
    engine : callable, optional
        ``engine(folder, settings, report)`` is a context that gives an `Engine`, which does whatever takes long; by default
        this process does.

    Returns
    -------
    list of Findings
        One for each model, property and ranking, in the study's order; also of those that earlier studies in the folder named.

    Raises
    ------
    IncompleteStudyError
        If some of several cells failed; its ``failures`` say which and why, its ``found`` holds the others.
    NeurosieveError
        If the folder holds something else, or the study's only corpus, model or property cannot be used.
    """
    if not any([*(c.properties for c in settings.corpora), *(s.properties for s in settings.stores)]):
        raise StudyError("the study names no property; give each corpus its properties")
    folder, settings = RunFolder(out), named_stores(settings)
    tasks = settings.cluster
    with folder.working(), nullcontext() if engine is None else Share(tasks.processors).kept():
        settings = StudySettings.model_validate(folder.claim(settings.model_dump(mode="json")))
        folder.sweep()
        refuse_changed_inputs(folder, settings, folder.manifest())
        plan = None
        if engine is not None:
            folder.note(workers=tasks.model_dump())
            plan = _done_by(engine, folder, settings, report)
        failures = Failures()
        loaded: dict[str, Corpus] = {}
        stores: list[ActivationStore] = []
        cells: list[OpenCell] = []
        found: list[Findings] = []
        for activations in activations_of(folder, settings):
            store = None
            with failures.noting(activations.model, activations.corpus):
                if plan is not None:
                    plan.raise_failure(activations.model, activations.corpus)
                store = activations.open(folder, loaded=loaded, report=report)
            if store is None:
                continue
            stores.append(store)
            for prop, method in product(activations.properties, settings.probes.ranking):
                with failures.noting(activations.model, activations.corpus, prop):
                    if plan is not None:
                        plan.raise_failure(activations.model, activations.corpus, prop, method=method)
                    cell = studied_cell(
                        folder, settings, activations, store=store, prop=prop, method=method, report=report
                    )
                    if cell is None:
                        continue
                    ready = finish(cell, extraction=extraction_seconds(folder, activations))
                    found.append(ready.findings())
                    cells.append(ready)
        write_run(folder, cells, found, stores=stores, failures=failures.entries(), finished=not failures.noted)
    failures.raise_if_any(found)
    return found


def _done_by(engine: MakeEngine, folder: RunFolder, settings: StudySettings, report: Reporter) -> Plan:
    """The plan of a study after an engine has done its tasks."""
    plan = Plan(folder, settings)
    with engine(folder, settings, report) as workers:
        work(plan, workers, report=report)
    return plan
