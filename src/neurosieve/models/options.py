"""How a model is loaded: the options of `neurosieve.models.load.load_model`, as every family gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from neurosieve.errors import ModelError

POOLINGS = ("last", "first", "mean")
DTYPES = ("float32", "float64", "float16", "bfloat16")

CPU_BATCH_TOKENS = 1024
"""Measured with a model of 6 layers x 384 on one core and on two: 2,048 is up to 10 % slower, 4,096 20 %."""

GPU_BATCH_TOKENS = 16_384
"""Enough to keep a GPU busy with small models, and little beside the memory of large ones."""


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Options of `neurosieve.models.load.load_model`, where they are described.

    Raises
    ------
    ModelError
        If a value is none of those that an option can have.
    """

    pooling: str = "last"
    layers: Sequence[int | str] | None = None
    site: str = "residual"
    device: str | None = None
    dtype: str = "float32"
    untrained: int | None = None
    batch_tokens: int | None = None
    trust_remote_code: bool = False
    revision: str | None = None
    head: bool = False
    self_test: bool = True

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ModelError(f"pooling is {self.pooling!r}; expected one of {', '.join(POOLINGS)}")
        if self.dtype not in DTYPES:
            raise ModelError(f"dtype is {self.dtype!r}; expected one of {', '.join(DTYPES)}")
        if self.batch_tokens is not None and self.batch_tokens < 1:
            raise ModelError(f"batch_tokens is {self.batch_tokens}; expected at least 1")

    def given(self) -> list[str]:
        """Names of the options that are not left at their defaults."""
        return [field.name for field in fields(self) if getattr(self, field.name) != field.default]

    def usable_device(self) -> str:
        """The device that is asked for, or a CUDA device if there is one, or the CPU.

        Raises
        ------
        ModelError
            If torch cannot use it.
        """
        import torch

        if self.device is None:
            return "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.empty(1, device=self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"device {self.device!r} cannot be used ({reason}); leave it out, or use 'cpu'") from error
        return self.device

    def batch_tokens_on(self, device: str) -> int:
        """Most tokens in a batch on that device, padding included."""
        return self.batch_tokens or (CPU_BATCH_TOKENS if device == "cpu" else GPU_BATCH_TOKENS)
