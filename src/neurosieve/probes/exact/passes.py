"""Products with the activations, shared by all probes that are being solved.

The solver of one probe is a generator: it yields what it needs next (one request, or several that one pass can serve
together) and is sent the answers. `run_together` advances many of them at once and serves all waiting requests with one
pass over the activations, so that probes share reading and matrix products, are free to be at different stages, and
leave when they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor

from neurosieve.probes.exact import few
from neurosieve.probes.exact.pieces import FEWEST_WORDS
from neurosieve.probes.products import chosen_precision
from neurosieve.probes.stream import ActivationStream

CHUNK_WORDS = 2048
"""Words a chunk of a pass over a copy, and of any on a graphics processor, whose products are summed in float32. Fewer are no
sample of all, however little memory there is."""

_HUGE = 25.0
"""Standard deviations from its mean at which a column is huge at a word; a single word is at most the root of all words away."""


@dataclass(frozen=True, slots=True)
class Logits:
    """Request for ``W @ X.T``: `W` (n_rows, n_columns) in, (n_rows, n_words) out; `rough` is in bfloat16 where that is faster."""

    W: Tensor
    rough: bool = False


@dataclass(frozen=True, slots=True)
class Gradient:
    """Request for ``R @ X``: `R` (n_rows, n_words) in, (n_rows, n_columns) out; sums over chunks of words in float64."""

    R: Tensor
    rough: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Request for activations of words: their numbers, ascending, in; a list of (n_columns, n_piece) out, in their order."""

    rows: Tensor


Request: TypeAlias = Logits | Gradient | Words
Asked: TypeAlias = Request | tuple[Request, ...]
Result = TypeVar("Result")
Answer: TypeAlias = Tensor | list[Tensor]
Solver: TypeAlias = Generator[Asked, Any, Result]
"""Is sent an answer for each request, or a tuple of answers for a tuple of requests."""


