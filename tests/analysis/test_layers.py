"""Selected neurons are counted by layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurosieve.analysis.layers import layer_distribution
from neurosieve.errors import NeurosieveError


@pytest.fixture
def neurons():
    """Layer 0 has two neurons, layer 1 three, layer 2 one."""
    layers = [0, 0, 1, 1, 1, 2]
    return pd.DataFrame({"neuron": [f"n{i}" for i in range(6)], "layer": layers, "index": [0, 1, 0, 1, 2, 0]})


def test_by_hand(neurons):
    table = layer_distribution([3, 1, 2], neurons).to_frame()
    assert table["layer"].tolist() == [0, 1, 2]
    assert table["n_selected"].tolist() == [1, 2, 0]
    assert table["n_neurons"].tolist() == [2, 3, 1]
    assert table["share"].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert table["expected"].tolist() == pytest.approx([1, 1.5, 0.5])


@pytest.mark.parametrize("selected", [[], [5], range(6), np.array([0, 4])])
def test_totals(neurons, selected):
    table = layer_distribution(selected, neurons).table
    n = len(list(selected))
    assert table["n_selected"].sum() == n
    assert table["n_neurons"].sum() == 6
    assert table["expected"].sum() == pytest.approx(n)
    assert table["share"].sum() == pytest.approx(1 if n else 0)


def test_layers_with_names(neurons):
    named = neurons.assign(layer=["L0", "L0", "L0.mlp", "L0.mlp", "L0.mlp", "L1"])
    assert layer_distribution([2, 3], named).table.set_index("layer")["n_selected"].to_dict() == {
        "L0": 0,
        "L0.mlp": 2,
        "L1": 0,
    }


@pytest.mark.parametrize("selected", [[6], [-1], [0, 100]])
def test_numbers_outside_the_table(neurons, selected):
    with pytest.raises(NeurosieveError, match=r"numbers outside 0 .. 5; pass the store's own table"):
        layer_distribution(selected, neurons)
