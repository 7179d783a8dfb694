"""Overlapping windows over a sentence that is longer than the model reads at once.

Nothing is cut: every sub-word lies in at least one window, and each word is taken whole from the window in which it has
most context. Neighbouring windows share half of their sub-words, so a word of up to half a window always has one that
holds it whole; of a longer word each sub-word is taken from its own best window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def plan_windows(n_subwords: int, capacity: int | None) -> NDArray[np.int64]:
    """Split a sentence into windows.

    Parameters
    ----------
    n_subwords : int
        Sub-words of the sentence, special tokens not counted.
    capacity : int or None
        Sub-words that fit into one window beside the special tokens; None = any number.

    Returns
    -------
    ndarray of shape (n_windows, 2), int64
        First sub-word of each window, and the first one after it. One window if all sub-words fit.
    """
    if capacity is None or n_subwords <= capacity:
        return np.array([[0, n_subwords]], dtype=np.int64)
    step = max(1, capacity // 2)
    starts = np.arange(0, n_subwords - capacity + step, step)
    starts = np.unique(np.minimum(starts, n_subwords - capacity))
    return np.stack([starts, starts + capacity], axis=1)


def choose_windows(
    word_of_subword: NDArray[np.int64], windows: NDArray[np.int64], *, causal: bool = False
) -> NDArray[np.int64]:
    """Choose the window from which each sub-word is taken.

    Parameters
    ----------
    word_of_subword : ndarray of shape (n_subwords,), int64
        Word of each sub-word, -1 for none.
    windows : ndarray of shape (n_windows, 2), int64
        From `plan_windows`.
    causal : bool
        True if the model sees only what stands before a word, so that only that counts as context.

    Returns
    -------
    ndarray of shape (n_subwords,), int64
        Index of the window with most context: the larger, the farther the word is from the nearer edge of the window
        (the edges of the sentence do not count). All sub-words of a word have the same one if any window holds them all.
    """
    chosen = np.zeros(len(word_of_subword), dtype=np.int64)
    if len(windows) == 1:
        return chosen
    carrying = np.flatnonzero(word_of_subword >= 0)
    borders = np.flatnonzero(np.diff(word_of_subword[carrying])) + 1
    for members in np.split(carrying, borders) if len(carrying) else []:
        best = _best_window(members[0], members[-1], windows, causal=causal)
        if best is None:
            chosen[members] = [_best_window(m, m, windows, causal=causal) or 0 for m in members]
        else:
            chosen[members] = best
    return chosen


def _best_window(first: int, last: int, windows: NDArray[np.int64], *, causal: bool) -> int | None:
    starts, ends = windows[:, 0], windows[:, 1]
    before = np.where(starts == 0, np.inf, first - starts)
    after = np.full(len(windows), np.inf) if causal else np.where(ends == ends[-1], np.inf, ends - 1 - last)
    context = np.where((starts <= first) & (last < ends), np.minimum(before, after), -1.0)
    best = int(np.argmax(context))
    return None if context[best] < 0 else best
