"""What is taken a piece at a time.

Values of all labels and words: a few words stay in the processor's cache through several steps. Columns of a symmetric matrix:
each strip of them starts at its diagonal.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

_VALUES, FEWEST_WORDS = 100_000, 256
"""Values of a piece, 0.4 MB in float32, and words at least, of activations as well."""


def in_pieces(values: Tensor) -> Iterator[slice]:
    """Cut the words of `values` (n_labels, n_words) into pieces; elsewhere than on a processor they are one."""
    n_labels, n_words = values.shape
    step = max(FEWEST_WORDS, _VALUES // max(1, n_labels)) if values.device.type == "cpu" else max(1, n_words)
    return (slice(start, start + step) for start in range(0, n_words, step))


_STRIPS = 8
"""Strips of a matrix, of which 9 of 16 parts are taken then; no more than columns."""


def in_strips(width: int) -> list[slice]:
    """Cut the columns of a symmetric matrix; what is above the diagonal of a strip is that of another below it."""
    n = max(1, min(_STRIPS, width))
    return [slice(a, b) for a, b in pairwise(width * k // n for k in range(n + 1))]
