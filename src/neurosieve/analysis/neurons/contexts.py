"""Words in context from the top, the middle, the bottom and at random."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from neurosieve.analysis.neurons.text import Text
from neurosieve.analysis.neurons.values import quantiles

KINDS = ("top", "middle", "bottom", "random")
MIDDLE = (0.4, 0.6)
"""Shares of the words between which the middle lies."""
SAME_TYPE = 2
"""Contexts of one word type that the top and the bottom show at most: eight times “the” would tell no more than two."""
_FIRST_LOOK = 64


def chosen_rows(
    values: NDArray[np.float32],
    text: Text,
    *,
    ordered: NDArray[np.float32],
    n: int,
    generator: np.random.Generator,
) -> dict[str, list[int]]:
    """Rows whose contexts are shown.

    The top and the bottom are the most extreme words, the first first, one a sentence and `SAME_TYPE` a word type; the
    middle is drawn from the middle fifth of all words, random from all of them.

    Parameters
    ----------
    values : ndarray of shape (n_words,), float32
    text : Text
    ordered : ndarray of shape (n_words,), float32
        The same values in ascending order.
    n : int
        Of each kind; fewer where the text has not so many.
    generator : numpy Generator

    Returns
    -------
    dict of str to list of int
        By `KINDS`.
    """
    low, high = quantiles(ordered, MIDDLE)
    middle = np.flatnonzero((values >= low) & (values <= high))
    return {
        "top": _extreme(-values, text, -ordered[::-1], n=n),
        "middle": sorted(
            generator.choice(middle, size=min(n, len(middle)), replace=False).tolist(), key=lambda row: -values[row]
        ),
        "bottom": _extreme(values, text, ordered, n=n),
        "random": generator.choice(len(values), size=min(n, len(values)), replace=False).tolist(),
    }


def _extreme(values: NDArray[np.float32], text: Text, ordered: NDArray[np.float32], *, n: int) -> list[int]:
    """The rows with the smallest of `values`, of equals the first; one a sentence, few of a type."""
    look = min(_FIRST_LOOK, len(values))
    while True:
        rows = np.flatnonzero(values <= ordered[look - 1])  # more than `look` where values are equal
        rows = rows[np.argsort(values[rows], kind="stable")]
        found = _spread_out(rows, text, n)
        if len(found) == n or look == len(values):
            return found
        look = min(16 * look, len(values))


def _spread_out(rows: NDArray[np.intp], text: Text, n: int) -> list[int]:
    seen: set[int] = set()
    of_type: Counter[int] = Counter()
    found: list[int] = []
    kinds = text.folded[text.types.codes[rows]]
    for row, sentence, kind in zip(rows.tolist(), text.sentences[rows].tolist(), kinds.tolist(), strict=True):
        if sentence in seen or of_type[kind] == SAME_TYPE:
            continue
        seen.add(sentence)
        of_type[kind] += 1
        found.append(row)
        if len(found) == n:
            break
    return found


def windows_of(rows: NDArray[np.intp], text: Text, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the same sentence, at most `width` before and after each of `rows`, in the order of reading.

    Returns
    -------
    near : ndarray of shape (n_near,), int
        Behind each other, those of the first row first.
    of : ndarray of shape (n_near,), int
        Which of `rows` each is near to.
    """
    places = text.place[rows][:, None] + np.arange(-width, width + 1)
    there = (places >= 0) & (places < text.n_words)
    near = text.order[np.where(there, places, 0)]
    there &= text.sentences[near] == text.sentences[rows][:, None]
    return near[there], np.nonzero(there)[0]
