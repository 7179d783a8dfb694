"""What was found, in words: every sentence follows from the numbers, whatever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurosieve.figures.agreement import overlap_of_seeds
from neurosieve.report import numbers
from neurosieve.report.numbers import Spread, count, delta_name, percent, points, power

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

CLOSE = 0.005
"""Scores of the search within half a point of the best are called close."""


def oracle(f: Findings) -> list[str]:
    """How well the probe on all neurons does, against always giving the most frequent label or the mean value."""
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


def values(f: Findings) -> list[str]:
    """How the real values are spread."""
    said = [
        f"{str(row['split']).capitalize()}: {count(row['n'])} {numbers.units(f)}, mean {row['mean']:.4g}, standard deviation "
        f"{row['sd']:.4g}, from {row['min']:.4g} to {row['max']:.4g}, half of them at most {row['median']:.4g}."
        for row in f.values.to_dict("records")
    ]
    return [" ".join(said)]


def search(f: Findings) -> list[str]:
    """Which lambdas were chosen, why, and how sharp the choice is."""
    table = f.search
    chosen = table[
        np.isclose(table["l1"], f.l1, rtol=1e-6, atol=0) & np.isclose(table["l2"], f.l2, rtol=1e-6, atol=0)
    ].iloc[0]
    said = [
        f"Of {len(table)} pairs of lambdas, l1 = {power(f.l1)} and l2 = {power(f.l2)} has the highest score on dev, "
        f"{100 * chosen['score']:.2f} points: keeping the top {percent(f.settings['keep'], 0)} of the neurons the probe scores "
        f"{percent(chosen['a_top'])}, keeping as many bottom ones {percent(chosen['a_bottom'])}, with all "
        f"{percent(chosen['a_all'])}."
    ]
    plain = table[(table["l1"] == 0) & (table["l2"] == 0)]
    if f.l1 == 0 and f.l2 == 0:
        said.append("This is the pair without any regularisation.")
    elif len(plain):
        a_zero = float(plain["a_all"].iloc[0])
        change = float(chosen["a_all"]) - a_zero
        verdict = "as much" if change == 0 else f"{points(change)} {'more' if change > 0 else 'less'}"
        said.append(f"Without regularisation the probe scores {percent(a_zero)}; the chosen one scores {verdict}.")
    close = int((table["score"] >= chosen["score"] - CLOSE).sum()) - 1
    said.append(
        "No other pair comes within half a point of this score."
        if close == 0
        else f"{close} other pair{'s come' if close > 1 else ' comes'} within half a point of this score, "
        "so the choice is not sharp."
    )
    if f.metric == "r2":
        said.append("In the score an R² below zero counts as zero.")
    edges = [name for name in ("l1", "l2") if len(table[name].unique()) > 1 and getattr(f, name) == table[name].max()]
    if edges:
        said.append(f"For {' and '.join(edges)} the largest value tried was chosen: a larger one might score higher.")
    return said


def ablation(f: Findings) -> list[str]:
    """What keeping top, random and bottom neurons does, zero and mean, and whether the order is as it should be."""
    said = []
    kept = {
        fill: {s: numbers.ablated(f, s, fill=fill) for s in ("top", "random", "bottom")} for fill in ("zero", "mean")
    }
    n_kept = f.ablation.loc[f.ablation["subset"] == "top", "n_neurons"].iloc[0]
    for fill, start in (("zero", "zero"), ("mean", "their training mean")):
        parts = kept[fill]
        if not len(parts["top"]):
            continue
        scores = {name: Spread.of(values) for name, values in parts.items()}
        said.append(
            f"With {count(n_kept)} neurons ({percent(n_kept / f.n_neurons, 0)}) kept and all others set to {start}, without "
            f"retraining, the probe scores {scores['top'].percent()} on test with the top neurons, "
            f"{scores['random'].percent()} with random ones and {scores['bottom'].percent()} with the bottom ones. "
            + _order(parts)
        )
    if len(kept["zero"]["random"]) and len(kept["mean"]["random"]):
        harm = kept["mean"]["random"].mean() - kept["zero"]["random"].mean()
        if harm > 0.05:
            said.append(
                f"For random neurons the mean gives {points(harm)} more than zero: that part of the loss under zero comes from "
                "shifted scores, not from lost information."
            )
        elif harm < -0.05:
            said.append(
                f"For random neurons zero gives {points(harm)} more than the mean: how well they do depends on what the others "
                "are set to."
            )
    return said


def _order(parts: dict[str, pd.Series]) -> str:
    top, rest = parts["top"], (parts["random"], parts["bottom"])
    n = len(top)
    best = rest[0] if rest[0].mean() >= rest[1].mean() else rest[1]
    name = "random" if best is rest[0] else "bottom"
    wins = int(((top > rest[0]) & (top > rest[1])).sum())
    if top.mean() <= best.mean():
        return (
            f"The top neurons do not beat the {name} ones on average ({wins} of {n} seeds): this ablation does not support "
            "the ranking."
        )
    if wins < n:
        return f"The top neurons beat both on average, but only in {wins} of {n} seeds."
    return f"The top neurons beat both{' in every seed' if n > 1 else ''}, by {points(top.mean() - best.mean())} on average."


def minimal(f: Findings) -> list[str]:
    """How many neurons suffice for each delta, and what they score on test."""
    said = []
    first = f.curves["n_neurons"].min()
    for delta in numbers.deltas(f):
        found = numbers.minimal(f, delta)
        sizes, test = Spread.of(found["n_neurons"]), Spread.of(found["test"])
        loss = float((found["oracle_test"] - found["test"]).mean())
        over = "one seed" if sizes.n == 1 else f"{count(sizes.low)} to {count(sizes.high)} over {sizes.n} seeds"
        text = (
            f"Within {delta_name(delta)} of the probe on all neurons, on dev: {count(round(sizes.mean))} neurons, "
            f"{percent(sizes.mean / f.n_neurons, 1)} of all ({over}). Retrained on them alone the probe scores {test.percent()} "
            f"on test, {points(loss)} {'below' if loss > 0 else 'above' if loss < 0 else 'from'} the probe on all neurons."
        )
        said.append(text + _size_remark(f, found["n_neurons"], first=first) + _loss_remark(loss, delta))
    if not f.settings.get("regularize", True):
        said.append("Both the subsets and the probe that they are compared with were trained without regularisation.")
    return said


def _size_remark(f: Findings, sizes: pd.Series, *, first: float) -> str:
    if (sizes == f.n_neurons).all():
        return " No smaller set of the series came that close: all neurons are needed."
    if sizes.mean() > f.n_neurons / 2:
        return " That is more than half of the neurons: by this ranking the property is not carried by a small set."
    if (sizes == first).all():
        return " This is the smallest size tried, so fewer may suffice."
    return ""


def _loss_remark(loss: float, delta: float) -> str:
    # Differences of fractions carry rounding errors; a loss of exactly delta is not larger than delta.
    return " On test the loss is larger than what was allowed on dev." if loss > delta + 1e-9 else ""


def selectivity(f: Findings) -> list[str]:
    """How much better the probe does on the property than on a control task, with all and with the selected neurons."""
    everything = numbers.selective(f, None)
    if not len(everything):
        if f.no_control:
            return [f"No control tasks were run: {f.no_control}."]
        return [
            f"No control tasks were run, so it is not known how much of the {numbers.score_name(f)} could be memorised from "
            "word types alone."
        ]
    control = Spread.of(numbers.selective(f, None, "control"))
    said = [
        f"A control task gives each word type a {'value' if f.metric == 'r2' else 'label'} drawn at random from the "
        "property's distribution. On it the probe on all "
        f"neurons scores {control.percent()} on test, so its selectivity is {_score(everything)}."
    ]
    for delta in numbers.deltas(f):
        small = numbers.selective(f, delta)
        if not len(small):
            continue
        gain = small - everything
        higher, n = int((gain > 0).sum()), len(gain)
        if higher == n:
            verdict = f"higher than with all neurons{' in every seed' if n > 1 else ''}"
        elif (gain < 0).all():
            verdict = f"lower than with all neurons{' in every seed' if n > 1 else ''}"
        else:
            verdict = f"higher than with all neurons in {higher} of {n} seeds"
        said.append(f"With the minimal set of {delta_name(delta)} it is {_score(small)}, {verdict}.")
    lowest = min([everything.mean(), *(s.mean() for d in numbers.deltas(f) if len(s := numbers.selective(f, d)))])
    if lowest <= 0:
        said.append(
            f"Where selectivity is not above zero the probe learns random {'values' if f.metric == 'r2' else 'labels'} of "
            f"word types as well as the property; its {numbers.score_name(f)} there says nothing about the model."
        )
    return said


def _score(values: pd.Series) -> str:
    s = Spread.of(values)
    over = "one seed" if s.n == 1 else f"{100 * s.low:.2f} to {100 * s.high:.2f} over {s.n} seeds"
    return f"{100 * s.mean:.2f} points ({over})"


def agreement(f: Findings) -> list[str]:
    """How far the rankings of the seeds agree, and how many neurons every seed selects."""
    if f.exact:
        return [
            "The probe on all neurons is solved to its optimum, so its ranking and its minimal sets do not depend on the seed."
        ]
    if f.ranks.shape[1] < 2:
        return ["There is one seed only, so it is not known how far another run would choose the same neurons."]
    said = []
    for delta in numbers.deltas(f):
        size = round(numbers.minimal(f, delta)["n_neurons"].mean())
        row = overlap_of_seeds(f.ranks, [size]).iloc[0]
        sets = list(numbers.members(f, delta).values())
        every, some = len(set.intersection(*sets)), len(set.union(*sets))
        said.append(
            f"The top {count(size)} neurons of two seeds share {percent(row['mean'], 0)} of their union on average (chance: "
            f"{percent(row['chance'], 0)}). Of the {count(some)} neurons in any seed's minimal set of {delta_name(delta)}, "
            f"{count(every)} are in every seed's."
        )
    return said
