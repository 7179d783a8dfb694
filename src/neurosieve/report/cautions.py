"""What a reader must know of the stored activations before trusting the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurosieve.report.numbers import count, percent

UNKNOWN_SHARE = 0.05


def of_activations(stores: Sequence[Mapping[str, Any]]) -> list[str]:
    """Warnings about stored activations: words left out, sentences cut into windows, unknown sub-words.

    Parameters
    ----------
    stores : sequence of mapping
        Entries of a run's manifest under ``activations``: model, corpus, n_words, n_left_out, left_out, n_windowed,
        unknown_share, first_words; missing entries are taken as nothing to warn of.
    """
    said = []
    for store in stores:
        where, unit = _name(store), str(store.get("unit", "word"))
        left_out = list(store.get("left_out", []))
        n = int(store.get("n_left_out", len(left_out)))
        if n:
            words = [
                shortened(str(entry["word"]))
                for entry in left_out[:8]
                if isinstance(entry, Mapping) and "word" in entry
            ]
            examples = f", such as {', '.join(f'“{_visible(word)}”' for word in words)}" if words else ""
            said.append(
                f"{where}: {unit}s that could not be stored because the model has no sub-word for them, and that take no "
                f"part: {count(n)}{examples}."
            )
        windowed = store.get("n_windowed", len(store.get("windowed", [])))
        if windowed:
            said.append(
                f"{where}: sentences longer than the model reads at once, read in overlapping windows: "
                f"{count(windowed)}."
            )
        sink = store.get("first_words")
        if isinstance(sink, Mapping):
            said.append(
                f"{where}: the first word of each sentence has values up to {sink['times']:.0f} times larger than others "
                f"(layer {sink['layer']}), an attention sink; neurons that lead by them tell the place of the word, not the "
                "property. Compare with a run with standardised activations."
            )
        share = float(store.get("unknown_share", 0) or 0)
        if share > UNKNOWN_SHARE:
            said.append(
                f"{where}: {percent(share, 1)} of the sub-words are unknown to the tokenizer; does it belong to this "
                "model and language?"
            )
    return said


def shortened(text: str, *, most: int = 40) -> str:
    """The beginning of a text that is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _visible(word: str) -> str:
    """The word, with escapes where characters cannot be seen."""
    return word if word.isprintable() and word.strip() else ascii(word)[1:-1]


def _name(store: Mapping[str, Any]) -> str:
    model, corpus = store.get("model"), store.get("corpus")
    names = [str(part.get("name", "")) for part in (model, corpus) if isinstance(part, Mapping)]
    return str(store.get("folder") or " over ".join(name for name in names if name) or "activations")
