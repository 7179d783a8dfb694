"""Labels that are numbers: read from text when the user says so, never guessed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from neurosieve.corpora.annotated import Label, Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_numbers(corpus: Corpus, properties: Sequence[str]) -> Corpus:
    """Return the corpus with the labels of `properties`, of words or of sentences, as floats.

    Raises
    ------
    CorpusError
        If a property does not exist, or a label is no finite number.
    """
    corpus.require(*(prop for prop in properties if prop not in corpus.sentence_properties))
    return Corpus(
        (_parsed(sentence, frozenset(properties)) for sentence in corpus.sentences),
        name=corpus.name,
        properties=corpus.properties,
        notes=corpus.notes,
    )


def _parsed(sentence: Sentence, properties: frozenset[str]) -> Sentence:
    labels = dict(sentence.labels)
    for prop in properties & labels.keys():
        labels[prop] = tuple(
            _number(label, prop, f"{sentence.source}: word '{word}'")
            for word, label in zip(sentence.words, labels[prop], strict=True)
        )
    whole = dict(sentence.sentence_labels)
    for prop in properties & whole.keys():
        whole[prop] = _number(whole[prop], prop, sentence.source)
    return replace(sentence, labels=labels, sentence_labels=whole)


def _number(label: Label, prop: str, where: str) -> float | None:
    if label is None:
        return None
    try:
        number = float(label)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CorpusError(
            f"{where}: label '{label}' of property '{prop}' is no finite number; "
            "mend it, or leave the property out of `numeric`"
        )
    return number
