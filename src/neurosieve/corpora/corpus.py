"""Annotated text: sentences of words with labels, divided into splits.

A `Corpus` is immutable and knows nothing of models. Words are given (pre-tokenised); every property labels each word
or leaves it unlabelled (``None``), so that one corpus can hold properties of different coverage, such as the features
of CoNLL-U, which only some words carry.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from neurosieve.corpora.annotated import Label, Sentence
from neurosieve.corpora.plain import plain_sentences, require_names
from neurosieve.errors import CorpusError
from neurosieve.notebook import card, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

SPLITS = ("train", "dev", "test")

UNITS = ("word", "sentence")
"""What a property labels, and what a row of activations stands for."""

RESERVED = ("sentence", "position", "word", "split")
"""Columns that every table of words has; a property cannot have such a name."""


class Corpus:
    """An immutable sequence of annotated sentences.

    Parameters
    ----------
    sentences : iterable of Sentence
    name : str
        Used in file names and tables.
    properties : sequence of str
        Properties known beside those that the sentences carry: a split keeps the properties of its corpus.
    notes : sequence of str
        What a reader of results should know about how the corpus came to be: how it was divided, what was left out.

    Raises
    ------
    CorpusError
        If a sentence has no words, a property does not have exactly one label for each word, one name labels both
        words and sentences, or a label is of another kind than those before it (see `neurosieve.corpora.plain`).
    """

    def __init__(
        self,
        sentences: Iterable[Sentence],
        *,
        name: str = "corpus",
        properties: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.sentences = plain_sentences(sentences)
        self.name = name
        self.notes = tuple(notes)
        self._known = tuple(properties)
        for number, sentence in enumerate(self.sentences):
            where = sentence.source or f"sentence {number}"
            if not sentence.words:
                raise CorpusError(f"{where}: the sentence has no words; remove it or check the format")
            for prop, labels in sentence.labels.items():
                if len(labels) != len(sentence.words):
                    raise CorpusError(
                        f"{where}: property '{prop}' has {len(labels)} labels for {len(sentence.words)} words; "
                        "every word needs one label (None where it has none)"
                    )
        require_names((*self.properties, *self.sentence_properties))
        reserved = [prop for prop in (*self.properties, *self.sentence_properties) if prop in RESERVED]
        if reserved:
            raise CorpusError(
                f"corpus '{name}': a property cannot be called '{reserved[0]}', which every table of words has; rename "
                "the column, or name the columns yourself (--columns)"
            )
        both = sorted(set(self.properties) & set(self.sentence_properties))
        if both:
            raise CorpusError(
                f"corpus '{name}': '{both[0]}' labels both words and sentences; give one of the two another name"
            )

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[Sentence]:
        return iter(self.sentences)

    def __getitem__(self, number: int) -> Sentence:
        return self.sentences[number]

    def __repr__(self) -> str:
        splits = ", ".join(f"{name} {len(self.split(name))}/{self.split(name).n_words}" for name in self.splits)
        return (
            f"Corpus {self.name!r}: {len(self)} sentences, {self.n_words} words\n"
            f"    splits (sentences/words): {splits}\n    properties: {', '.join(self.properties)}"
            + (f"\n    of sentences: {', '.join(self.sentence_properties)}" if self.sentence_properties else "")
        )

    def _repr_html_(self) -> str:
        import pandas as pd

        parts = [(name, len(self.split(name)), self.split(name).n_words) for name in self.splits]
        facts = {"properties": listed(self.properties) or "none"}
        if self.sentence_properties:
            facts["of sentences"] = listed(self.sentence_properties)
        if len(self):
            facts["begins with"] = " ".join(self[0].words[:12])
        return card(f"Corpus {self.name}", facts, pd.DataFrame(parts, columns=["split", "sentences", "words"]))

    @cached_property
    def n_words(self) -> int:
        """Number of words in all sentences."""
        return sum(len(sentence) for sentence in self.sentences)

    @cached_property
    def properties(self) -> tuple[str, ...]:
        """Names of all properties, in the order in which they first occur."""
        found = dict.fromkeys(prop for sentence in self.sentences for prop in sentence.labels)
        return tuple(dict.fromkeys((*self._known, *found)))

    @cached_property
    def sentence_properties(self) -> tuple[str, ...]:
        """Names of the properties that label whole sentences, in the order in which they first occur."""
        return tuple(dict.fromkeys(prop for sentence in self.sentences for prop in sentence.sentence_labels))

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits present: train, dev, test first, others in order of occurrence."""
        present = dict.fromkeys(sentence.split for sentence in self.sentences)
        return tuple(name for name in SPLITS if name in present) + tuple(n for n in present if n not in SPLITS)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of words, labels and splits; equal digests mean equal corpora."""
        sha = hashlib.sha256()
        for sentence in self.sentences:
            labels = sorted((prop, values) for prop, values in sentence.labels.items())
            whole = sorted(sentence.sentence_labels.items())
            sha.update(repr((sentence.split, sentence.words, labels, whole)).encode("utf-8", "surrogatepass"))
        return sha.hexdigest()

    def split(self, name: str) -> Corpus:
        """Sentences of one split.

        Raises
        ------
        CorpusError
            If no sentence belongs to the split.
        """
        chosen = tuple(sentence for sentence in self.sentences if sentence.split == name)
        if not chosen:
            raise CorpusError(f"corpus '{self.name}' has no split '{name}'; it has {', '.join(self.splits)}")
        return Corpus(chosen, name=self.name, properties=self.properties, notes=self.notes)

    def select(self, properties: Sequence[str]) -> Corpus:
        """Return the same sentences with only the given properties, of words or of sentences.

        Raises
        ------
        CorpusError
            If a property does not exist; the message lists those that do.
        """
        of_words = [prop for prop in properties if prop not in self.sentence_properties]
        of_sentences = [prop for prop in properties if prop in self.sentence_properties]
        self.require(*of_words)
        return Corpus(
            (
                replace(
                    s,
                    labels={p: s.labels.get(p, (None,) * len(s.words)) for p in of_words},
                    sentence_labels={p: s.sentence_labels.get(p) for p in of_sentences},
                )
                for s in self.sentences
            ),
            name=self.name,
            notes=self.notes,
        )

    def require(self, *properties: str) -> None:
        """Raise a `CorpusError` that lists the known properties unless all of `properties` label words."""
        for prop in properties:
            if prop in self.sentence_properties:
                raise CorpusError(
                    f"corpus '{self.name}': property '{prop}' labels sentences, not words; "
                    f"words are labelled by {', '.join(self.properties) or 'none'}"
                )
            if prop not in self.properties:
                known = ", ".join((*self.properties, *self.sentence_properties))
                raise CorpusError(f"corpus '{self.name}' has no property '{prop}'; it has {known or 'none'}")

    def label_counts(self, prop: str) -> Counter[Label]:
        """Count the words (or sentences) of each label of one property; what is unlabelled is not counted."""
        if prop in self.sentence_properties:
            whole = (s.sentence_labels.get(prop) for s in self.sentences)
            return Counter(label for label in whole if label is not None)
        self.require(prop)
        return Counter(label for s in self.sentences for label in s.labels.get(prop, ()) if label is not None)

    def to_frame(self, *, unit: str = "word") -> pd.DataFrame:
        """One row a word: ``sentence`` (number), ``position``, ``word``, ``split``, and one column a property.

        With ``unit="sentence"`` one row a sentence: ``position`` is 0, ``word`` holds its words joined by blanks, and the
        columns are the properties that label sentences.
        """
        import pandas as pd

        if unit == "sentence":
            whole: dict[str, Any] = {
                "sentence": list(range(len(self))),
                "position": [0] * len(self),
                "word": [" ".join(s.words) for s in self.sentences],
                "split": [s.split for s in self.sentences],
            }
            for prop in self.sentence_properties:
                whole[prop] = label_column([s.sentence_labels.get(prop) for s in self.sentences])
            return pd.DataFrame(whole)
        columns: dict[str, Any] = {
            "sentence": [i for i, s in enumerate(self.sentences) for _ in s.words],
            "position": [j for s in self.sentences for j in range(len(s.words))],
            "word": [word for s in self.sentences for word in s.words],
            "split": [s.split for s in self.sentences for _ in s.words],
        }
        for prop in self.properties:
            columns[prop] = label_column(
                [label for s in self.sentences for label in s.labels.get(prop, (None,) * len(s.words))]
            )
        return pd.DataFrame(columns)


def label_column(labels: Sequence[Any]) -> Any:  # noqa: ANN401 (a list, or an array of pandas)
    """Labels as a column of a table: whole numbers stay whole where some words have none, which pandas makes floats."""
    if None not in labels or {type(label) for label in labels if label is not None} != {int}:
        return labels
    import pandas as pd

    return pd.Series(list(labels), dtype="Int64").array
