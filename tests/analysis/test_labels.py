"""How many neurons each label takes among a selection."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurosieve.analysis.labels import label_distribution, mean_label_distribution
from neurosieve.rankings.weight_mass import weight_mass_ranking


@pytest.fixture
def neurons():
    return pd.DataFrame({"neuron": list("abcdef"), "layer": [0, 0, 1, 1, 2, 2], "index": [0, 1, 0, 1, 0, 1]})


@pytest.fixture
def ranking():
    # x is focused on neuron 0; y spreads over 1, 2, 3; z has no weight; neuron 5 has none either.
    weights = np.array([[9.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 4.0, 3.0, 3.0, 0.0, 0.0], [0.0] * 6])
    return weight_mass_ranking(weights, labels=np.array(["x", "y", "z"]))


def test_by_hand(ranking, neurons):
    """Keys: 0 and 1 at 0, 2 at 0.4, 3 at 0.7, 4 at 0.9, 5 never."""
    assert ranking.order.tolist() == [0, 1, 2, 3, 4, 5]
    result = label_distribution(ranking, 4, neurons)
    table = result.to_frame().set_index("label")
    assert result.n_selected == 4
    assert result.share == pytest.approx(0.7)
    assert table["n_neurons"].to_dict() == {"x": 1, "y": 3, "z": 0}
    assert table["n_exclusive"].to_dict() == {"x": 1, "y": 3, "z": 0}
    assert table.loc["x", "main_layer"] == 0
    assert table.loc["y", "main_layer"] == 1  # neurons 2 and 3 of its three
    assert table.loc["y", "main_layer_share"] == pytest.approx(2 / 3)
    assert pd.isna(table.loc["z", "main_layer"])
    assert np.isnan(table.loc["z", "main_layer_share"])


def test_the_whole_ranking_counts_every_weight_once(ranking, neurons):
    table = label_distribution(ranking, 6, neurons).table
    assert table["n_neurons"].tolist() == [2, 3, 0]  # neuron 5 belongs to nobody


def test_shared_neurons_are_not_exclusive(neurons):
    weights = np.array([[1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    table = label_distribution(weight_mass_ranking(weights), 3, neurons).table
    assert table["n_neurons"].tolist() == [2, 2]
    assert table["n_exclusive"].tolist() == [1, 1]


def test_a_tie_beyond_the_selection_is_not_part_of_it(neurons):
    """Six labels, each with one neuron of its own: all keys are equal, and two are selected."""
    result = label_distribution(weight_mass_ranking(np.eye(6)), 2, neurons)
    assert result.table["n_neurons"].tolist() == [1, 1, 0, 0, 0, 0]


def test_every_selected_neuron_with_weight_belongs_to_some_label(neurons):
    generator = np.random.default_rng(0)
    for _ in range(20):
        ranking = weight_mass_ranking(generator.standard_normal((4, 6)))
        for n in range(7):
            result = label_distribution(ranking, n, neurons)
            assert n <= result.table["n_neurons"].sum() <= 4 * n
            assert result.table["n_exclusive"].sum() <= n
            assert (result.table["n_exclusive"] <= result.table["n_neurons"]).all()


def test_nothing_selected(ranking, neurons):
    result = label_distribution(ranking, 0, neurons)
    assert result.table["n_neurons"].tolist() == [0, 0, 0]
    assert result.n_selected == 0


def test_the_mean_over_seeds_is_that_of_the_seeds():
    neurons = pd.DataFrame({"neuron": list("abcd"), "layer": [0, 0, 1, 1], "index": [0, 1, 0, 1]})
    one = weight_mass_ranking(np.array([[4.0, 1, 0, 0], [0, 0, 3, 0]]))
    two = weight_mass_ranking(np.array([[0.0, 0, 4, 4], [5, 0, 0, 0]]))
    mean = mean_label_distribution([(one, 2), (two, 3)], neurons)
    each = [label_distribution(one, 2, neurons).table, label_distribution(two, 3, neurons).table]
    for column in ("n_neurons", "n_exclusive"):
        assert mean.table[column].tolist() == ((each[0][column] + each[1][column]) / 2).tolist()
    assert mean.table["main_layer"].tolist() == [1, 0]  # 1 neuron of layer 0 and 2 of layer 1; one of each, the lower
    assert mean.table["main_layer_share"].tolist() == [2 / 3, 1 / 2]
    assert mean.n_selected == 2
    alone = mean_label_distribution([(one, 2)], neurons)
    pd.testing.assert_frame_equal(alone.table, each[0])
