"""Rankings that studies/used.py compares, each as well for the control task and for the untrained twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import neurosieve as ns
from neurosieve.activations.source import as_source
from neurosieve.experiments.interventions.statistics import neuron_statistics

L1 = L2 = 1e-3
TOL = 0.01
"""Gap, as a share of the objective, to which exact probes are solved."""


def effect_size(split: ns.LabelledSplit) -> ns.NeuronRanking:
    """By the largest difference of two labels' means in standard deviations of the neuron."""
    s = neuron_statistics(split)
    means = np.stack(list(s.of_label.values()))
    score = (means.max(axis=0) - means.min(axis=0)) / np.sqrt(np.maximum(s.variance, 1e-12))
    return _by_score(score, np.array(list(s.of_label)))


def by_adam(split: ns.LabelledSplit) -> ns.NeuronRanking:
    """By the weight mass of a probe fitted in ten epochs of Adam."""
    return ns.rank(probe=ns.fit_probes(split.activations, [_spec(split)], "adam")[0])


def by_long_adam(split: ns.LabelledSplit) -> ns.NeuronRanking:
    """By the weight mass of the same probe after 200 epochs."""
    return ns.rank(probe=ns.fit_probes(split.activations, [_spec(split)], "adam", epochs=200)[0])


def by_exact(split: ns.LabelledSplit) -> ns.NeuronRanking:
    """By the weight mass of the same probe, solved."""
    return ns.rank(probe=ns.fit_probes(split.activations, [_spec(split)], "exact", tol=TOL)[0])


def probeless(split: ns.LabelledSplit) -> ns.NeuronRanking:
    """By the differences of the labels' means."""
    return ns.rank("probeless", split=split)


def at_random(split: ns.LabelledSplit) -> ns.NeuronRanking:
    """By nothing."""
    order = np.random.default_rng(0).permutation(as_source(split.activations).n_neurons)
    return _by_score(-np.argsort(order).astype(float), np.array(["any"]))


RANKERS: dict[str, Callable[[ns.LabelledSplit], ns.NeuronRanking]] = {
    "effect size": effect_size,
    "weight mass, Adam": by_adam,
    "weight mass, Adam, 200 epochs": by_long_adam,
    "weight mass, exact": by_exact,
    "probeless": probeless,
    "random": at_random,
}


def ranked(name: str, split: ns.LabelledSplit, file: Path) -> ns.NeuronRanking:
    """The ranking `name` of a split; its order is kept in `file`, and read from there the next time."""
    if not file.exists():
        np.save(file, RANKERS[name](split).order)
    order = np.load(file)
    return replace(_by_score(-np.argsort(order).astype(float), np.array(["any"])), method=name)


def _spec(split: ns.LabelledSplit) -> ns.ProbeSpec:
    return ns.ProbeSpec(split.y, l1=L1, l2=L2, random_state=0)


def _by_score(score: np.ndarray, classes: np.ndarray) -> ns.NeuronRanking:
    order = np.argsort(-score, kind="stable")
    return ns.NeuronRanking(order, None, None, None, classes, method="score", score=score)
