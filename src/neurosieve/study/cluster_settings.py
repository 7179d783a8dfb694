"""What a task of a study takes of a machine, where a cluster does the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, field_validator

from neurosieve.errors import StudyError
from neurosieve.probes.memory import parse_bytes
from neurosieve.study.part import Part

PROGRAM_BYTES = 10**9
"""What a worker takes before it fits anything: its libraries, texts and words."""


class ClusterSettings(Part):
    """The table ``[cluster]`` of a study file; without effect on results and on runs of one machine.

    Attributes
    ----------
    processors : int
        Of a task, and the number of threads it computes with.
    gpus : float
        Of a task; shares of one GPU are possible. With 0 a task sees none.
    memory : str or None
        Of a task, such as ``"8GB"``, its program included; by default as large a part of the smallest machine as its
        processors are.
    retries : int
        How often a task is begun again whose worker was lost, on whatever machine is free.
    """

    processors: int = Field(default=1, ge=1)
    gpus: float = Field(default=0, ge=0)
    memory: str | None = None
    retries: int = Field(default=10, ge=0)

    @field_validator("memory")
    @classmethod
    def _a_size(cls, memory: str | None) -> str | None:
        if memory is not None:
            parse_bytes(memory)
        return memory


def memory_of_a_task(machines: Sequence[Mapping[str, float]], tasks: ClusterSettings, memory_limit: str | None) -> int:
    """Bytes that a task may take: what the settings say, or its share of the smallest machine that can do it.

    Parameters
    ----------
    machines : sequence of mapping
        What each has: ``CPU``, ``memory`` in bytes, and where it has some ``GPU``.
    tasks : ClusterSettings
    memory_limit : str or None
        The study's own, of what fitting may take.

    Raises
    ------
    StudyError
        If no machine can do a task, or the study's own limit is more than a task may have.
    """
    able = [
        machine
        for machine in machines
        if machine["CPU"] >= tasks.processors
        and machine.get("GPU", 0) >= tasks.gpus
        and machine["memory"] >= (0 if tasks.memory is None else parse_bytes(tasks.memory))
    ]
    if not able:
        wanted = f"{tasks.processors} processors, {tasks.gpus:g} GPUs and {tasks.memory or 'any'} memory"
        there = "; ".join(
            f"{m['CPU']:g} processors, {m.get('GPU', 0):g} GPUs, {m['memory'] / 1e9:.1f}GB" for m in machines
        )
        raise StudyError(
            f"[cluster]: a task takes {wanted}, and no machine has that; there is {there or 'none'}: ask for less, or add "
            "machines"
        )
    share = min(int(machine["memory"] * min(1.0, tasks.processors / machine["CPU"])) for machine in able)
    memory = share if tasks.memory is None else parse_bytes(tasks.memory)
    if memory_limit is not None and parse_bytes(memory_limit) + PROGRAM_BYTES > memory:
        raise StudyError(
            f"memory_limit is {memory_limit}, and a task has {memory / 1e9:.1f} GB, its program of about 1 GB included; raise "
            "memory (or processors) of [cluster], or lower memory_limit"
        )
    return memory
