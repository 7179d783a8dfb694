"""Properties made from the text itself: a regular expression, a word list, a function, or a ready-made one.

``load_corpus(..., properties=[...])`` and the command line name them by text, `derive` does too::

    casing                 lower, title, upper, mixed, or none (no letters)
    suffix, suffix:2       the last letters (3 by default), the 50 most frequent of train; others are "other"
    place, length          place in the sentence (from 1) and number of characters, in classes
    frequency              how often train holds the word, in classes
    regex:ing$             yes or no: the pattern is found in the word
    list:colours.txt       yes or no: the word is a line of the file (in any case)

``place:number``, ``length:number`` and ``frequency:number`` (log10 of 1 + count) give real values.
``gerund=regex:ing$`` gives the property a name of its own.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

from neurosieve.corpora.annotated import Label
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.source import read_text
from neurosieve.errors import CorpusError

WordFunction: TypeAlias = Callable[[Sequence[str], int], Label]
"""From the words of a sentence and a position in it to the label of that word."""

N_SUFFIXES = 50
YES, NO, OTHER = "yes", "no", "other"


def label_by_function(corpus: Corpus, name: str, function: WordFunction) -> Corpus:
    """Add a property that a function computes.

    Parameters
    ----------
    corpus : Corpus
    name : str
        Of the new property.
    function : callable
        ``function(words, position)`` returns the label of ``words[position]``: a string, a number, or ``None``.

    Raises
    ------
    CorpusError
        If the corpus has a property of that name.
    """
    if name in corpus.properties or name in corpus.sentence_properties:
        raise CorpusError(f"corpus '{corpus.name}' has a property '{name}' already; give the new one another name")
    return Corpus(
        (
            replace(s, labels={**s.labels, name: tuple(function(s.words, at) for at in range(len(s.words)))})
            for s in corpus.sentences
        ),
        name=corpus.name,
        properties=corpus.properties,
        notes=corpus.notes,
    )


def label_by_regex(corpus: Corpus, name: str, pattern: str) -> Corpus:
    """Label each word ``yes`` if the pattern is found in it, else ``no``.

    Raises
    ------
    CorpusError
        If the pattern is no regular expression, or the corpus has a property of that name.
    """
    try:
        found = re.compile(pattern).search
    except re.error as error:
        raise CorpusError(f"'{pattern}' is no regular expression ({error}); mend the pattern") from error
    return label_by_function(corpus, name, lambda words, at: YES if found(words[at]) else NO)


def label_by_list(corpus: Corpus, name: str, words: Iterable[str]) -> Corpus:
    """Label each word ``yes`` if it is in the list, in any case, else ``no``.

    Raises
    ------
    CorpusError
        If the list is empty, or the corpus has a property of that name.
    """
    listed = {word.strip().casefold() for word in words} - {""}
    if not listed:
        raise CorpusError(f"the word list of property '{name}' is empty; give it words, one a line")
    return label_by_function(corpus, name, lambda words, at: YES if words[at].casefold() in listed else NO)


def casing(word: str) -> str:
    """Return how a word is written: lower, title, upper, mixed, or none without letters that have a case."""
    if word == word.lower() == word.upper():
        return "none"
    if word == word.lower():
        return "lower"
    if word[0] == word[0].upper() and word[1:] == word[1:].lower():
        return "title"
    return "upper" if word == word.upper() else "mixed"


def _in_classes(edges: Sequence[int]) -> Callable[[int], str]:
    """Return a function from a count to its class: edges 1, 2, 4 give "1", "2-3" and "4+" (and "0" below)."""
    names = [str(a) if a + 1 == b else f"{a}-{b - 1}" for a, b in pairwise(edges)]
    names.append(f"{edges[-1]}+")
    return lambda count: names[sum(count >= edge for edge in edges) - 1]


_POSITIONS = _in_classes((1, 2, 3, 4, 7, 13))
_LENGTHS = _in_classes((1, 2, 3, 4, 6, 9))
_FREQUENCIES = _in_classes((0, 1, 2, 10, 100, 1000))


def _casing(corpus: Corpus, argument: str) -> WordFunction:  # noqa: ARG001
    return lambda words, at: casing(words[at])


def _place(corpus: Corpus, argument: str) -> WordFunction:  # noqa: ARG001
    return (lambda _, at: float(at + 1)) if argument else (lambda _, at: _POSITIONS(at + 1))


def _length(corpus: Corpus, argument: str) -> WordFunction:  # noqa: ARG001
    return (lambda words, at: float(len(words[at]))) if argument else (lambda words, at: _LENGTHS(len(words[at])))


def _frequency(corpus: Corpus, argument: str) -> WordFunction:
    counts = _train_counts(corpus)
    if argument:
        return lambda words, at: math.log10(1 + counts[words[at]])
    return lambda words, at: _FREQUENCIES(counts[words[at]])


def _suffix(corpus: Corpus, argument: str) -> WordFunction:
    n = int(argument or 3)

    def suffix(word: str) -> str | None:
        return word[-n:].lower() if len(word) > n and word.isalpha() else None

    in_train: Counter[str] = Counter()
    for word, count in _train_counts(corpus).items():
        ending = suffix(word)
        if ending is not None:
            in_train[ending] += count
    kept = {ending for ending, _ in sorted(in_train.items(), key=lambda item: (-item[1], item[0]))[:N_SUFFIXES]}

    def function(words: Sequence[str], at: int) -> str:
        ending = suffix(words[at])
        return ending if ending is not None and ending in kept else OTHER

    return function


def _train_counts(corpus: Corpus) -> Counter[str]:
    """Count words in train alone: labels must not tell what dev and test hold."""
    return Counter(word for sentence in corpus.split("train").sentences for word in sentence.words)


_READY_MADE: dict[str, tuple[str, str, Callable[[Corpus, str], WordFunction]]] = {
    "casing": ("", "nothing", _casing),
    "suffix": ("[1-9]", "a number of letters", _suffix),
    "place": ("number", "'number'", _place),
    "length": ("number", "'number'", _length),
    "frequency": ("number", "'number'", _frequency),
}
READY_MADE = tuple(_READY_MADE)
_SPEC = re.compile(
    rf"(?:(?P<name>[^=:]+)=)?(?P<kind>regex|list|{'|'.join(READY_MADE)})(?::(?P<argument>.+))?", re.DOTALL
)


def property_name(spec: str) -> str | None:
    """Return the name of the property that a text describes, or ``None`` if it describes none."""
    found = _SPEC.fullmatch(spec)
    return None if found is None else found["name"] or spec


def word_list(spec: str) -> str | None:
    """Return the file of words from which a text makes a property (``list:FILE``, ``NAME=list:FILE``), or ``None``."""
    found = _SPEC.fullmatch(spec)
    return found["argument"] if found is not None and found["kind"] == "list" else None


def derive(corpus: Corpus, spec: str) -> Corpus:
    """Add the property that a text describes.

    Parameters
    ----------
    corpus : Corpus
    spec : str
        As listed at the head of this module; its whole text is the property's name unless it begins ``NAME=``.

    Raises
    ------
    CorpusError
        If the text describes no property, its argument does not fit, or the corpus has a property of that name.
    """
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise CorpusError(
            f"'{spec}' describes no property; write {', '.join(READY_MADE)}, regex:PATTERN or list:FILE, "
            "with NAME= before it for another name"
        )
    name, kind, argument = found["name"] or spec, found["kind"], found["argument"] or ""
    if kind in _READY_MADE:
        allowed, in_words, make = _READY_MADE[kind]
        if argument and not re.fullmatch(allowed, argument):
            raise CorpusError(f"'{spec}': '{argument}' does not fit; {kind} takes {in_words} after the colon")
        return label_by_function(corpus, name, make(corpus, argument))
    if not argument:
        raise CorpusError(f"'{spec}' lacks its {'pattern' if kind == 'regex' else 'file'}; write {kind}:...")
    if kind == "regex":
        return label_by_regex(corpus, name, argument)
    return label_by_list(corpus, name, read_text(argument).lines)
