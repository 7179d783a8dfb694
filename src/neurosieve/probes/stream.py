"""Batches of activations for a whole group of probes: from memory where they fit, from the store where they do not.

One pass over the activations serves every probe of a group, so this is the only place where training reads them.

- *Resident*: the columns that the group needs are held once, in the store's own precision, and every epoch visits the
  words in a fully random order.
- *Windowed*: chunks of consecutive words are visited in random order and gathered into windows that fit the memory
  limit; words are shuffled inside a window. Every word is visited once an epoch, reading is sequential inside a chunk,
  and the next window is read while the current one is used.

Without a generator the words come in their stored order.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosieve.activations.source import ActivationSource, same_rows
from neurosieve.probes.memory import holding

CHUNK_WORDS = 1024
"""Most consecutive words read together: enough to read at disk speed."""

_SHORTEST_CHUNK = 32
_CHUNKS_IN_MEMORY = 32
"""Where memory is short, chunks are made shorter, so that a window still mixes words of many places."""


class ActivationStream:
    """Batches of activations on one device, in float32 (float64 where they are float64).

    Parameters
    ----------
    source : ActivationSource
        n_words x n_neurons.
    columns : ndarray of int, optional
        Columns to read, in the order wanted; all by default.
    device : torch.device
    memory_limit : int
        Bytes that activations may take; two windows of a few dozen words are the least.
    mean, scale : ndarray of shape (n_columns,), optional
        Subtracted from, and divided into, each batch: standardisation without a copy of the data.

    Attributes
    ----------
    resident : Tensor of shape (n_words, n_columns), or None
        All activations, if they fit and were not let go.
    spare_bytes : int
        What they leave of the memory limit.
    kept : dict, or None
        What a solver made of the activations and will ask for again, by its own names; None where nobody will (see `one_stream`).
    """

    def __init__(
        self,
        source: ActivationSource,
        *,
        columns: NDArray[np.intp] | None = None,
        device: torch.device,
        memory_limit: int,
        mean: NDArray[np.floating] | None = None,
        scale: NDArray[np.floating] | None = None,
    ) -> None:
        self.source = source
        self.columns = columns
        self.device = device
        self.dtype = torch.float64 if source.dtype == np.float64 else torch.float32
        self.n_words = source.n_words
        self.width = source.n_neurons if columns is None else len(columns)
        self.mean = None if mean is None else torch.as_tensor(mean, dtype=self.dtype, device=device)
        self.inverse_scale = None if scale is None else torch.as_tensor(1.0 / scale, dtype=self.dtype, device=device)
        self._row_bytes = row_bytes = self.width * source.dtype.itemsize
        self.resident = self._load(0, self.n_words) if self.n_words * row_bytes <= memory_limit else None
        self.spare_bytes = memory_limit - self.n_words * row_bytes if self.resident is not None else 0
        # Two windows are alive at once, the one in use and the one being read, and the chunk that is being read.
        rows = max(0, memory_limit) // row_bytes
        self.chunk_words = min(CHUNK_WORDS, max(_SHORTEST_CHUNK, rows // _CHUNKS_IN_MEMORY))
        per_window = max(1, (rows - self.chunk_words) // 2 // self.chunk_words)
        self.window_words = per_window * self.chunk_words
        self._buffers: list[NDArray[np.floating]] = []
        self.kept: dict[str, Any] | None = None

    @property
    def spare_without(self) -> int:
        """What would be left of the memory limit if activations that fit it were read anew for every pass."""
        if self.resident is None:
            return self.spare_bytes
        return self.spare_bytes + self._row_bytes * max(0, self.n_words - 2 * CHUNK_WORDS)

    def let_go(self) -> None:
        """Read the activations anew for every pass: whoever holds copies that serve all passes needs the memory more.

        Later shuffled visits take words window by window (see `order`), so this is for solvers that visit them as stored.
        """
        self.spare_bytes, self.resident = self.spare_without, None
        self.chunk_words = self.window_words = CHUNK_WORDS

    @property
    def nbytes(self) -> int:
        """Bytes of the activations that are in memory."""
        resident = 0 if self.resident is None else self.resident.numel() * self.resident.element_size()
        return resident + sum(buffer.nbytes for buffer in self._buffers)

    @property
    def order(self) -> str:
        """How shuffled words are visited, which depends on whether they fit the memory limit."""
        return "all shuffled" if self.resident is not None else f"shuffled in windows of {self.window_words} words"

    def _load(self, start: int, stop: int) -> Tensor:
        rows = self.source.read(start, stop, self.columns)
        if not rows.flags.writeable or min(rows.strides) < 0:  # torch takes neither read-only nor reversed arrays
            rows = rows.copy()
        tensor = torch.from_numpy(rows)
        return tensor.to(self.device) if self.device.type != "cpu" else tensor

    def batches(self, batch_size: int, generator: np.random.Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Visit every word once.

        Parameters
        ----------
        batch_size : int
            Words a batch (the last one may be smaller).
        generator : numpy Generator, optional
            Order of the words; the stored order by default.

        Yields
        ------
        rows : Tensor of shape (n_batch,), int64
            Numbers of the words in the batch.
        X : Tensor of shape (n_batch, n_columns)
            Their activations, in a buffer that the next batch overwrites.
        """
        size = min(batch_size, self.n_words)
        buffer = torch.empty((size, self.width), dtype=self.dtype, device=self.device)
        if self.resident is not None and generator is None:
            for start in range(0, self.n_words, batch_size):
                some = self.resident[start : start + batch_size]
                numbers = torch.arange(start, start + len(some), device=self.device)
                yield numbers, self._converted(some, buffer[: len(some)])
            return
        raw: Tensor | None = None
        chosen = torch.empty(size, dtype=torch.int64, device=self.device)
        filled = 0  # a batch may take its words from two windows
        for numbers, window in self._windows(generator):
            order = (
                torch.arange(len(numbers))
                if generator is None
                else torch.from_numpy(generator.permutation(len(numbers)))
            ).to(self.device)
            raw = torch.empty((size, self.width), dtype=window.dtype, device=self.device) if raw is None else raw
            for taken in self._portions(order, size, filled):
                now = slice(filled, filled + len(taken))
                torch.index_select(window, 0, taken, out=raw[now])
                torch.index_select(numbers, 0, taken, out=chosen[now])
                filled = now.stop
                if filled == size:
                    yield chosen.clone(), self._converted(raw, buffer)
                    filled = 0
        if filled and raw is not None:
            yield chosen[:filled].clone(), self._converted(raw[:filled], buffer[:filled])

    @staticmethod
    def _portions(order: Tensor, size: int, filled: int) -> Iterator[Tensor]:
        """Cut `order` where batches end, if the first of them has `filled` words already."""
        start = 0
        while start < len(order):
            stop = start + size - filled
            yield order[start:stop]
            start, filled = stop, 0

    def _converted(self, raw: Tensor, buffer: Tensor) -> Tensor:
        """Stored values in the precision of the products, standardised if the stream does that."""
        X = buffer.copy_(raw)
        if self.mean is not None:
            X.sub_(self.mean)
        if self.inverse_scale is not None:
            X.mul_(self.inverse_scale)
        return X

    def _windows(self, generator: np.random.Generator | None) -> Iterator[tuple[Tensor, Tensor]]:
        if self.resident is not None:
            yield torch.arange(self.n_words, device=self.device), self.resident
            return
        chunks = np.arange(0, self.n_words, self.chunk_words)
        if generator is not None:
            chunks = generator.permutation(chunks)
        per_window = self.window_words // self.chunk_words
        plan = [chunks[i : i + per_window] for i in range(0, len(chunks), per_window)]
        if not self._buffers:
            rows = min(self.window_words, self.n_words)
            self._buffers = [np.empty((rows, self.width), dtype=self.source.dtype) for _ in plan[:2]]
        with ThreadPoolExecutor(max_workers=1) as reader:
            pending: Future[tuple[Tensor, Tensor]] = reader.submit(self._read_window, plan[0], self._buffers[0])
            for number, following in enumerate([*plan[1:], None], start=1):
                window = pending.result()
                if following is not None:  # into the buffer of the window before this one, which is no longer in use
                    pending = reader.submit(self._read_window, following, self._buffers[number % 2])
                yield window

    def _read_window(self, starts: NDArray[np.intp], buffer: NDArray[np.floating]) -> tuple[Tensor, Tensor]:
        stops = np.minimum(starts + self.chunk_words, self.n_words)
        numbers = np.concatenate([np.arange(a, b) for a, b in zip(starts, stops, strict=True)])
        filled = 0
        for a, b in zip(starts, stops, strict=True):
            buffer[filled : filled + b - a] = self.source.read(int(a), int(b), self.columns)
            filled += b - a
        return torch.from_numpy(numbers).to(self.device), torch.from_numpy(buffer[:filled]).to(self.device)


