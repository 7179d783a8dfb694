"""What a language model's head says of one sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SentenceLogits:
    """The logits of one sentence.

    Attributes
    ----------
    values : ndarray of shape (n_positions, n_vocabulary), float32
        One row a position of the model's input, special tokens included; before the softmax, so without a unit. Where the
        head is ``"masked"``, row i is about the sub-word at position i; where it is ``"causal"`` or ``"seq2seq"``, about
        the one behind it.
    ids : ndarray of shape (n_positions,), int64
        The sub-words that stand there, in the tokenizer's numbers; where a word was masked, those of the word.
    words : ndarray of shape (n_positions,), int64
        Word of each, -1 for special tokens.
    """

    values: NDArray[np.float32]
    ids: NDArray[np.int64]
    words: NDArray[np.int64]
