"""Labels that look the same: blanks around them are taken off, and what still looks alike is named as two.

A probe would otherwise tell ``NOUN`` from ``NOUN`` with a no-break space behind it, and every table would show one word
twice. What can be told apart on paper is left as it is.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from neurosieve.corpora.corpus import RESERVED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from neurosieve.corpora.annotated import Label, Sentence

_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
"""Characters without width: joiners, word joiners, byte order marks, soft hyphens."""
_DRAWN_ALIKE = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
    "ABEKMHOPCTXaeopcyxiABEZHIKMNOPTYXo",
)
"""Cyrillic and Greek letters that fonts draw as Latin ones."""
N_NAMED = 3


def tidied(sentences: Sequence[Sentence]) -> tuple[list[Sentence], list[str]]:
    """Sentences with labels without blanks around them, and with names of properties that no table has of its own.

    Parameters
    ----------
    sentences : sequence of Sentence

    Returns
    -------
    tidied : list of Sentence
    notes : list of str
        What was changed, and which labels still look alike.
    """
    stripped: dict[str, Counter[str]] = {}
    renamed: dict[str, str] = {}
    seen: dict[str, dict[Label, None]] = {}
    result = [_tidied(sentence, stripped, renamed, seen) for sentence in sentences]
    notes = [
        f"property '{prop}': blanks around {sum(labels.values())} labels taken off (such as {next(iter(labels))!r})"
        for prop, labels in stripped.items()
    ]
    notes += [
        f"column '{old}' is called '{new}', as every table of words has a column '{old}' of its own"
        for old, new in renamed.items()
    ]
    for prop, labels in seen.items():
        notes += _alike(prop, [label for label in labels if isinstance(label, str)])
    return result, notes


def _tidied(
    sentence: Sentence,
    stripped: dict[str, Counter[str]],
    renamed: dict[str, str],
    seen: dict[str, dict[Label, None]],
) -> Sentence:
    def bare(prop: str, label: Label) -> Label:
        if not isinstance(label, str):
            return label
        kept = _without_blanks(label)
        if kept != label:
            stripped.setdefault(prop, Counter())[label] += 1
        return kept or None

    def named(prop: str) -> str:
        if prop in RESERVED:
            renamed[prop] = f"column.{prop}"
            return renamed[prop]
        return prop

    labels: dict[str, tuple[Label, ...]] = {}
    for prop, values in sentence.labels.items():
        kept = values if all(map(_is_bare, values)) else tuple(bare(prop, value) for value in values)
        seen.setdefault(named(prop), {}).update(dict.fromkeys(kept))
        labels[named(prop)] = kept
    whole = {named(prop): bare(prop, value) for prop, value in sentence.sentence_labels.items()}
    for prop, value in whole.items():
        seen.setdefault(prop, {})[value] = None
    if labels == sentence.labels and whole == sentence.sentence_labels:
        return sentence
    return replace(sentence, labels=labels, sentence_labels=whole)


@lru_cache(maxsize=1 << 14)
def _is_bare(label: Label) -> bool:
    return not isinstance(label, str) or (bool(label) and _without_blanks(label) == label)


def _without_blanks(label: str) -> str:
    """Take white space, also the no-break kind, and characters without width off both ends."""
    before = None
    while before != label:
        before, label = label, label.strip().strip(_UNSEEN)
    return label


def _alike(prop: str, labels: Sequence[str]) -> list[str]:
    """A note where labels look the same and are not."""
    if all(label.isascii() and "  " not in label and label.isprintable() for label in labels):
        return []
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(_look(label), []).append(label)
    pairs = [" and ".join(map(_told, group)) for group in groups.values() if len(group) > 1]
    if not pairs:
        return []
    more = f", and {len(pairs) - N_NAMED} more" if len(pairs) > N_NAMED else ""
    return [
        f"property '{prop}': labels that look alike are counted as different ones: {'; '.join(pairs[:N_NAMED])}{more}; "
        "mend the text if they are one"
    ]


def _look(label: str) -> str:
    """What is the same for labels that one cannot tell apart on paper."""
    composed = unicodedata.normalize("NFKC", label)
    shown = "".join(c for c in composed if unicodedata.category(c) not in ("Cf", "Cc"))
    return " ".join(shown.split()).translate(_DRAWN_ALIKE)


def _told(label: str) -> str:
    """The label with the code points of what is not ASCII, so that two can be told apart."""
    odd = [f"U+{ord(c):04X}" for c in label if not (c.isascii() and c.isprintable())]
    return f"{ascii(label) if not label.isprintable() else repr(label)}{f' ({chr(32).join(odd[:4])})' if odd else ''}"


def unlabelled(names: Sequence[str | None], found: Collection[str]) -> list[str]:
    """A note on columns that were read and hold no label."""
    empty = [name for name in names if name not in (None, "word") and name not in found]
    return [f"columns without a label: {', '.join(map(str, empty))}"] if empty else []
