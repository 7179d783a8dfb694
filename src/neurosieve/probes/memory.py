"""How much memory fitting and scoring may take.

One limit covers what they add: activations, batches, and the weights, gradients and moments of a group of probes.
Results, and arrays that the caller already holds, are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import psutil

from neurosieve.errors import NeurosieveError

FREE_SHARE = 0.5
"""Share of the free memory that may be taken where no limit is given."""

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_limit: ContextVar[int | None] = ContextVar("memory_limit", default=None)
_held: ContextVar[Callable[[], int]] = ContextVar("held_bytes", default=lambda: 0)


@contextmanager
def memory_limit(limit: int | str | None) -> Iterator[None]:
    """Set the memory limit of everything that is fitted or scored inside the block.

    Parameters
    ----------
    limit : int, str or None
        Bytes, or text such as ``"4GB"`` or ``"512MiB"``; None leaves the limit as it is.

    Examples
    --------
    >>> with memory_limit("2GB"):
    ...     available_bytes()
    2000000000
    """
    token = _limit.set(_limit.get() if limit is None else parse_bytes(limit))
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def holding(count: Callable[[], int]) -> Iterator[None]:
    """Inside the block, what is kept from one call to the next, `count()` bytes, is part of every limit."""
    token = _held.set(count)
    try:
        yield
    finally:
        _held.reset(token)


def available_bytes(limit: int | None = None) -> int:
    """The limit in bytes, less what is held: the given one, else that of `memory_limit`, else half of what is free."""
    held = _held.get()()
    if limit is None:
        limit = _limit.get() or int(FREE_SHARE * (psutil.virtual_memory().available + held))
    return max(1, limit - held)


def parse_bytes(text: int | str) -> int:
    """Bytes that `text` (``4GB``, ``512MiB``, ``1000000``) says.

    Raises
    ------
    NeurosieveError
        If it is no positive size.
    """
    whole = str(text).strip().lower().replace(" ", "")
    number = whole.rstrip("bkmgi")
    try:
        size = int(float(number) * _UNITS[whole[len(number) :]])
    except (ValueError, KeyError, OverflowError):
        size = 0
    if size <= 0:
        raise NeurosieveError(f"memory limit {text!r}: expected a size such as 4GB, 512MiB or a number of bytes")
    return size
