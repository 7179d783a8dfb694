"""The ranking by weight mass equals the paper's iterative process at every step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.errors import NeurosieveError
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

STEPS = range(1, 101)
"""p = 0.01, 0.02, ..., 1.00 as whole per cent."""


def paper_set(weights, percent):
    """The paper's process, literally and with exact numbers: for each label the fewest neurons that hold share p."""
    chosen: set[int] = set()
    for row in weights:
        exact = [abs(Fraction(float(w))) for w in row]
        total = sum(exact)
        if total == 0:
            continue  # a label without weight takes nothing
        held = Fraction(0)
        for neuron in sorted(range(len(row)), key=lambda j: (-exact[j], j)):
            if held * 100 >= total * percent:
                break
            chosen.add(neuron)
            held += exact[neuron]
    return chosen


def _check(weights):
    ranking = weight_mass_ranking(weights)
    assert sorted(ranking.order.tolist()) == list(range(weights.shape[1]))
    keys = ranking.key[ranking.order]
    assert (keys[1:] >= keys[:-1]).all()
    previous: set[int] = set()
    for percent in STEPS:
        expected = paper_set(weights, percent)
        assert set(np.flatnonzero(ranking.key <= percent / 100).tolist()) == expected
        assert set(ranking.top(len(expected)).tolist()) == expected  # so every set is a head of the order
        assert previous <= expected
        previous = expected
    unused = ~np.any(weights != 0, axis=0)
    assert np.array_equal(np.isinf(ranking.key), unused)
    assert set(ranking.bottom(int(unused.sum())).tolist()) == set(np.flatnonzero(unused).tolist())


SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 12))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_small_whole_weights(data):
    """Few distinct weights: ties, zeros, labels without weight and exactly met shares are the rule."""
    n_labels, n_neurons = data.draw(SHAPES)
    cells = data.draw(st.lists(st.integers(-5, 5), min_size=n_labels * n_neurons, max_size=n_labels * n_neurons))
    _check(np.array(cells, dtype=np.float32).reshape(n_labels, n_neurons))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), SHAPES)
def test_weights_like_those_of_a_probe(seed, shape):
    """float32 weights over some orders of magnitude, some exactly zero; float64 sums of them are exact."""
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal(shape) * 10.0 ** generator.uniform(-3, 0, shape)
    _check((weights * (generator.random(shape) > 0.2)).astype(np.float32))


@pytest.mark.parametrize("n_neurons", [3, 10, 20, 25, 64, 100, 200])
@pytest.mark.parametrize("weight", [1.0, 0.1, 1 / 3])
def test_equal_weights_meet_shares_exactly(n_neurons, weight):
    _check(np.full((2, n_neurons), weight, dtype=np.float32))


@pytest.mark.parametrize(
    "weights",
    [
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.0, 0.0, 0.0], [1.0, 2.0, 0.0]],
        [[5.0]],
        [[1.0, -1.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0], [-2.0, 1.0, 0.0, 1.0]],
        [[1.0, 2**-20, 0.0]],
    ],
)
def test_edges(weights):
    _check(np.array(weights, dtype=np.float32))


def test_the_order_by_hand():
    weights = np.array([[6.0, 3.0, 1.0, 0.0], [0.0, 1.0, 1.0, 2.0]])
    ranking = weight_mass_ranking(weights, labels=np.array(["x", "y"]))
    # x takes 0 from the start, 1 from 0.6, 2 from 0.9; y takes 3 from the start, 1 from 0.5, 2 from 0.75.
    np.testing.assert_allclose(ranking.key, [0, 0.5, 0.75, 0], atol=1e-12)  # each is the next number after its share
    assert ranking.mass.tolist() == [0.6, 0.3, 0.25, 0.5]
    assert ranking.order.tolist() == [0, 3, 1, 2]  # a tie at 0 goes to the larger mass
    assert ranking.per_label("x").tolist() == [0, 1, 2, 3]
    assert ranking.per_label("y").tolist() == [3, 1, 2, 0]


def test_ties_go_to_the_larger_mass_then_to_the_position():
    assert weight_mass_ranking(np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])).order.tolist() == [1, 0, 2]
    assert weight_mass_ranking(np.array([[0.0, 0.0], [0.0, 0.0]])).order.tolist() == [0, 1]
    assert weight_mass_ranking(np.eye(4)[::-1]).order.tolist() == [0, 1, 2, 3]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_permuting_neurons_permutes_the_ranking(seed):
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((3, 15)).astype(np.float32)
    permutation = generator.permutation(15)
    plain, moved = weight_mass_ranking(weights), weight_mass_ranking(weights[:, permutation])
    # Each label's first neuron ties at key 0; the random masses decide, so there are no ties left.
    assert np.array_equal(permutation[moved.order], plain.order)
    assert np.array_equal(moved.key, plain.key[permutation])
    assert np.array_equal(moved.mass, plain.mass[permutation])


def test_scale_and_sign_and_the_order_of_labels_do_not_matter():
    weights = np.random.default_rng(0).standard_normal((4, 30)).astype(np.float32)
    expected = weight_mass_ranking(weights).order
    for other in (
        -weights,
        2.0**-9 * weights,
        weights[::-1],
        np.vstack([weights, np.zeros((1, 30), dtype=np.float32)]),
    ):
        assert np.array_equal(weight_mass_ranking(other).order, expected)


def test_of_a_fitted_probe():
    data = make_planted(n_words=300, n_neurons=20, n_labels=3, n_informative=3)
    probe = fit_probes(data.X, [ProbeSpec(data.y, l1=1e-3, neurons=[1, 5, 9, 11])], epochs=3, solver="adam")[0]
    ranking = weight_mass_ranking(probe)
    assert set(ranking.top(4).tolist()) == {1, 5, 9, 11}
    assert np.isinf(ranking.key).sum() == 16
    assert ranking.labels.tolist() == probe.classes_.tolist()
    assert ranking.params["l1"] == 1e-3
    assert ranking.params["solver"] == "adam"


def test_the_weights_are_not_changed():
    weights = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
    before = weights.copy()
    weights.flags.writeable = False
    weight_mass_ranking(weights)
    assert np.array_equal(weights, before)


@pytest.mark.parametrize(
    ("weights", "labels", "message"),
    [
        (np.ones(3), None, r"shape \(3,\) must be a finite matrix"),
        (np.ones((0, 3)), None, r"finite matrix"),
        (np.ones((2, 0)), None, r"finite matrix"),
        (np.array([[1.0, np.nan]]), None, r"finite matrix"),
        (np.array([[1.0, np.inf]]), None, r"finite matrix"),
        (np.ones((2, 3)), np.array(["a"]), r"1 label names for 2 rows"),
    ],
)
def test_refused(weights, labels, message):
    with pytest.raises(NeurosieveError, match=message):
        weight_mass_ranking(weights, labels=labels)


def test_of_a_fitted_estimator():
    from types import SimpleNamespace

    data = make_planted(n_words=300, n_neurons=20, n_labels=3, n_informative=3)
    probe = fit_probes(data.X, [ProbeSpec(data.y, l1=1e-3)], epochs=1, solver="adam")[0]
    found = weight_mass_ranking(SimpleNamespace(probe_=probe))
    assert np.array_equal(found.order, weight_mass_ranking(probe).order)
    assert np.array_equal(np.sign(found.label_scores), np.sign(probe.full_coef()))
