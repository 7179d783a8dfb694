"""Batches of sequences of similar length."""

from __future__ import annotations

from collections.abc import Sequence


def length_sorted_batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Group sequences, longest first, such that little is padded.

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
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if room < 1:
            batches.append([])
            room = max(1, batch_tokens // max(1, lengths[index]))
        batches[-1].append(index)
        room -= 1
    return batches
