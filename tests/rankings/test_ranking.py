"""What can be asked of any ranking."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.weight_mass import weight_mass_ranking


@pytest.fixture
def ranking():
    weights = np.array([[5.0, 0.0, 3.0, 0.0, 2.0], [0.0, 0.0, 1.0, 4.0, 0.0]])
    return weight_mass_ranking(weights, labels=np.array(["a", "b"]))


def test_order_and_ranks_are_inverse(ranking):
    assert ranking.order.tolist() == [3, 0, 2, 4, 1]
    assert ranking.ranks.tolist() == [1, 4, 2, 0, 3]
    assert ranking.n_neurons == 5


def test_top_and_bottom(ranking):
    assert ranking.top(2).tolist() == [3, 0]
    assert ranking.bottom(2).tolist() == [1, 4]
    assert ranking.top(0).tolist() == []
    assert ranking.top(5).tolist() == ranking.bottom(5)[::-1].tolist()
    assert ranking.top(0.4).tolist() == [3, 0]
    assert ranking.top(1).tolist() == [3]
    assert ranking.top(1.0).tolist() == ranking.order.tolist()


@pytest.mark.parametrize(
    ("k", "n"),
    [
        (0, 0),
        (5, 5),
        (0.2, 1),
        (0.5, 2),
        (1.0, 5),
        (1e-9, 1),
        (np.int64(3), 3),
        (np.float32(0.6), 3),
        (np.float64(0.4), 2),
    ],
)
def test_count(ranking, k, n):
    assert ranking.count(k) == n
    assert isinstance(ranking.count(k), int)
    assert len(ranking.top(k)) == len(ranking.bottom(k)) == len(ranking.random(k)) == n


@pytest.mark.parametrize("k", [-1, 6, 0.0, 1.5, -0.1, float("nan"), float("inf")])
def test_count_refuses_what_is_neither_a_number_nor_a_share(ranking, k):
    with pytest.raises(NeurosieveError, match=r"of 5 neurons: pass an int from 0 to 5, or a float in \(0, 1\]"):
        ranking.count(k)


def test_random_draws_exactly_that_many_without_repetition():
    ranking = weight_mass_ranking(np.arange(1.0, 101.0)[None])
    drawn = ranking.random(20, random_state=3)
    assert len(set(drawn.tolist())) == 20
    assert np.array_equal(drawn, ranking.random(20, random_state=3))
    assert set(drawn.tolist()) != set(ranking.random(20, random_state=4).tolist())
    assert np.array_equal(ranking.random(30, random_state=3)[:20], drawn)  # larger draws contain smaller ones
    # It knows nothing of the order: over 200 seeds the mean rank is 49.5 with a standard error of 0.4.
    ranks = [ranking.ranks[ranking.random(20, random_state=s)].mean() for s in range(200)]
    assert np.mean(ranks) == pytest.approx(49.5, abs=2)


def test_per_label(ranking):
    assert ranking.per_label("a").tolist()[:3] == [0, 2, 4]
    assert ranking.per_label("b").tolist()[:2] == [3, 2]
    assert sorted(ranking.per_label("b").tolist()) == list(range(5))
    with pytest.raises(NeurosieveError, match="no label 'c'; it has a, b"):
        ranking.per_label("c")


def test_frame(ranking):
    frame = ranking.to_frame()
    assert frame.columns.tolist() == ["neuron", "layer", "index", "rank", "key", "mass", "rank:a", "rank:b"]
    assert frame["neuron"].tolist() == ["N3", "N0", "N2", "N4", "N1"]
    assert frame["rank"].tolist() == [0, 1, 2, 3, 4]
    assert frame["rank:a"].tolist() == [4, 0, 1, 2, 3]
    assert frame["mass"].tolist() == [0.8, 0.5, 0.3, 0.2, 0.0]
    assert frame["key"].is_monotonic_increasing


def test_frame_with_the_neurons_of_a_store(ranking):
    table = pd.DataFrame(
        {
            "neuron": ["L0N0", "L0N1", "L1N0", "L1N1", "L1N2"],
            "layer": [0, 0, 1, 1, 1],
            "index": [0, 1, 0, 1, 2],
        },
        index=[9, 8, 7, 6, 5],
    )  # another index must not move rows
    frame = ranking.to_frame(table)
    assert frame["neuron"].tolist() == ["L1N1", "L0N0", "L1N0", "L1N2", "L0N1"]
    assert frame["layer"].tolist() == [1, 0, 1, 1, 0]
    with pytest.raises(NeurosieveError, match="table has 4 neurons, the ranking 5"):
        ranking.to_frame(table[:4])


@pytest.mark.parametrize("order", [[0, 1, 1], [0, 1], [1, 2, 3]])
def test_an_order_must_be_a_permutation(order):
    with pytest.raises(NeurosieveError, match="every neuron exactly once"):
        NeuronRanking(np.array(order), np.zeros(3), np.zeros(3), np.zeros((1, 3)), np.array(["a"]))
