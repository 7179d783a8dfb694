"""How labels share neurons: hand-made sets with known answers, and the null against drawn permutations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurosieve.analysis.architectures import (
    COLUMNS,
    architecture_row,
    effective_neurons,
    label_overlap,
    layer_evenness,
    mean_interval,
)
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.weight_mass import weight_mass_ranking

N_LAYERS, WIDTH = 3, 20
LAYERS = np.repeat(np.arange(N_LAYERS), WIDTH)
NEURONS = pd.DataFrame(
    {"neuron": [f"N{i}" for i in range(60)], "layer": LAYERS, "index": np.tile(np.arange(WIDTH), N_LAYERS)}
)


def test_effective_neurons_of_known_spreads() -> None:
    weights = np.zeros((4, 60))
    weights[0, 5] = 3.0
    weights[1, :8] = -2.0
    weights[2, [1, 2]] = [3.0, 1.0]  # label 3 has no weight
    found = effective_neurons(weight_mass_ranking(weights))
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    # Keys are shares rounded up to the next number, so masses carry an error of the order of 1e-16 each.
    assert found[:3] == pytest.approx([1, 8, np.exp(entropy)], abs=1e-9)
    assert np.isnan(found[3])


def test_overlap_of_disjoint_and_of_nested_sets() -> None:
    disjoint = np.zeros((3, 60), dtype=bool)
    disjoint[0, :4] = disjoint[1, 4:10] = disjoint[2, 30:33] = True
    nested = np.zeros((3, 60), dtype=bool)
    nested[0, :4] = nested[1, :10] = nested[2, :12] = True
    assert label_overlap(disjoint, LAYERS)[0] == 0
    assert label_overlap(nested, LAYERS)[0] == 1
    assert label_overlap(nested, LAYERS)[1] < 0.6


def test_the_null_has_the_moments_of_drawn_permutations() -> None:
    rng = np.random.default_rng(0)
    taken = rng.random((6, 60)) < np.linspace(0.1, 0.6, 6)[:, None]
    _, mean, deviation = label_overlap(taken, LAYERS)
    drawn = []
    for _ in range(4000):
        permuted = np.zeros_like(taken)
        for row, out in zip(taken, permuted, strict=True):
            for layer in range(N_LAYERS):
                inside = np.flatnonzero(layer == LAYERS)
                out[inside] = rng.permutation(row[inside])
        drawn.append(label_overlap(permuted, LAYERS)[0])
    # Standard errors over 4,000 permutations: deviation / 63 of the mean, about 1.1 % of the deviation; four of each.
    assert mean == pytest.approx(np.mean(drawn), abs=4 * deviation / np.sqrt(4000))
    assert deviation == pytest.approx(np.std(drawn), rel=0.05)


def test_independent_labels_are_within_chance_and_shared_ones_are_not() -> None:
    rng = np.random.default_rng(1)
    independent = rng.random((8, 60)) < 0.3
    together = np.tile(rng.random(60) < 0.3, (8, 1))
    for taken, outside in ((independent, False), (together, True)):
        overlap, mean, deviation = label_overlap(taken, LAYERS)
        assert (abs(overlap - mean) > 4 * deviation) == outside  # 4 sd: once in 16,000 by chance


def test_one_label_has_no_overlap() -> None:
    taken = np.zeros((2, 60), dtype=bool)
    taken[0, :3] = True
    assert np.isnan(label_overlap(taken, LAYERS)).all()


def test_layer_evenness_knows_widths() -> None:
    layers = np.array([0] * 10 + [1] * 30)
    even = np.array([0, 10, 11, 12])  # a tenth of each layer
    assert layer_evenness(even, layers) == pytest.approx(1, abs=1e-12)  # rounding of logarithms
    assert layer_evenness(np.array([10, 11]), layers) == 0
    assert np.isnan(layer_evenness(np.array([0]), np.zeros(5)))


def test_the_row_counts_exclusive_and_shared_neurons() -> None:
    weights = np.zeros((2, 60))
    weights[0, [0, 1, 40]] = [3.0, 2.0, 1.0]
    weights[1, [0, 2, 41]] = [3.0, 2.0, 1.0]
    row = architecture_row(weight_mass_ranking(weights), 5, NEURONS)
    assert tuple(row) == COLUMNS
    assert (row["n_exclusive"], row["n_shared"]) == (4, 1)
    assert row["n_labels"] == 2
    assert row["overlap"] == pytest.approx(1 / 3, abs=1e-12)  # neuron 0, of three each
    assert 0 < row["distributedness"] < 3 / 60


def test_the_table_of_another_model_is_refused() -> None:
    with pytest.raises(NeurosieveError, match="the table has 60 neurons, the ranking 4"):
        architecture_row(weight_mass_ranking(np.eye(4)), 2, NEURONS)


def test_interval_is_students() -> None:
    mean, low, high = mean_interval([1.0, 2.0, 3.0])
    # t(0.975, 2) = 4.3027 from tables, times the standard error 1 / sqrt(3).
    assert (mean, low, high) == pytest.approx((2, 2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-4)
    assert mean_interval([2.0])[0] == 2
    assert np.isnan(mean_interval([2.0])[1:]).all()