class Design:
    """Centred activations of one stream, with copies in memory where these fit beside the stream's own or in their place.

    Centring changes the intercept and nothing else, and keeps products of float32 accurate where a neuron's mean is
    large against its spread.

    Attributes
    ----------
    mean, variance : Tensor of shape (n_columns,), float64
        Of each column over all words, unweighted.
    reach : Tensor of shape (n_columns,), float64, or None
        Largest distance from the mean of columns of which it is more than `_HUGE` standard deviations, 0 of the others; None where
        there are none.
    rough : torch.dtype
        In what rough products are: bfloat16 where that is faster, else float32.
    copies : dict of torch.dtype to list of Tensor of shape (n_columns, n_chunk)
        In float32 and in `rough`, as far as memory allows: chunk by chunk, columns first, as few columns may be asked for (`few`).
    """

    def __init__(self, stream: ActivationStream) -> None:
        self.stream = stream
        self.n_words, self.width, self.device = stream.n_words, stream.width, stream.device
        halves = chosen_precision("auto", self.device, self.n_words * self.width) == "bfloat16"
        self.rough = torch.bfloat16 if halves else torch.float32
        self.mean, self.variance, self.reach = self._moments()
        self.copies: dict[torch.dtype, list[Tensor]] = {}
        sizes = {t: self.n_words * self.width * t.itemsize for t in (self.rough, torch.float32)}
        only_copies = stream.dtype == torch.float32  # of float64, products in that precision need the stream
        if only_copies and stream.spare_bytes < sum(sizes.values()) <= stream.spare_without:
            stream.let_go()
        spare = stream.spare_bytes
        for dtype, size in sizes.items():
            if size <= spare:
                self.copies[dtype] = []
                spare -= size
        if self.copies:
            for X in self._read(CHUNK_WORDS):
                for dtype, copy in self.copies.items():
                    copy.append(torch.empty(X.shape, dtype=dtype, device=X.device).copy_(X))

    @property
    def chunk(self) -> int:
        """Words to convert and multiply at a time where there is no copy: on a processor they stay in the cache."""
        cached = max(FEWEST_WORDS, FEWEST_WORDS * CHUNK_WORDS // self.width)
        return min(CHUNK_WORDS, cached) if self.device.type == "cpu" else CHUNK_WORDS

    @property
    def nbytes(self) -> int:
        """Bytes of the copies."""
        return sum(X.nbytes for copy in self.copies.values() for X in copy)

    @classmethod
    def of(cls, stream: ActivationStream) -> Design:
        """The design of a stream, which is kept where it will be asked for again."""
        if stream.kept is None:
            return cls(stream)
        if "design" not in stream.kept:
            stream.kept["design"] = cls(stream)
        design: Design = stream.kept["design"]
        return design

    def _moments(self) -> tuple[Tensor, Tensor, Tensor | None]:
        total = torch.zeros(self.width, dtype=torch.float64, device=self.device)
        squares, shift = torch.zeros_like(total), None
        low, high = torch.zeros_like(total), torch.zeros_like(total)
        for _, X in self.stream.batches(FEWEST_WORDS):  # they stay in the processor's cache
            if shift is None:  # squares about a typical value do not cancel
                shift = X.mean(dim=0)
            moved = X - shift
            low, high = torch.minimum(low, moved.amin(dim=0)), torch.maximum(high, moved.amax(dim=0))
            total += moved.sum(dim=0, dtype=torch.float64)  # whatever the order of the words
            squares += moved.square_().sum(dim=0, dtype=torch.float64)
        offset = total / self.n_words
        mean = offset if shift is None else offset + shift.double()
        variance = (squares / self.n_words - offset.square()).clamp_min(0.0)
        reach = torch.maximum(high - offset, offset - low)
        huge = reach > _HUGE * variance.sqrt()
        return mean, variance, torch.where(huge, reach, 0.0) if bool(huge.any()) else None

    def _read(self, n_words: int) -> Iterator[Tensor]:
        """Centred activations in the stored order, in the precision of the stream, (n_columns, n_words) at a time."""
        for _, X in self.stream.batches(n_words):
            yield X.sub_(self.mean.to(X.dtype)).T

    def serve(self, requests: Sequence[Request]) -> list[Answer]:
        """Answer all requests: from the copies if possible, and the others with one pass over the stream."""
        products: dict[tuple[type, torch.dtype], _Product] = {}
        answers: list[Callable[[], Answer]] = []
        tasks: list[_Product | _Taken] = []
        for request in requests:
            if isinstance(request, Words):
                taken = _Taken(request, self)
                tasks.append(taken)
                answers.append(taken.answer)
                continue
            factor = request.W if isinstance(request, Logits) else request.R
            dtype = self.rough if request.rough and factor.dtype == torch.float32 else factor.dtype
            key = (type(request), dtype)
            if key not in products:
                products[key] = _Product(self, backward=isinstance(request, Gradient), dtype=dtype)
                tasks.append(products[key])
            answers.append(products[key].add(factor))
        together: dict[torch.dtype | None, list[_Product | _Taken]] = {}
        for task in tasks:
            together.setdefault(task.source if task.source in self.copies else None, []).append(task)
        for source, some in together.items():
            first = 0
            for X in self._read(self.chunk) if source is None else self.copies[source]:
                place = slice(first, first + X.shape[1])
                first = place.stop
                for task in some:
                    task.take(place, X)
        return [answer() for answer in answers]


class _Product:
    """Requests for the same product in the same precision: one multiplication a chunk answers all of them.

    Attributes
    ----------
    source : torch.dtype
        Of the copy that will do; float64 products of float64 activations need the stream, as all copies have rounded them.
    """

    def __init__(self, design: Design, *, backward: bool, dtype: torch.dtype) -> None:
        self.design, self.backward, self.dtype = design, backward, dtype
        single = dtype == torch.float64 and design.stream.dtype == torch.float32
        self.source = torch.float32 if single else dtype
        self._parts: list[Tensor] = []
        self._factor: few.Factor | None = None
        self._result: Tensor | None = None

    def add(self, factor: Tensor) -> Callable[[], Tensor]:
        """Add the factor of one request; returns where its answer will be."""
        first = sum(map(len, self._parts))
        self._parts.append(factor)
        return lambda: self._answer(first, len(factor))

    def take(self, place: slice, X: Tensor) -> None:
        """Multiply by the activations `X` (n_columns, n_chunk) of the words at `place`."""
        if self._factor is None or self._result is None:
            whole = self._parts[0] if len(self._parts) == 1 else torch.cat(self._parts)
            self._factor = few.Factor(whole.to(self.dtype))
            width = self.design.width if self.backward else self.design.n_words
            kept = torch.float64 if self.backward else whole.dtype  # gradients are summed over chunks in float64
            self._result = torch.zeros((len(whole), width), dtype=kept, device=whole.device)
        X = X.to(self.dtype)
        if self.backward:
            self._result += self._factor.V[:, place] @ X.T
        else:
            self._result[:, place] = self._factor.times(X)

    def _answer(self, first: int, n_rows: int) -> Tensor:
        if self._result is None:
            raise RuntimeError("a pass over no words answers nothing")
        return self._result[first : first + n_rows].to(self._parts[0].dtype)


class _Taken:
    """Activations of some words, columns first, in the precision of rough products: a copy's own piece where all its words are."""

    def __init__(self, request: Words, design: Design) -> None:
        self.rows, self.source, self._copied = request.rows, design.rough, design.rough in design.copies
        self._pieces: list[Tensor] = []
        self._parts: list[Tensor] = []  # of the next piece

    def take(self, place: slice, X: Tensor) -> None:
        """Keep those of the words at `place` that were asked for."""
        if not len(self.rows):
            return
        first, last = torch.searchsorted(
            self.rows, torch.tensor([place.start, place.stop], device=self.rows.device)
        ).tolist()
        some = self.rows[first:last] - place.start
        if self._copied and len(some) == X.shape[1]:
            self._join()
            self._pieces.append(X)
        elif len(some):
            X = X.index_select(1, some) if X.is_contiguous() else X.T.index_select(0, some).T
            self._parts.append(X.to(self.source))
            if sum(part.shape[1] for part in self._parts) >= CHUNK_WORDS:
                self._join()

    def _join(self) -> None:
        """Make a piece of the parts that there are."""
        if self._parts:
            self._pieces.append(torch.cat(self._parts, dim=1))
            self._parts = []

    def answer(self) -> list[Tensor]:
        self._join()
        return self._pieces


def run_together(solvers: Sequence[Solver[Result]], design: Design, *, at_once: int) -> list[Result]:
    """Run solvers side by side, `at_once` at a time, and return their results in order.

    Parameters
    ----------
    solvers : sequence of generators
    design : Design
    at_once : int
        Solvers whose state is in memory together.
    """
    results: dict[int, Result] = {}
    answers: dict[int, Answer | tuple[Answer, ...] | None] = {}
    following = 0
    while len(results) < len(solvers):
        waiting: dict[int, Asked] = {}
        served_before = list(answers.items())
        while served_before or (following < len(solvers) and len(waiting) < at_once):
            if served_before:
                number, answer = served_before.pop()
            else:
                number, answer, following = following, None, following + 1
            try:
                waiting[number] = solvers[number].send(answer)
            except StopIteration as stop:
                results[number] = stop.value
        several = {number: asked if isinstance(asked, tuple) else (asked,) for number, asked in waiting.items()}
        served = iter(design.serve([request for asked in several.values() for request in asked]))
        answers = {}
        for number, asked in several.items():
            given = tuple(next(served) for _ in asked)
            answers[number] = given if isinstance(waiting[number], tuple) else given[0]
    return [results[i] for i in range(len(solvers))]
