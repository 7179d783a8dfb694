"""What a neuron does, in a sentence or two that follow from its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurosieve.report.neuron.tables import NeuronTables
from neurosieve.report.numbers import percent
from neurosieve.report.text import visible

FAR = 0.8
"""Standard deviations from the mean from which on word types are named."""
LABEL_FAR = 0.3
"""The same of labels, whose words differ."""
ALIKE = 0.6
"""Standard deviations within which several words are told by one range."""
MOST_WORDS, MOST_LABELS = 4, 3
BY_WORD, BY_CONTEXT = 0.85, 0.5
"""Shares of the variance between word types from which on, and below which, it is said what a neuron goes by."""
LITTLE = 0.05
"""Share of the variance below which a neuron is said hardly to follow a property."""


def what_it_does(n: NeuronTables) -> list[str]:
    """The answer: on which words and labels the neuron goes up and down, and what makes most of its variance."""
    if n.sd == 0:
        return [f"{n.name} has the value {n.mean:.3g} on every {n.unit}: it says nothing."]
    said = [said for said in (_on_words(n), _on_labels(n), _shares(n)) if said]
    return said or [f"{n.name} follows nothing that was looked at."]


def headline(n: NeuronTables) -> str:
    """The first of the answer's sentences."""
    return what_it_does(n)[0]


def _on_words(n: NeuronTables) -> str:
    """Word types that make most of the variance, far from the mean; the side that makes more of it first."""
    sides = []
    for end, word in (("above", "up"), ("below", "down")):
        rows = n.types[n.types["end"] == end]
        far = n.scaled(rows["mean"].to_numpy())
        part = rows["n"].to_numpy() * far**2
        chosen = np.flatnonzero(np.abs(far) >= FAR)[:MOST_WORDS]
        if len(chosen):
            names = [f"“{visible(str(rows['word'].iloc[i]))}”" for i in chosen]
            if np.ptp(far[chosen]) > ALIKE:  # a range would hide which of the words is meant
                text = _joined([f"{name} ({signed(far[i], 1)})" for name, i in zip(names, chosen, strict=True)])
            else:
                text = f"{_joined(names)} ({_range(far[chosen])})"
            sides.append((float(part[chosen].sum()), f"{word} on {text}"))
    if not sides and not len(n.types):  # as of sentences, which do not come back
        return ""
    if not sides:
        return f"{n.name} goes far up or down on no frequent word type."
    sides.sort(key=lambda side: -side[0])
    first, *second = (text for _, text in sides)
    first = first.removesuffix(")") + " standard deviations from its mean)"
    return f"{n.name} goes {' and '.join([first, *second])}."


def _on_labels(n: NeuronTables) -> str:
    """Labels that make most of the variance between labels, with their direction."""
    if not n.prop or not len(n.labels):
        return ""
    if float(n.summary["of_property"]) < LITTLE:
        return f"It hardly follows {n.prop}."
    t = n.labels.dropna(subset=["mean"])
    far = n.scaled(t["mean"].to_numpy())
    part = t["n"].to_numpy() * far**2
    order = np.argsort(-part, kind="stable")
    until = int(np.searchsorted(np.cumsum(part[order]) / max(part.sum(), 1e-300), 0.8)) + 1
    chosen = [i for i in order[: min(until, MOST_LABELS)] if abs(far[i]) >= LABEL_FAR]
    sides = []
    for word, own in (("down", [i for i in chosen if far[i] < 0]), ("up", [i for i in chosen if far[i] > 0])):
        if own:
            names = _joined([f"“{visible(str(t['label'].iloc[i]))}”" for i in own])
            sides.append((float(part[own].sum()), f"{word} on {names} ({_range(far[own])})"))
    if not sides:
        return ""
    sides.sort(key=lambda side: -side[0])
    what = f"values of {n.prop}" if n.real_values else n.prop
    return f"By {what} it goes {' and '.join(text for _, text in sides)}."


def _shares(n: NeuronTables) -> str:
    """What makes its variance: the word's type, the property, the sentence, or a feature of the text."""
    shares = [("word types", n.summary["of_types"])]
    if n.prop:
        shares.append((f"{'values' if n.real_values else 'labels'} of {n.prop}", n.summary["of_property"]))
    shares.append(("sentences", n.summary["of_sentences"]))
    known = [(name, percent(float(share), 0)) for name, share in shares if share is not None and share == share]
    text = ""
    if known:
        first, rest = known[0], "".join(f", {name} for {share}" for name, share in known[1:])
        text = f"{first[0].capitalize()} account for {first[1]} of its variance{rest}."
    if len(n.follows):
        strongest = n.follows.iloc[int(np.argmax(n.follows["r"].abs().to_numpy()))]
        r = float(strongest["r"])
        of_property = float(n.summary["of_property"]) if n.prop else 0.0
        if r**2 >= max(LITTLE, 0.5 * (of_property if of_property == of_property else 0.0)):
            way = "rises" if r > 0 else "falls"
            text += f" It {way} with “{strongest['feature']}” (r = {signed(r)}), which alone accounts for {percent(r * r, 0)}."
    return f"{text}{_by_word(n)}".strip()


def _by_word(n: NeuronTables) -> str:
    """What the share between word types means, where it is clear."""
    share = n.summary["of_types"]
    if share is None or share != share or not len(n.types):
        return ""
    if share >= BY_WORD:
        return " It goes by which word stands there; the context changes it little."
    return " It goes by the context more than by the word." if share < BY_CONTEXT else ""


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else f"{0:.{digits}f}"


def _range(far: np.ndarray) -> str:
    """Such as ``−3.1 to −2.2``."""
    ends = [signed(far[np.argmax(np.abs(far))], 1), signed(far[np.argmin(np.abs(far))], 1)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def top_weights(n: NeuronTables, most: int) -> pd.DataFrame:
    """The labels that weigh the neuron most, with sign, the largest first."""
    order = np.argsort(-n.weights["per_sd"].abs().to_numpy(), kind="stable")[:most]
    return n.weights.iloc[order].query("per_sd != 0")
