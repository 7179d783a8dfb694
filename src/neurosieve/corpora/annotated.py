"""A sentence of words with their labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Label = str | float | None
"""A word's label: a string, a number (real-valued properties), or ``None`` where the word is not labelled."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words of one sentence and their labels.

    Attributes
    ----------
    words : tuple of str, length n_words
        The words as the annotation gives them; a word may hold spaces.
    labels : mapping of str to tuple, each of length n_words
        One label a word for each property, ``None`` where the word has none.
    split : str
        ``"train"``, ``"dev"`` or ``"test"`` (other names are kept as they are).
    source : str
        File and line of the first word, for error messages.
    sentence_labels : mapping of str to label
        Labels of the sentence as a whole, such as its genre or sentiment.
    """

    words: tuple[str, ...]
    labels: Mapping[str, tuple[Label, ...]] = field(default_factory=dict)
    split: str = "train"
    source: str = ""
    sentence_labels: Mapping[str, Label] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.words)
