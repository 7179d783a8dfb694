"""The engine that has a study's tasks done by Ray, on this machine or on many: what is Ray's about a run is all here.

Ray is asked for a worker with the processors, GPUs and memory of a task, and begins a task again whose worker was lost. The
study goes on in the process that was started; it hands out tasks, and what they leave lies in the run's folder.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from neurosieve.bars import Reporter
from neurosieve.errors import NeurosieveError, StudyError
from neurosieve.runs.board import POLL_SECONDS, Bars, Board
from neurosieve.runs.worker import Answer, Job, on_worker
from neurosieve.study.cluster_settings import ClusterSettings, memory_of_a_task
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings
from neurosieve.study.tasks import Outcome, Share, Task

log = logging.getLogger(__name__)

LOCAL, AUTO = "local", "auto"
OBJECT_STORE_BYTES = 80 << 20
"""Of a cluster that is made for one run: tasks hand on files, so hardly anything goes through Ray's own memory."""
PATIENCE = 10.0
"""Seconds in which a cluster's head must answer."""


def check_address(address: str) -> None:
    """Refuse what is no address, and any where there is no Ray to go to it.

    Raises
    ------
    StudyError
    """
    host, _, port = address.rpartition(":")
    if address not in (LOCAL, AUTO) and not (host and port.isdigit()):
        raise StudyError(f"--address {address}: expected local, auto or the HOST:PORT of a cluster's head")
    if find_spec("ray") is None:
        raise StudyError(f'--address {address}: needs Ray; pip install "neurosieve[cluster]"')


@contextmanager
def ray_engine(
    folder: RunFolder, settings: StudySettings, report: Reporter, *, address: str, tasks: ClusterSettings
) -> Iterator[RayEngine]:
    """Connect to a cluster, or make one of this machine, for the length of the block.

    Parameters
    ----------
    folder : RunFolder
        On a file system that all machines share.
    settings : StudySettings
    report : Reporter
    address : str
        ``"local"``: this machine; ``"auto"``: the cluster that this machine belongs to; or the HOST:PORT of its head.
    tasks : ClusterSettings

    Raises
    ------
    StudyError
        If Ray is not installed, there is no such cluster, or no machine of it can do a task.
    """
    check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    ours = not ray.is_initialized()
    before = signal.getsignal(signal.SIGTERM)
    if ours:
        _connect(ray, address)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)  # which Ray takes
    try:
        engine = RayEngine(ray, folder, settings, report, tasks=tasks)
        yield engine
        log.info("%s", engine)
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401 (a module)
    """Begin to speak to the cluster at `address`."""
    quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "logging_level": "ERROR"}
    if address == LOCAL:
        n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's own would let everything else go first
        quiet |= {"num_cpus": n, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    host, _, port = address.rpartition(":")
    try:
        if port:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's about itself
            ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise StudyError(
            f"--address {address}: no cluster answers there ({said}); begin one with `ray start --head`, join it on the other "
            "machines with `ray start --address HOST:PORT`, and run this on one of them; or pass --address local"
        ) from error


class RayEngine:
    """An `Engine` (see `neurosieve.study.tasks`) whose tasks Ray's workers do.

    Parameters
    ----------
    ray : module
        Connected.
    folder : RunFolder
    settings : StudySettings
    report : Reporter
    tasks : ClusterSettings
    """

    def __init__(
        self,
        ray: Any,  # noqa: ANN401
        folder: RunFolder,
        settings: StudySettings,
        report: Reporter,
        *,
        tasks: ClusterSettings,
    ) -> None:
        self.ray = ray
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) > 0]
        memory = memory_of_a_task(machines, tasks, settings.probes.memory_limit)
        self.job = Job(
            str(folder.path.absolute()),
            settings.model_dump_json(),
            Share(tasks.processors, memory),
            str(Path.cwd()),
        )
        asked: dict[str, Any] = {"num_cpus": tasks.processors, "num_gpus": tasks.gpus, "max_retries": tasks.retries}
        if memory is not None:
            asked["memory"] = memory
        self._do = ray.remote(**asked)(on_worker)
        self._board = ray.remote(Board).options(num_cpus=0, max_restarts=-1).remote()
        self._bars = Bars(report)
        self._tasks: dict[Any, Task] = {}
        self._n = 0
        self.peak_bytes = 0

    def __str__(self) -> str:
        share = "" if self.job.share.memory is None else f" of {self.job.share.memory / 1e9:.1f}"
        return f"{self._n} tasks done by workers, of which the largest took {self.peak_bytes / 1e9:.1f}{share} GB"

    def submit(self, task: Task) -> None:
        """As `Engine.submit`."""
        self._n += 1
        reference = self._do.options(name=task.what).remote(task, self.job, board=self._board, number=self._n)
        self._tasks[reference] = task
        self._bars.names[self._n] = str(task)

    def finished(self) -> tuple[Task, Outcome]:
        """As `Engine.finished`."""
        while True:
            done, _ = self.ray.wait(list(self._tasks), num_returns=1, timeout=POLL_SECONDS)
            self._look()
            if done:
                break
        task = self._tasks.pop(done[0])
        try:
            answer: Answer = self.ray.get(done[0])
        except self.ray.exceptions.RayTaskError as error:  # of the worker's own code, not of the task
            return task, Outcome(error=error.cause if isinstance(error.cause, Exception) else error)
        except self.ray.exceptions.RayError as error:
            return task, Outcome(error=NeurosieveError(lost(task, error, self.job.share.memory)))
        for level, text in answer.said:
            log.log(level, "%s", text)
        for text in answer.warned:
            warnings.warn(text, stacklevel=2)
        self.peak_bytes = max(self.peak_bytes, answer.peak_bytes)
        return task, answer.outcome

    def _look(self) -> None:
        """Show how far the tasks are; that is of no account to them, so a board that is lost is begun again."""
        with suppress(self.ray.exceptions.RayError):
            self._bars.show(self.ray.get(self._board.read.remote(), timeout=POLL_SECONDS))


def lost(task: Task, error: Exception, memory: int | None) -> str:
    """What to say of a task that Ray gave up."""
    said = " ".join(str(error).split())[:300]
    much = "" if memory is None else f" of {memory / 1e9:.1f} GB"
    return (
        f"{task}: its workers were lost again and again ({said}); if the machine ran out of memory, give tasks more than "
        f"theirs{much} (memory or processors of [cluster]), else see `ray status`; the same command goes on from here"
    )
