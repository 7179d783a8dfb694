"""Values in seven levels around the mean, as a reader sees them coloured."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVELS = (0.5, 1.0, 2.0)
"""Standard deviations from the mean at which a level ends and the next begins."""


def levels_of(z: ArrayLike) -> NDArray[np.intp]:
    """Levels of values that are given as standard deviations from the mean: -3 (far below), 0 (near the mean) to 3.

    Parameters
    ----------
    z : array_like of any shape, float

    Returns
    -------
    ndarray of the same shape, int

    Examples
    --------
    >>> levels_of([-2.5, -0.6, 0.1, 1.0]).tolist()
    [-3, -1, 0, 2]
    """
    far = np.asarray(z, dtype=np.float64)
    sizes = np.searchsorted(LEVELS, np.abs(far), side="right")
    return (np.sign(far) * sizes).astype(np.intp)
