"""What a task of a study takes of a machine, where a cluster does the tasks."""

from __future__ import annotations

from pydantic import Field, field_validator

from neurosieve.study.part import Part


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
            from neurosieve.probes.memory import parse_bytes

            parse_bytes(memory)
        return memory
