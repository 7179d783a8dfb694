"""Batches of sequences of similar length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BATCH_COST = 64
"""What a further batch costs, in tokens: a network's own overhead, against which padding is weighed."""


def length_sorted_batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Group sequences, longest first, at the least cost: tokens, padding included, and `BATCH_COST` a batch.

    Parameters
    ----------
    lengths : sequence of int, length n_sequences
    batch_tokens : int
        Most tokens in a batch, padding included. A sequence that is longer makes a batch of its own.

    Returns
    -------
    list of list of int
        Indices of the sequences of each batch; every sequence is in exactly one.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    widths = np.array([max(1, lengths[i]) for i in order], dtype=np.int64)
    # A batch is a run of the sorted sequences and as wide as its first one. least[j]: least cost of the first j.
    least = np.zeros(len(order) + 1)
    begins = np.zeros(len(order) + 1, dtype=np.int64)
    earliest = 0
    for stop in range(1, len(order) + 1):
        while earliest < stop - 1 and (stop - earliest) * widths[earliest] > batch_tokens:
            earliest += 1
        starts = np.arange(earliest, stop)
        costs = least[starts] + (stop - starts) * widths[starts]
        best = int(np.argmin(costs))
        least[stop], begins[stop] = costs[best] + BATCH_COST, starts[best]
    batches: list[list[int]] = []
    stop = len(order)
    while stop:
        batches.append(order[begins[stop] : stop])
        stop = int(begins[stop])
    return batches[::-1]
