"""Rankings that studies/used.py compares, each as well for the control task and for the untrained twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import neurosieve as ns
from neurosieve.activations.labels import is_labelled
from neurosieve.activations.source import as_source
from neurosieve.experiments.interventions.statistics import neuron_statistics

L1 = L2 = 1e-3
TOL, PASSES = 0.05, 600
"""Gap, as a share of the objective, to which exact probes are solved, and passes after which they are taken as they are."""
LARGEST, ROWS = 10.0, 2000
"""Values beyond which a neuron is left out of exact probes, and words read at once. The largest of an MLP's units are 3,360 where
half are below 1.7; with them the solver makes no headway."""


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
    """By the weight mass of the same probe, solved; neurons with values beyond `LARGEST` at labelled words come last."""
    source, known = as_source(split.activations), is_labelled(split.y)
    largest = np.zeros(source.n_neurons)
    parts = []
    for start in range(0, source.n_words, ROWS):
        rows = source.read(start, min(start + ROWS, source.n_words))[known[start : start + ROWS]]
        largest = np.maximum(largest, np.abs(rows).max(axis=0, initial=0))
        parts.append(rows)
    columns = np.flatnonzero(largest <= LARGEST)
    X = np.concatenate([rows[:, columns] for rows in parts]).astype(np.float32)
    spec = ns.ProbeSpec(split.y[known], l1=L1, l2=L2, random_state=0)
    probe = ns.fit_probes(X, [spec], "exact", tol=TOL, max_passes=PASSES)[0]
    print(
        f"{len(columns)} of {len(largest)} neurons, objective {probe.objective_:.4f}, gap {probe.gap_:.4f}", flush=True
    )
    order = columns[ns.rank(probe=probe).order]
    order = np.concatenate([order, np.flatnonzero(largest > LARGEST)])
    return _by_score(-np.argsort(order).astype(float), np.array(["any"]))


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