@dataclass
class _Slot:
    """The stream that calls share, and what of: a source, a device, and the means that are subtracted."""

    stream: ActivationStream | None = None
    of: tuple[Any, ...] = ()

    def nbytes(self) -> int:
        """Bytes that are kept."""
        if self.stream is None:
            return 0
        made = sum(getattr(value, "nbytes", 0) for value in (self.stream.kept or {}).values())
        return self.stream.nbytes + int(made)

    def clear(self) -> None:
        """Let go of the stream; what was made of it refers to it, and would otherwise stay for a while."""
        if self.stream is not None and self.stream.kept is not None:
            self.stream.kept.clear()
        self.stream, self.of = None, ()


_slot: ContextVar[_Slot | None] = ContextVar("slot", default=None)


@contextmanager
def one_stream() -> Iterator[None]:
    """Within this, calls that fit on all columns of the same activations share one stream, as it was for the first of them."""
    slot = _Slot()
    token = _slot.set(slot)
    try:
        with holding(slot.nbytes):
            yield
    finally:
        slot.clear()
        _slot.reset(token)


def shared_stream(
    source: ActivationSource,
    *,
    device: torch.device,
    memory_limit: int,
    mean: NDArray[np.floating] | None,
    scale: NDArray[np.floating] | None,
) -> ActivationStream:
    """A stream of all columns: the one at hand within `one_stream`, where it is of the same activations, else a new one."""
    slot, of = _slot.get(), (source, device, mean is None)
    if slot is not None and slot.stream is not None:
        if same_rows(slot.of[0], source) and slot.of[1:] == of[1:]:
            return slot.stream
        slot.clear()  # before the next is read
    stream = ActivationStream(source, device=device, memory_limit=memory_limit, mean=mean, scale=scale)
    if slot is not None:
        slot.stream, slot.of, stream.kept = stream, of, {}
    return stream
