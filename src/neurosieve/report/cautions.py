"""Plain warnings: what a reader must know before trusting the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neurosieve.report import numbers
from neurosieve.report.numbers import count, delta_name, listed, percent

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

RARE = 10
"""A label with fewer training words than this is called rare."""
UNKNOWN_SHARE = 0.05


def of_cell(f: Findings) -> list[str]:
    """Warnings about one model and property."""
    return [*_about_words(f), *_about_runs(f)]


def _about_words(f: Findings) -> list[str]:
    said = []
    for split in ("dev", "test"):
        n = f.unseen.get(split, 0)
        if n:
            said.append(
                f"{count(n)} of the {count(f.words[split])} {split} {numbers.units(f)} "
                f"({percent(n / max(1, f.words[split]))}) have a label that train lacks; every probe gets them wrong, so no "
                f"accuracy can be higher than {percent(1 - n / max(1, f.words[split]))}."
            )
    counts = f.label_counts
    rare = counts[(counts["train"] > 0) & (counts["train"] < RARE)].sort_values("train")
    if len(rare):
        names = [f"“{row.label}” {row.train}" for row in rare.itertuples()]
        said.append(
            f"{len(rare)} labels have fewer than {RARE} training {numbers.units(f)}; what is said of them is weak: {listed(names)}."
            if len(rare) > 1
            else f"One label has fewer than {RARE} training {numbers.units(f)}; what is said of it is weak: {names[0]}."
        )
    absent = counts[(counts["train"] > 0) & (counts["test"] == 0)]["label"].tolist()
    if absent:
        said.append(
            f"{len(absent)} label{'s do' if len(absent) > 1 else ' does'} not occur in test, so no accuracy tells how "
            f"well the probe knows {'them' if len(absent) > 1 else 'it'}: {listed([f'“{name}”' for name in absent])}."
        )
    return said


def _about_runs(f: Findings) -> list[str]:
    said = []
    if f.settings.get("seeds", 1) == 1:
        said.append("One seed only: no number here has a spread.")
    guess = numbers.majority(f)[1]
    if numbers.oracle(f).mean <= guess:
        said.append(f"The probe on all neurons is not better than always giving {numbers.guess_name(f)}.")
    for fill, name in (("zero", "zero"), ("mean", "their mean")):
        top, random = (numbers.ablated(f, subset, fill=fill) for subset in ("top", "random"))
        if len(top) and top.mean() <= random.mean():
            said.append(
                f"With the others set to {name}, the top neurons score no better than random ones: this ablation does "
                "not support the ranking."
            )
    for delta in numbers.deltas(f):
        share = numbers.minimal(f, delta)["n_neurons"].mean() / f.n_neurons
        if share > 0.5:
            said.append(
                f"The minimal set of {delta_name(delta)} needs {percent(share, 1)} of the neurons: more than half."
            )
    everything = numbers.selective(f, None)
    if len(everything) and everything.mean() <= 0:
        said.append("The probe on all neurons is not selective: it learns the control task as well as the property.")
    if (grid := f.settings.get("grid", "paper")) != "paper":
        said.append(f"The lambdas come from the {grid} grid, which is coarser than the paper's.")
    return said


def of_activations(stores: Sequence[Mapping[str, Any]]) -> list[str]:
    """Warnings about stored activations: words left out, sentences cut into windows, unknown sub-words.

    Parameters
    ----------
    stores : sequence of mapping
        Entries of a run's manifest under ``activations``: model, corpus, n_words, n_left_out, left_out, n_windowed,
        unknown_share; missing entries are taken as nothing to warn of.
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
