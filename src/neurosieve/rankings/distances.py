"""How far from its usual value a neuron goes when it goes at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Distances:
    """Sums that give the geometric mean of what is not zero, column by column, exactly as large whatever power of 2 scales it."""

    def __init__(self, n: int) -> None:
        self.counts, self.exponents, self.logs = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n)

    def clear(self, columns: NDArray[np.intp]) -> None:
        """Forget what was added to some columns."""
        for values in (self.counts, self.exponents, self.logs):
            values[columns] = 0

    def add(self, distances: NDArray[np.float64], columns: NDArray[np.intp] | slice) -> None:
        """Add rows of distances (n_words, n_columns)."""
        there = np.isfinite(distances) & (distances != 0)
        fraction, exponent = np.frexp(np.where(there, np.abs(distances), 0.5))  # 0.5 has the exponent 0
        self.counts[columns] += there.sum(axis=0)
        self.exponents[columns] += exponent.sum(axis=0)
        self.logs[columns] += np.where(there, np.log2(fraction), 0.0).sum(axis=0)

    def typical(self) -> NDArray[np.float64]:
        """The geometric mean of each column, 0 where all are zero."""
        n = np.maximum(self.counts, 1)
        whole, rest = np.divmod(self.exponents, n)
        return np.where(self.counts > 0, np.ldexp(np.exp2((rest + self.logs) / n), whole), 0.0)
