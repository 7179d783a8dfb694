"""The engine's two matrix products, in float32 or, where the hardware does that faster, in bfloat16.

In bfloat16 only the factors are rounded, and each product once: weights, gradients, moments, the softmax and every sum
stay in float32. Whether that pays is a matter of the machine: graphics processors and matrix units multiply bfloat16
several times faster, and processors that merely list its instructions may do it more slowly than float32. So a processor
is asked, once a process, by multiplying. Small data stay in float32.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Literal, TypeAlias, cast, get_args

import torch
from torch import Tensor

from neurosieve.errors import NeurosieveError

Precision: TypeAlias = Literal["float32", "bfloat16"]

WORTHWHILE = 1.5
"""How many times faster bfloat16 must be on a processor: far from what noise in the measurement could decide."""


FEW_VALUES = 1 << 24
"""Activations (words times neurons) below which rounding buys nothing: a probe is fitted in a second either way, and its weights
should not depend on the processor."""


def chosen_precision(asked: str, device: torch.device, n_values: int) -> Precision:
    """What to multiply in: what was asked, or for ``"auto"`` what is faster on `device` for `n_values` activations.

    Raises
    ------
    NeurosieveError
        If `asked` is none of "auto", "float32" and "bfloat16".
    """
    if asked in get_args(Precision):
        return cast("Precision", asked)
    if asked != "auto":
        raise NeurosieveError(f"products={asked!r}: expected 'auto', 'float32' or 'bfloat16'")
    if n_values < FEW_VALUES:
        return "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if _speed_up() >= WORTHWHILE else "float32"


@cache
def _speed_up(rows: int = 768, columns: int = 1024, batch: int = 256) -> float:
    """How many times faster this processor multiplies bfloat16, from the best of a few products of a quarter GFLOP."""
    seconds = {}
    for kind in (torch.float32, torch.bfloat16):
        W, X = torch.ones(rows, columns, dtype=kind), torch.ones(batch, columns, dtype=kind)
        out = torch.empty(rows, batch, dtype=kind)
        walls = []
        for _ in range(4):
            start = time.perf_counter()
            torch.mm(W, X.T, out=out)
            walls.append(time.perf_counter() - start)
        seconds[kind] = min(walls)
    return seconds[torch.float32] / seconds[torch.bfloat16]


class Products:
    """Products of one group's weights with batches of at most `n_batch` words, in float32 (float64 for float64).

    Parameters
    ----------
    W : Tensor of shape (n_rows, n_columns)
        Weights of all probes below each other; the solver changes them in place.
    n_batch : int
        Words a batch at most.
    """

    def __init__(self, W: Tensor, n_batch: int) -> None:
        self.W = W
        self._scores = W.new_empty((len(W), n_batch))
        self.precision = str(W.dtype).removeprefix("torch.")

    def logits(self, b: Tensor, X: Tensor) -> Tensor:
        """``W X' + b``, shape (n_rows, n_words), in a buffer that the next batch overwrites; X is (n_words, n_columns)."""
        scores = self._buffer(len(X))
        return torch.addmm(b[:, None], self.W, X.T, out=scores)

    def add_gradient(self, residuals: Tensor, X: Tensor, gradient: Tensor) -> None:
        """Add ``residuals X`` to `gradient` (n_rows, n_columns); `residuals` is (n_rows, n_words)."""
        gradient.addmm_(residuals, X)

    def _buffer(self, n_words: int) -> Tensor:
        # A narrower view would not be contiguous, and products into it are slow.
        full = n_words == self._scores.shape[1]
        return self._scores if full else self._scores.new_empty((len(self.W), n_words))


class HalfProducts(Products):
    """The same products of factors rounded to bfloat16."""

    def __init__(self, W: Tensor, n_batch: int) -> None:
        super().__init__(W, n_batch)
        self.precision = "bfloat16"
        self._W = torch.empty_like(W, dtype=torch.bfloat16)
        self._product = torch.empty_like(self._W)
        self._X = W.new_empty((n_batch, W.shape[1]), dtype=torch.bfloat16)

    def logits(self, b: Tensor, X: Tensor) -> Tensor:
        """As in `Products`."""
        self._W.copy_(self.W)
        rounded = self._X[: len(X)].copy_(X)
        return torch.add(torch.mm(self._W, rounded.T), b[:, None], out=self._buffer(len(X)))

    def add_gradient(self, residuals: Tensor, X: Tensor, gradient: Tensor) -> None:
        """As in `Products`; `X` is the batch of the last `logits`."""
        torch.mm(residuals.to(torch.bfloat16), self._X[: len(X)], out=self._product)
        gradient.add_(self._product)


def products_of(W: Tensor, n_batch: int, precision: Precision) -> Products:
    """The products of a group in `precision`; float64 weights stay in float64."""
    half = precision == "bfloat16" and W.dtype == torch.float32
    return (HalfProducts if half else Products)(W, n_batch)
