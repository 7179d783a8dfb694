"""Products with the activations, shared by all probes that are being solved.

The solver of one probe is a generator: it yields the product that it needs next and is sent the result. `run_together`
advances many of them at once and serves all waiting requests with one pass over the activations, so that probes share
reading and matrix products, are free to be at different stages, and leave when they are done.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psutil
import torch
from torch import Tensor

from neurosieve.probes.stream import ActivationStream

CHUNK_WORDS = 2048
"""Words a chunk of a streamed pass: 20 MB of float32 at 2,688 neurons."""

_COPY_SHARE = 0.6
"""Share of the free memory that a centred float32 copy of resident activations may take."""


@dataclass(frozen=True, slots=True)
class Logits:
    """Request for ``W @ X.T``: `W` (n_rows, n_columns) in, (n_rows, n_words) out."""

    W: Tensor


@dataclass(frozen=True, slots=True)
class Gradient:
    """Request for ``R @ X``: `R` (n_rows, n_words) in, (n_rows, n_columns) out."""

    R: Tensor


Request = Logits | Gradient
Result = TypeVar("Result")
Solver = Generator[Request, Tensor, Result]


class Design:
    """Centred activations of one stream, in memory where they fit.

    Centring changes the intercept and nothing else, and keeps products of float32 accurate where a neuron's mean is
    large against its spread.

    Attributes
    ----------
    mean, variance : Tensor of shape (n_columns,), float64
        Of each column over all words, unweighted.
    resident : Tensor of shape (n_words, n_columns), float32, or None
    """

    def __init__(self, stream: ActivationStream) -> None:
        self.stream = stream
        self.n_words, self.width, self.device = stream.n_words, stream.width, stream.device
        self.resident: Tensor | None = None
        if stream.resident is not None and 4 * self.n_words * self.width < _COPY_SHARE * _free_bytes(self.device):
            self.resident = torch.empty((self.n_words, self.width), dtype=torch.float32, device=self.device)
        total = torch.zeros(self.width, dtype=torch.float64, device=self.device)
        squares, shift = torch.zeros_like(total), None
        for rows, X in stream.batches(CHUNK_WORDS):
            if shift is None:  # squares about a typical value do not cancel
                shift = X.mean(dim=0)
            moved = X - shift
            total += moved.sum(dim=0, dtype=torch.float64)
            squares += moved.square().sum(dim=0, dtype=torch.float64)
            if self.resident is not None:
                self.resident[rows[0] : rows[0] + len(X)] = X
        offset = total / self.n_words
        self.mean = offset if shift is None else offset + shift.double()
        self.variance = (squares / self.n_words - offset.square()).clamp_min(0.0)
        if self.resident is not None:
            self.resident -= self.mean.float()  # of float64 activations, rounded first: a start that float64 polishes

    def chunks(self, dtype: torch.dtype) -> Iterator[tuple[slice, Tensor]]:
        """Centred activations in the stored order, with their places; in one piece if float32 and resident.

        Activations that are float64 are so here too if `dtype` is; the copy in memory would have rounded them.
        """
        single = dtype == torch.float32
        if self.resident is not None and (single or self.stream.dtype == torch.float32):
            step = self.n_words if single else CHUNK_WORDS // 4
            for start in range(0, self.n_words, step):
                yield slice(start, start + step), self.resident[start : start + step].to(dtype)
            return
        for rows, X in self.stream.batches(CHUNK_WORDS):
            first = int(rows[0])
            yield slice(first, first + len(X)), X.sub_(self.mean.to(X.dtype)).to(dtype)

    def serve(self, requests: Sequence[Request]) -> list[Tensor]:
        """Answer all requests with one pass; products run in the precision of what was asked."""
        answers: dict[int, Tensor] = {}
        for dtype in (torch.float32, torch.float64):
            mine = [i for i, r in enumerate(requests) if (r.W if isinstance(r, Logits) else r.R).dtype == dtype]
            ways = [i for i in mine if isinstance(requests[i], Logits)]
            weights = [r.W for i in ways if isinstance(r := requests[i], Logits)]
            backs = [i for i in mine if i not in ways]
            residuals = [r.R for i in backs if isinstance(r := requests[i], Gradient)]
            if mine:
                logits, gradients = self._multiply(_stack(weights), _stack(residuals), dtype)
                answers.update(zip(ways, torch.split(logits, [len(W) for W in weights]), strict=True) if ways else ())
                answers.update(
                    zip(backs, torch.split(gradients, [len(R) for R in residuals]), strict=True) if backs else ()
                )
        return [answers[i] for i in range(len(requests))]

    def _multiply(self, W: Tensor | None, R: Tensor | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        rows_w, rows_r = (0 if W is None else len(W)), (0 if R is None else len(R))
        logits = torch.empty((rows_w, self.n_words), dtype=dtype, device=self.device)
        gradients = torch.zeros((rows_r, self.width), dtype=dtype, device=self.device)
        for place, X in self.chunks(dtype):
            if W is not None:
                logits[:, place] = W @ X.T
            if R is not None:
                gradients.addmm_(R[:, place], X)
        return logits, gradients


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
    waiting: dict[int, Request] = {}
    answers: dict[int, Tensor | None] = {}
    following = 0
    while len(results) < len(solvers):
        while len(answers) < at_once and following < len(solvers):
            answers[following] = None
            following += 1
        for number, answer in answers.items():
            try:
                waiting[number] = solvers[number].send(answer)  # type: ignore[arg-type]  # None starts a generator
            except StopIteration as stop:
                results[number] = stop.value
        served = design.serve(list(waiting.values()))
        answers = dict(zip(waiting, served, strict=True))
        waiting = {}
    return [results[i] for i in range(len(solvers))]


def _stack(parts: list[Tensor]) -> Tensor | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
