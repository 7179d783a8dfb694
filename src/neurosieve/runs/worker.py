"""What a worker does with a task that it is sent: as the head would, within its share of the machine, and tells what was said."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from neurosieve._version import __version__
from neurosieve.bars import Progress, Reporter
from neurosieve.errors import StudyError
from neurosieve.files import WRITER
from neurosieve.runs.board import POLL_SECONDS
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings
from neurosieve.study.tasks import Outcome, Share, Task, tried


@dataclass(frozen=True)
class Job:
    """What a worker is sent besides the task.

    Attributes
    ----------
    folder : str
        Absolute path of the run's folder.
    settings : str
        The study's, as JSON.
    share : Share
        What the task may take of its machine.
    place : str
        Where relative paths of the study begin.
    version : str
        Of this package.
    """

    folder: str
    settings: str
    share: Share
    place: str
    version: str = __version__


@dataclass(frozen=True)
class Answer:
    """What a worker sends back: the outcome, and what was logged meanwhile."""

    outcome: Outcome
    said: list[tuple[int, str]] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    peak_bytes: int = 0


def on_worker(task: Task, job: Job, *, board: Any, number: int) -> Answer:  # noqa: ANN401 (an actor's handle)
    """Do a task in a process of Ray's."""
    with suppress(OSError):
        os.chdir(job.place)
    if job.version != __version__:
        error = StudyError(
            f"{socket.gethostname()} has neurosieve {__version__}, and the study was started by {job.version}; install the same "
            "on all machines"
        )
        return Answer(Outcome(error=error))
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the command line sets it
    os.environ[WRITER] = f"{socket.gethostname()}-{os.getpid()}"
    board.begin.remote(number)
    said: list[tuple[int, str]] = []
    with _listening(said), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        settings = StudySettings.model_validate_json(job.settings)
        outcome = tried(task, RunFolder(job.folder), settings, share=job.share, report=_reporter(board, number))
    board.end.remote(number)
    texts = [str(w.message) for w in warned if not issubclass(w.category, (DeprecationWarning, ResourceWarning))]
    return Answer(outcome, said, texts, _peak_bytes())


def _reporter(board: Any, number: int) -> Reporter:  # noqa: ANN401
    """A reporter that tells the board, not more often than it is read."""

    def report(title: str) -> Progress:
        last = 0.0

        def advance(done: float, total: float) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= POLL_SECONDS:
                last = now
                board.move.remote(number, title, done=float(done), total=float(total))

        return advance

    return report


@contextmanager
def _listening(said: list[tuple[int, str]]) -> Iterator[None]:
    """Take down what the library logs."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append((record.levelno, record.getMessage()))

    logger, handler = logging.getLogger("neurosieve"), Handler(logging.INFO)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _peak_bytes() -> int:
    """The most memory that this process took so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
