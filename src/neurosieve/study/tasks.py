"""Pieces of a study that different processes may do, in an order in which each finds what it needs.

A task writes whole files into the run's folder, by the code that a run on one machine goes through; a study whose tasks are all
done is one whose stages are all there. What may be done when is a `Plan`; who does it, an `Engine`.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import psutil

from neurosieve.activations.extract import Extraction
from neurosieve.activations.store import open_store
from neurosieve.bars import Reporter, silent
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import StudyError
from neurosieve.probes.memory import memory_limit
from neurosieve.study.cells import cell_of
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import CorpusSettings, ModelSettings, StudySettings
from neurosieve.study.sources import Activations, activations_of, read_corpus, read_model
from neurosieve.study.stage import STAGES

log = logging.getLogger(__name__)

BEGIN, SHARDS, STORE = "begin", "shards", "store"
"""What an extraction is divided into: its folder made ready, ranges of its shards, and its tables with the manifest."""
KEPT_BACK = 0.1
"""Share of a task's memory for what its program takes later on: libraries, the allocator, pages of mapped files."""
LEAST_BYTES = 64 << 20
"""Less than this for fitting is refused: it would go through the text in thousands of pieces."""
SHARDS_A_TASK = 4
"""Shards that one task makes: some seconds of work, so that loading the model is little beside it."""


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes
    ----------
    model, corpus : str
        Names of the activations.
    what : str
        `BEGIN`, `SHARDS` or `STORE` of the activations, or a stage's name.
    prop, method : str
        Of a stage: the property, as the study writes it, and the ranking method.
    seed : int or None
        Of a stage whose seeds are computed apart from each other: which one; None for the whole stage.
    shards : tuple of int
        Shards to make.
    digests : tuple of (int, str)
        Digests of the shards that tasks made.
    """

    model: str
    corpus: str
    what: str
    prop: str = ""
    method: str = ""
    seed: int | None = None
    shards: tuple[int, ...] = ()
    digests: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        if self.what in STAGES:
            of = f" by {self.method}" if STAGES[self.what].ranked else ""
            return f"{self.model} / {self.prop}: {self.what}{of}{'' if self.seed is None else f', seed {self.seed}'}"
        named = f"shards {self.shards[0]} to {self.shards[-1]}" if self.shards else self.what
        return f"{self.model} over {self.corpus}: {named}"


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    gave : object
        What `perform` returned.
    error : Exception or None
        Why it failed.
    seconds, processor_seconds : float
        Wall time, and what the process computed meanwhile.
    """

    gave: Any = None
    error: Exception | None = None
    seconds: float = 0.0
    processor_seconds: float = 0.0


class Engine(Protocol):
    """Who does tasks: any number at once, in any order."""

    def submit(self, task: Task) -> None:
        """Have a task done; does not wait for it."""

    def finished(self) -> tuple[Task, Outcome]:
        """Wait until one of the submitted tasks is done, or has failed for good."""


class Here:
    """The engine that does each task at once, in this process.

    Parameters
    ----------
    folder : RunFolder
    settings : StudySettings
    report : Reporter
    """

    def __init__(self, folder: RunFolder, settings: StudySettings, *, report: Reporter = silent) -> None:
        self.folder, self.settings, self.report = folder, settings, report
        self.waiting: list[Task] = []

    def submit(self, task: Task) -> None:
        """As `Engine.submit`."""
        self.waiting.append(task)

    def finished(self) -> tuple[Task, Outcome]:
        """As `Engine.finished`."""
        task = self.waiting.pop(0)
        return task, tried(task, self.folder, self.settings, report=self.report)


