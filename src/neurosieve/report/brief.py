"""The findings in short: one line for each question, with its first number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosieve.figures.agreement import overlap_of_seeds
from neurosieve.report import certainty, numbers
from neurosieve.report.numbers import count, delta_name, layer_name, percent

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def in_short(f: Findings) -> list[tuple[str, str]]:
    """Pairs of a question and its answer, means over seeds, on test."""
    label, guess = numbers.majority(f)
    guessed = f"the mean of train, {label}" if f.metric == "r2" else f"“{label}”"
    said = [
        (
            numbers.score_name(f).capitalize(),
            f"{percent(numbers.oracle(f).mean)} with all {count(f.n_neurons)} neurons; {percent(guess)} by always "
            f"giving {guessed}.",
        ),
        ("Minimal set", _sizes(f)),
        ("Ranking", _ranking(f)),
        ("Selectivity", _selectivity(f)),
    ]
    if len(f.layers) > 1:
        peak = numbers.main_layer(f)
        said.append(
            (
                "Place",
                f"No layer holds more of the set than {layer_name(f, peak['layer'])}: {peak['n_selected']:.0f} of "
                f"{f.layers['n_selected'].sum():.0f} neurons (chance: {peak['expected']:.0f}).",
            )
        )
    said.append(("Stability", _stability(f)))
    return said


def _sizes(f: Findings) -> str:
    parts = []
    for delta in numbers.deltas(f):
        size = numbers.minimal(f, delta)["n_neurons"].mean()
        parts.append(f"{count(round(size))} neurons ({percent(size / f.n_neurons, 1)}) within {delta_name(delta)}")
    return "; ".join(parts) + "."


def _ranking(f: Findings) -> str:
    parts = []
    for fill, name in (("zero", "zero"), ("mean", "their mean")):
        top, random = (numbers.ablated(f, subset, fill=fill) for subset in ("top", "random"))
        if len(top) and len(random):
            parts.append(
                f"others set to {name}, the top {percent(f.settings['keep'], 0)} score {percent(top.mean())}, random ones "
                f"{percent(random.mean())}"
            )
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else "No ablation was run."


def _selectivity(f: Findings) -> str:
    everything = numbers.selective(f, None)
    if not len(everything):
        return f"Unknown: no control tasks were run{f', as {f.no_control}' if f.no_control else ''}."
    parts = [f"{100 * everything.mean():.2f} points with all neurons"]
    for delta in numbers.deltas(f):
        small = numbers.selective(f, delta)
        if len(small):
            parts.append(f"{100 * small.mean():.2f} with the set of {delta_name(delta)}")
    return ", ".join(parts) + "."


def _stability(f: Findings) -> str:
    size = round(numbers.minimal(f, numbers.deltas(f)[0])["n_neurons"].mean())
    table = overlap_of_seeds(f.ranks, [size])
    resampled = certainty.in_short(f)
    if f.exact:
        return (
            resampled
            or "The probe is solved to its optimum, whatever the seed; of other texts nothing is known without resamples."
        )
    if table.empty:
        return resampled or "Unknown: one seed only."
    row = table.iloc[0]
    return f"{resampled} " * bool(resampled) + (
        f"The top {count(size)} neurons of two seeds share {percent(row['mean'], 0)} of their union (chance: "
        f"{percent(row['chance'], 0)})."
    )
