"""Values of all labels and words, a few words at a time: what becomes of them in several steps stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

_VALUES, FEWEST_WORDS = 100_000, 256
"""Values of a piece, 0.4 MB in float32, and words at least."""


def in_pieces(values: Tensor) -> Iterator[slice]:
    """Cut the words of `values` (n_labels, n_words) into pieces; elsewhere than on a processor they are one."""
    n_labels, n_words = values.shape
    step = max(FEWEST_WORDS, _VALUES // max(1, n_labels)) if values.device.type == "cpu" else max(1, n_words)
    return (slice(start, start + step) for start in range(0, n_words, step))