@dataclass(frozen=True)
class Share:
    """What a task may take of its machine.

    Attributes
    ----------
    processors : int
        Threads that it computes with.
    memory : int or None
        Bytes of its whole process; None leaves the limit to what is free.
    """

    processors: int
    memory: int | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Compute within the share.

        Raises
        ------
        StudyError
            If the program itself leaves too little of the memory.
        """
        import torch
        from threadpoolctl import threadpool_limits

        limit = None
        if self.memory is not None:
            own = psutil.Process().memory_info().rss
            limit = int((1 - KEPT_BACK) * self.memory) - own
            if limit < LEAST_BYTES:
                raise StudyError(
                    f"a task has {self.memory / 1e9:.1f} GB, of which its program takes {own / 1e9:.1f}; raise memory (or "
                    "processors) of [cluster]"
                )
        before = torch.get_num_threads()
        torch.set_num_threads(self.processors)
        try:
            with threadpool_limits(self.processors), memory_limit(limit):
                yield
        finally:
            torch.set_num_threads(before)


def tried(
    task: Task, folder: RunFolder, settings: StudySettings, *, share: Share | None = None, report: Reporter = silent
) -> Outcome:
    """Do a task, within its share where one is given; an error is what became of it."""
    started, before = time.perf_counter(), time.process_time()
    gave: Any = None
    error: Exception | None = None
    try:
        with nullcontext() if share is None else share.kept():
            gave = perform(task, folder, settings, report=report)
    except Exception as failure:  # one task must not take the others down, whatever stopped it
        log.debug("%s", task, exc_info=True)
        error = failure
    return Outcome(gave, error, time.perf_counter() - started, time.process_time() - before)


def perform(task: Task, folder: RunFolder, settings: StudySettings, *, report: Reporter = silent) -> Any:  # noqa: ANN401
    """Do a task: write its files, or leave them as they are where they are whole.

    Returns
    -------
    list of int, dict of int to str, or None
        The shards that are to be made, of `BEGIN`; the digests of those that were made, of `SHARDS`.

    Raises
    ------
    StudyError
        If the run's folder is not what it is where the study was started: then it is not shared.
    """
    if not folder.manifest_path.is_file():
        raise StudyError(
            f"{folder.path}: is not there on {socket.gethostname()}; choose a folder on a file system that all machines "
            "share, under the same path"
        )
    activations = next(a for a in activations_of(folder, settings) if (a.model, a.corpus) == (task.model, task.corpus))
    if task.what in (BEGIN, SHARDS, STORE):
        extraction = _extraction(activations)
        progress = report("activations (words)")
        if task.what == BEGIN:
            return extraction.begin()
        if task.what == SHARDS:
            return extraction.make(task.shards, progress=progress)
        extraction.store(dict(task.digests), progress=progress)
        return None
    if task.what not in STAGES:
        raise StudyError(f"there is no stage '{task.what}' on {socket.gethostname()}; install what defines it there")
    store, stage = open_store(activations.path), STAGES[task.what]
    cell = cell_of(folder, settings, activations, store=store, prop=task.prop, method=task.method, report=report)
    if task.seed is None:
        cell.take(stage)
        return None
    for units in stage.parts(cell.settings, cell.there(stage)[1]):
        if units[0][0] == task.seed:
            cell.part(stage, units, keep=True)
    return None


def _extraction(activations: Activations) -> Extraction:
    if activations.made_from is None:
        raise StudyError(f"{activations.path}: holds no finished store; make it, or name another")
    corpus, model = activations.made_from
    return Extraction.of(
        _text(corpus.model_dump_json()),
        _network(model.model_dump_json()),
        activations.path,
        dtype="float16",
        unit=corpus.unit,
        sentence_vector=model.sentence_vector or "mean",
    )


@lru_cache(maxsize=1)
def _text(settings: str) -> Corpus:
    """A corpus, kept for the next ranges of its shards."""
    return read_corpus(CorpusSettings.model_validate_json(settings))


@lru_cache(maxsize=1)
def _network(settings: str) -> Any:  # noqa: ANN401
    """A model, likewise."""
    return read_model(ModelSettings.model_validate_json(settings))
