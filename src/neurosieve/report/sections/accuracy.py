"""How well the probe on all neurons does, and what a guess would get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from neurosieve.figures.style import score_name
from neurosieve.intervals import of_share
from neurosieve.report import numbers
from neurosieve.report.numbers import count, listed, percent, points
from neurosieve.report.section import Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

RARE = 10
"""A label with fewer training words than this is called rare."""


def words(f: Findings) -> list[str]:
    """The score, against always giving the most frequent label or the mean value."""
    score, units = numbers.oracle(f), numbers.units(f)
    label, guess = numbers.majority(f)
    gain = score.mean - guess
    if f.metric == "r2":
        said = [
            f"A linear probe on all {count(f.n_neurons)} neurons has an R² of {score.percent()} on the "
            f"{count(f.words['test'])} test {units}: it explains that share of the variance of their values. Always giving "
            f"the mean value of train, {label}, would get {percent(guess)}; a score below zero is worse than the mean of test."
        ]
    else:
        said = [
            f"A linear probe on all {count(f.n_neurons)} neurons gives {score.percent()} of the {count(f.words['test'])} "
            f"test {units} their right label. Always giving the most frequent label of train, “{label}”, would get "
            f"{percent(guess)}."
        ]
    if gain > 0:
        said.append(f"The probe is {points(gain)} above that guess.")
    else:
        said.append("The probe is not above that guess, so nothing below tells how the model represents this property.")
    said += beside_baselines(f) + in_bits(f)
    if f.metric == "accuracy":
        low, high = of_share(score.mean, f.words["test"])
        apart = "" if score.low == score.high else "; the range over seeds does not contain this uncertainty"
        said.append(
            f"With this many test {units} the accuracy is known to lie between {percent(low)} and {percent(high)} (Wilson's "
            f"95{numbers.SPACE}% interval, {units} taken as independent){apart}."
        )
    return said


def baseline(f: Findings, name: str, *, split: str = "test") -> pd.Series | None:
    """The row of a baseline (see `neurosieve.study.baselines`); None where there is none."""
    table = f.tables.get("baselines")
    if table is None:
        return None
    rows = table[(table["baseline"] == name) & (table["split"] == split)]
    return rows.iloc[0] if len(rows) else None


def beside_baselines(f: Findings) -> list[str]:
    """The score beside a table of words, permuted labels, and random directions in place of neurons."""
    said, score = [], numbers.oracle(f).mean
    table, shuffled = baseline(f, "lookup"), baseline(f, "permuted")
    own, turned = baseline(f, "neurons"), baseline(f, "rotated")
    if table is not None:
        what = "mean value" if f.metric == "r2" else "most frequent label"
        said.append(
            f"A table that gives each word the {what} of its type in train gets {percent(table['score'])} "
            f"({percent(table['unseen'], 1)} of the test words are of types that train lacks): the probe is "
            f"{points(score - table['score'])} {'above' if score > table['score'] else 'below'} it."
        )
    if shuffled is not None:
        said.append(f"With the labels in random order, the same probe gets {percent(shuffled['score'])}.")
    if own is not None and turned is not None:
        difference = own["score"] - turned["score"]
        said.append(
            f"A probe on the {count(int(own['n_neurons']))} neurons that differ most between labels gets {percent(own['score'])}; "
            f"on as many directions, chosen in the same way after each layer was turned at random, {percent(turned['score'])}: "
            f"{points(difference)} {'less' if difference >= 0 else 'more'}."
        )
    return said


def in_bits(f: Findings) -> list[str]:
    """What the probe tells of the labels in bits, and the length of their online code."""
    table = f.tables.get("information")
    if table is None or not len(table):
        return []
    by_split = table.set_index("split")
    test, train = by_split.loc["test"], by_split.loc["train"]
    return [
        f"In bits, the probe tells {test['information']:.2f} of the {test['entropy']:.2f} bits that a test label holds; the labels "
        f"of train, sent in parts with a probe fitted on those before, take {train['code'] / 1000:.1f} kbit, "
        f"{train['uniform'] / train['code']:.1f} times less than without one."
    ]


def caution(f: Findings) -> list[str]:
    """Labels that train or test lack or have few of, and a probe that is no better than a guess."""
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
    names = [f"“{row.label}” {row.train}" for row in rare.itertuples()]
    if names:
        one = len(names) == 1
        said.append(
            f"{'One label has' if one else f'{len(names)} labels have'} fewer than {RARE} training {numbers.units(f)}; what is "
            f"said of {'it' if one else 'them'} is weak: {listed(names)}."
        )
    absent = counts[(counts["train"] > 0) & (counts["test"] == 0)]["label"].tolist()
    if absent:
        said.append(
            f"{len(absent)} label{'s do' if len(absent) > 1 else ' does'} not occur in test, so no accuracy tells how "
            f"well the probe knows {'them' if len(absent) > 1 else 'it'}: {listed([f'“{name}”' for name in absent])}."
        )
    said += no_gain(f)
    if numbers.oracle(f).mean <= numbers.majority(f)[1]:
        guess = "the mean value of train" if f.metric == "r2" else "the most frequent label"
        said.append(f"The probe on all neurons is not better than always giving {guess}.")
    return said


def no_gain(f: Findings) -> list[str]:
    """That a table of words is as good as the probe, or that random directions are as good as neurons."""
    said, score = [], numbers.oracle(f).mean
    table, own, turned = (baseline(f, name) for name in ("lookup", "neurons", "rotated"))

    def margin(value: float) -> float:
        return value - of_share(value, f.words["test"])[0] if f.metric == "accuracy" else 0.0

    if table is not None and score - table["score"] <= margin(score):
        said.append(
            f"A table of words is as good as the probe on all neurons ({percent(table['score'])} and {percent(score)}): the probe "
            "adds nothing to knowing the word, and what is said below of neurons may be said of word types."
        )
    if own is not None and turned is not None and own["score"] - turned["score"] <= margin(own["score"]):
        said.append(
            "Random directions are as good as neurons for this property, so nothing says that neurons are its units: another "
            "basis of the same layers would give other “neurons”, and as good ones."
        )
    return said


def brief(f: Findings) -> dict[str, str]:
    """The score beside that of a guess."""
    label, guess = numbers.majority(f)
    guessed = f"the mean of train, {label}" if f.metric == "r2" else f"“{label}”"
    table = baseline(f, "lookup")
    looked_up = "" if table is None else f", {percent(table['score'])} by a table of words"
    return {
        score_name(f).capitalize(): f"{percent(numbers.oracle(f).mean)} with all {count(f.n_neurons)} neurons; "
        f"{percent(guess)} by always giving {guessed}{looked_up}."
    }


SECTION = Section("accuracy", "How well all neurons do", words=words, caution=caution, brief=brief)
