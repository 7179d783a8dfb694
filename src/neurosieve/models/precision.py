"""Vectors in the precision in which they are stored."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

HALF_LIMIT = 65520.0
"""From here on a value rounds to infinity in float16."""


def in_precision(values: NDArray[np.float32], dtype: str) -> NDArray[np.floating] | None:
    """`values` in float16 if that was asked and holds them, else in float32; None if some are not finite.

    PyTorch converts three times faster than numpy, and finds smallest and largest value in one pass, which tells both
    whether all are finite and whether float16 holds them.
    """
    import torch

    tensor = torch.from_numpy(values)
    low, high = (float(bound) for bound in torch.aminmax(tensor)) if values.size else (0.0, 0.0)
    if not (math.isfinite(low) and math.isfinite(high)):  # a value that is not a number makes both so
        return None
    if dtype == "float16" and max(-low, high) < HALF_LIMIT:
        half: NDArray[np.float16] = tensor.to(torch.float16).numpy()
        return half
    return values
