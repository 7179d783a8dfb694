"""Layers and neurons that a property does not need."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.splits import Splits
from neurosieve.compact.redundancy import correlation_clusters, lowest_layer, reduced_neurons
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import memory_limit

LAYERS = np.repeat(["L0", "L1", "L2"], 4)


def make() -> Splits:
    """Three layers of four neurons: the label is in the second, its third neuron being a copy, and in the third again."""
    generator = np.random.default_rng(0)
    X, y = [], []
    for _ in range(3):
        labels = generator.choice(np.array(["a", "b"], dtype=object), 400)
        values = generator.standard_normal((400, 12)).astype(np.float32)
        values[:, 5] += 4.0 * (labels == "b")
        values[:, 6] = -2.0 * values[:, 5] + 0.01 * values[:, 6]
        values[:, 9] = values[:, 5] + 0.1 * values[:, 9]
        X.append(values)
        y.append(labels)
    return Splits.from_arrays(X, y)


def test_the_lowest_layer_is_the_one_that_suffices():
    splits = make()
    assert lowest_layer(splits, LAYERS, delta=0.02, l2=1e-3) == "L1"
    assert lowest_layer(splits, LAYERS, delta=0.9) == "L0"
    with pytest.raises(NeurosieveError, match="2 layers for 12 neurons"):
        lowest_layer(splits, ["L0", "L1"])


def test_clusters_are_those_of_the_correlations():
    splits = make()
    X = np.array(splits.train.activations)
    X[:, 0] = 3.0
    splits.train.activations[:, 0] = 3.0
    found = correlation_clusters(splits.train, threshold=0.7)
    assert found[5] == found[6] == found[9]
    assert len(set(found.tolist())) == 10
    r = np.abs(np.corrcoef(X[:, 1:].T))
    for number in set(found.tolist()):
        members = np.flatnonzero(found[1:] == number)
        if len(members) > 1:
            assert r[np.ix_(members, members)].min() > 0.7
    assert correlation_clusters(splits.train, threshold=0.7, neurons=np.array([6, 1, 5])).tolist().count(0) in (1, 2)
    with pytest.raises(NeurosieveError, match="threshold 7"):
        correlation_clusters(splits.train, threshold=7)
    with memory_limit(100), pytest.raises(NeurosieveError, match="more than the memory limit"):
        correlation_clusters(splits.train)


def test_the_steps_together_leave_one_neuron():
    splits = make()
    found = reduced_neurons(splits, LAYERS, delta=0.05, threshold=0.7, l1=1e-3, l2=1e-3)
    assert found.highest == "L1"
    assert found.n_below == 8
    assert len(found.representatives) == 7
    assert found.neurons[0] in (5, 6)
    assert len(found.neurons) == 1
    assert found.dev >= found.whole - 0.05
