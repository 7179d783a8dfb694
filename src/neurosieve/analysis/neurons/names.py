"""The names that the tables of neurons repeat: of labels, word types, features, splits and kinds of contexts."""

from __future__ import annotations

from typing import NamedTuple

from neurosieve.analysis.neurons.contexts import KINDS
from neurosieve.analysis.neurons.tables import Names
from neurosieve.analysis.neurons.text import Text

OTHERS = "all others"
EVERYTHING = "all words"
"""Name of the only line where no word has a label."""
OTHERS_PLACE, EVERYTHING_PLACE, NONE_PLACE = 0, 1, 2
"""Places behind the labels in `Named.labels`: names of lines, and that of a word without label."""
ENDS = ("top", "bottom", "above", "below")
"""Of word types, as `NeuronRecords` has them."""


class Named(NamedTuple):
    """The names of a text, for columns that say them by number."""

    labels: Names
    types: Names
    features: Names
    splits: Names
    kinds: Names
    ends: Names

    @classmethod
    def of(cls, text: Text) -> Named:
        """Take the names of a text; labels also have those of lines that are not one label's."""
        labels = [*(str(name) for name in text.labels.names), OTHERS, EVERYTHING, None]
        types = [str(name) for name in text.types.names]
        splits = [str(name) for name in text.in_splits.names]
        found = (labels, types, [*text.standard_features], splits, KINDS, ENDS)
        return cls(*(Names(each) for each in found))
