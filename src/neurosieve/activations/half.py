"""float16 to float32, several times faster than numpy's own conversion, which goes value by value."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", np.float32, np.float64)

OUT_OF_RANGE = 65536.0
"""No float16 is as large, and what is not finite becomes this or more where nothing looks for it."""
_SIGN_AND_VALUE = np.int32(np.uint32(0x8FFFE000).astype(np.int32))
_REBIAS = np.float32(2.0**112)  # the exponents of the two formats are biased by 15 and by 127
_INFINITE = 0x7C00


def as_float32(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """`values` as a new float32 array, every value being exact.

    A float16's exponent and fraction, moved to their places in a float32, are the value divided by 2**112, subnormal numbers
    included; only what is not finite needs another way.

    Examples
    --------
    >>> as_float32(np.array([1.5, -2.0**-24, np.inf], dtype=np.float16)).tolist()
    [1.5, -5.960464477539063e-08, inf]
    """
    if values.dtype != np.float16:
        return values.astype(np.float32)
    half = np.ascontiguousarray(values).view(np.int16)
    if half.size and int((half & 0x7FFF).max()) >= _INFINITE:
        return values.astype(np.float32)
    out: NDArray[np.float32] = np.empty(half.shape, dtype=np.float32)
    return widened(values, out)


def widened(values: NDArray[np.floating], out: NDArray[Float]) -> NDArray[Float]:
    """Write `values`, whose last dimension is contiguous, to `out`, float32 or wider and contiguous.

    A float16 that is not finite is `OUT_OF_RANGE` or more in size: the caller looks for it.
    """
    if values.dtype != np.float16:
        np.copyto(out, values)
        return out
    bits = out.view(np.int32)
    np.copyto(bits, values.view(np.int16))
    bits <<= 13
    bits &= _SIGN_AND_VALUE
    out *= _REBIAS
    return out
