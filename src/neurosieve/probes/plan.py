"""Which probes are fitted or evaluated together: groups that share one pass and one matrix product.

Probes in a group read the union of their columns; weights of columns that a probe does not use are held at zero. That
wastes products, so probes with different subsets are grouped only where a shared pass costs less than separate ones.
The plan depends on the work, and on the memory limit only where that is too small for the plan without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_GROUP_WEIGHTS = 1 << 26
"""Weights in a group; four float32 arrays of that size (weights, gradient, two moments) take 1 GiB."""

PASS_ROWS = 60
"""Cost of reading one activation for the passes of a fit, in units of multiplying it by one row of weights."""

PASS_ROWS_ONCE = 400
"""The same for a single pass, whose reading no later pass shares: picking columns out of wider rows is what costs."""


@dataclass(frozen=True, slots=True)
class Group:
    """Probes that run together.

    Attributes
    ----------
    members : tuple of int
        Positions in the list of probes.
    columns : ndarray of int, or None
        Union of the members' columns in ascending order; None means all.
    """

    members: tuple[int, ...]
    columns: NDArray[np.intp] | None


def plan_groups(
    subsets: Sequence[NDArray[np.intp] | None],
    rows: Sequence[int],
    *,
    n_neurons: int,
    max_weights: int = MAX_GROUP_WEIGHTS,
    pass_rows: int = PASS_ROWS,
) -> list[Group]:
    """Partition probes into groups of least total cost.

    Probes are sorted by the size of their subset, and runs of neighbours are joined by dynamic programming over
    ``cost(group) = |union of columns| * (pass_rows + sum of rows)``.

    Parameters
    ----------
    subsets : sequence of (ndarray of int or None)
        Columns of each probe; None means all.
    rows : sequence of int
        Number of weight rows (labels) of each probe.
    n_neurons : int
        Number of columns in all.
    max_weights : int
        Largest number of weights in a group of more than one probe.
    pass_rows : int
        Cost of reading an activation, in rows of weights.

    Returns
    -------
    list of Group
        Every probe is in exactly one group.
    """
    sizes = [n_neurons if s is None else len(s) for s in subsets]
    order = sorted(range(len(subsets)), key=lambda i: (sizes[i], i))
    best: list[float] = [0.0]  # best[j]: least cost of the first j probes of `order`
    start_of: list[int] = []
    used: list[NDArray[np.bool_]] = []
    for i in order:
        mask = np.zeros(n_neurons, dtype=bool)
        mask[slice(None) if subsets[i] is None else subsets[i]] = True
        used.append(mask)
    for j in range(1, len(order) + 1):
        union = np.zeros(n_neurons, dtype=bool)
        total_rows, least, start = 0, float("inf"), j - 1
        for first in range(j - 1, -1, -1):
            union |= used[first]
            total_rows += rows[order[first]]
            width = int(union.sum())
            if first < j - 1 and width * total_rows > max_weights:
                break
            cost = best[first] + width * (pass_rows + total_rows)
            if cost < least:
                least, start = cost, first
        best.append(least)
        start_of.append(start)
    groups: list[Group] = []
    j = len(order)
    while j:
        first = start_of[j - 1]
        union = np.logical_or.reduce(used[first:j])
        columns = None if union.all() else np.flatnonzero(union)
        groups.append(Group(tuple(order[first:j]), columns))
        j = first
    return groups[::-1]
