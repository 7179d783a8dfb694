"""Words and labels as plain Python values of one kind a property, which every file that is written later can hold.

Whatever gave them (numpy, pandas, a data set), equal labels are then equal in the digest too. What could not be stored or
probed (tuples, labels of mixed kinds, half a surrogate pair) is refused here, before any model reads a word.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from neurosieve.corpora.annotated import Label, Sentence

_TEXT = frozenset((str, type(None)))
_KINDS: dict[type, str] = {str: "text", bool: "true or false", int: "numbers", float: "numbers"}
_LOOK = "give every word of it text, or every word a number, or None"


def plain_sentences(sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
    """The same sentences, with words and labels of Python's own types.

    Numpy's and pandas' values become Python's, and what is missing there (NaN, NA) becomes ``None``.

    Raises
    ------
    CorpusError
        If a word is no text, a label is neither text nor a finite number, a property mixes them, or a character is half of a
        surrogate pair, which no file can hold.
    """
    kinds: dict[str, tuple[str, str]] = {}
    return tuple(_plain(sentence, number, kinds) for number, sentence in enumerate(sentences))


def _plain(sentence: Sentence, number: int, kinds: dict[str, tuple[str, str]]) -> Sentence:
    where = sentence.source or f"sentence {number}"
    changes: dict[str, Any] = {}
    if set(map(type, sentence.words)) - {str}:
        changes["words"] = tuple(_word(word, where) for word in sentence.words)
    _require_writable(changes.get("words", sentence.words), where, "word")
    labels = {prop: _labels(values, prop, where, kinds) for prop, values in sentence.labels.items()}
    if any(labels[prop] is not values for prop, values in sentence.labels.items()):
        changes["labels"] = labels
    whole = {p: _labels((v,), p, where, kinds)[0] for p, v in sentence.sentence_labels.items()}
    if any(whole[prop] is not value for prop, value in sentence.sentence_labels.items()):
        changes["sentence_labels"] = whole
    return replace(sentence, **changes) if changes else sentence


def _word(word: object, where: str) -> str:
    if not isinstance(word, str):
        raise CorpusError(f"{where}: the word {word!r} is no text; give words as strings")
    return str(word)


def _labels(values: tuple[Label, ...], prop: str, where: str, kinds: dict[str, tuple[str, str]]) -> tuple[Label, ...]:
    """Labels of one property; the same tuple where nothing is to change."""
    types = set(map(type, values))
    if not types <= _TEXT:
        plain = tuple(_label(value, prop, where) for value in values)
        if any(a is not b for a, b in zip(plain, values, strict=True)):
            values = plain
        types = set(map(type, values))
    for kind in {_KINDS[t] for t in types if t is not type(None)}:
        before, place = kinds.setdefault(prop, (kind, where))
        if before != kind:
            raise CorpusError(
                f"{where}: property '{prop}' mixes labels that are {before} (first at {place}) with {kind}; {_LOOK}"
            )
    if str in types:
        _require_writable([value for value in values if value is not None], where, f"label of '{prop}'")
    return values


def _label(value: Any, prop: str, where: str) -> Label:  # noqa: ANN401 (whatever a library calls a value)
    if value is None or type(value) in (str, bool):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        return str(value)
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if not isinstance(value, float) and hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise CorpusError(f"{where}: a label of '{prop}' is {value}, beyond 64 bits; give it as text")
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isinf(value):
            raise CorpusError(
                f"{where}: a label of '{prop}' is {value}; give finite numbers, or None where there is none"
            )
        return float(value) if type(value) is not float else value
    raise CorpusError(
        f"{where}: a label of '{prop}' is {value!r}, a {type(value).__name__}; expected text, a number or None"
    )


def _require_writable(texts: Sequence[Any], where: str, what: str) -> None:
    joined = "".join(texts)
    if joined.isascii():
        return
    try:
        joined.encode("utf-8")
    except UnicodeEncodeError as error:
        bad = next(text for text in texts if any("\ud800" <= c <= "\udfff" for c in text))
        raise CorpusError(
            f"{where}: the {what} '{bad.encode('utf-8', 'backslashreplace').decode()}' holds half of a surrogate pair, "
            "which is no character and which no file can hold; read the text with its right encoding"
        ) from error


def require_names(names: Mapping[str, object] | Sequence[str]) -> None:
    """Refuse names of properties that no file can hold.

    Raises
    ------
    CorpusError
    """
    for name in names:
        _require_writable([str(name)], "corpus", "name of a property")
