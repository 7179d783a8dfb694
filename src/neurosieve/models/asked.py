"""What is asked of a language model's head: which sub-words at which places of which text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

READINGS = ("next", "sentence", "rest", "masked", "pseudo")
"""How two sentences are compared (see `neurosieve.models.language_model.LanguageModel.ask_pairs`)."""

MEASURES = ("logit", "log_probability", "divergence")
"""What is told of a place: the logit or log-probability (nats) of the asked sub-word, or how far the whole distribution is
from that of the intact model, KL(intact || edited) in nats."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A text as the model reads it, and what is asked of its head there.

    Attributes
    ----------
    ids : ndarray of shape (n_positions,), int64
        Sub-words, special tokens included.
    words : ndarray of shape (n_positions,), int64
        Word of each, -1 for special tokens.
    n_words : int
        Words of what is read.
    places : ndarray of shape (n_asked,), int64
        Positions whose logits are asked for.
    tokens : ndarray of shape (n_asked,), int64
        The sub-word that each is asked about.
    paired : ndarray of shape (n_positions,), int64, or None
        A text of as many sub-words, from which `neurosieve.models.edits.FromPaired` takes values.
    asked_words : ndarray of shape (n_asked,), int64, or None
        The word that each asked sub-word belongs to, where whole sentences are asked about.
    """

    ids: NDArray[np.int64]
    words: NDArray[np.int64]
    n_words: int
    places: NDArray[np.int64]
    tokens: NDArray[np.int64]
    paired: NDArray[np.int64] | None = None
    asked_words: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class AskedPair:
    """How a minimal pair is asked about.

    Attributes
    ----------
    good, bad : Asked
        What tells of either; the same object where one reading serves both.
    of_good, of_bad : slice
        Which of what is asked there belongs to it; the log-odds are the sum over the one minus the sum over the other.
    normalised : bool
        Whether the log-odds need log-probabilities; if not, logits do, as their normaliser cancels.
    more_good, more_bad : tuple of Asked
        Further texts that tell of either, each with all that is asked there; where every sub-word is hidden in turn.
    """

    good: Asked
    bad: Asked
    of_good: slice
    of_bad: slice
    normalised: bool
    more_good: tuple[Asked, ...] = ()
    more_bad: tuple[Asked, ...] = ()


def first_difference(one: Sequence[int] | NDArray[np.int64], other: Sequence[int] | NDArray[np.int64]) -> int:
    """Number of entries before the first in which two sequences differ, or before the shorter one's end."""
    shorter = min(len(one), len(other))
    differ = np.flatnonzero(np.asarray(one)[:shorter] != np.asarray(other)[:shorter])
    return int(differ[0]) if len(differ) else shorter
