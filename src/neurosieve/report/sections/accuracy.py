"""How well the probe on all neurons does, and what a guess would get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosieve.figures.style import score_name
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
    if f.metric == "accuracy":
        margin = numbers.sampling_margin(score.mean, f.words["test"])
        said.append(
            f"With this many test {units} an accuracy is known to about ± {points(margin)} (95{numbers.SPACE}% interval, "
            f"{units} taken as independent); the range over seeds does not contain this uncertainty."
        )
    return said


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
    if numbers.oracle(f).mean <= numbers.majority(f)[1]:
        guess = "the mean value of train" if f.metric == "r2" else "the most frequent label"
        said.append(f"The probe on all neurons is not better than always giving {guess}.")
    return said


def brief(f: Findings) -> dict[str, str]:
    """The score beside that of a guess."""
    label, guess = numbers.majority(f)
    guessed = f"the mean of train, {label}" if f.metric == "r2" else f"“{label}”"
    return {
        score_name(f).capitalize(): f"{percent(numbers.oracle(f).mean)} with all {count(f.n_neurons)} neurons; "
        f"{percent(guess)} by always giving {guessed}."
    }


SECTION = Section("accuracy", "How well all neurons do", words=words, caution=caution, brief=brief)
