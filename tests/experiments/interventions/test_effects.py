"""Effects, their intervals, and the rule of the verdict."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.experiments.interventions.effects import Bootstrap, Effect, area_weights, single_effects
from neurosieve.experiments.interventions.statistics import neuron_statistics, values_at_words
from neurosieve.experiments.interventions.verdict import judge


def test_an_effect_is_the_difference_to_the_random_sets():
    generator = np.random.default_rng(0)
    random = generator.normal(2, 1, size=(20, 300))
    effect = Bootstrap(300, 20).effect(np.full(300, 0.5), random, intact=2.0)
    assert effect.value == pytest.approx(random.mean() - 0.5)
    assert effect.low < effect.value < effect.high
    assert effect.p == 1 / 21
    assert Bootstrap(300, 20).effect(np.full(300, 0.5), random, intact=2.0) == effect
    assert Bootstrap(300, 20).effect(random[0], random, intact=random[0].mean()).p == 1


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Random sets and sentences are both drawn anew, and the set itself is one more draw of the same kind."""
    held = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        of_sentence = generator.normal(0, 1, size=150)
        random = of_sentence + generator.normal(0, 0.3, size=(20, 1)) + generator.normal(0, 0.5, size=(20, 150))
        low, high = (lambda e: (e.low, e.high))(
            Bootstrap(150, 20).effect(of_sentence - 1.0 + generator.normal(0, 0.5, size=150), random, intact=0.0)
        )
        held += low <= 1.0 <= high
    assert held >= 180  # nine in ten; 20 draws are few, so that the bootstrap's interval is a little short


def test_single_effects_and_areas_by_hand():
    np.testing.assert_allclose(single_effects(np.array([1.0, 2.0, 6.0])), [3.0, 1.5, -4.5])
    np.testing.assert_allclose(area_weights(np.array([1, 10, 100])), [0.25, 0.5, 0.25])
    assert area_weights(np.array([7])).tolist() == [1]


def verdict(**changes):
    effect = {"value": 1.0, "low": 0.5, "high": 1.5, "random_low": -0.1, "random_high": 0.1, "p": 1 / 21}
    numbers = {
        "direction": 0.2,
        "intact": 2.0,
        "intact_low": 1.5,
        "edited": 1.0,
        "completeness": 0.9,
        "selectivity": None,
    }
    effect |= {key: changes.pop(key) for key in list(changes) if key in effect}
    return judge(Effect(**effect), **{**numbers, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "encoded and used"),
        ({"completeness": None}, "encoded and used"),
        ({"completeness": 0.05}, "cannot be told"),  # it does something, but not to the property
        ({"low": -0.1}, "encoded, no sign of use"),
        ({"p": 0.1}, "encoded, no sign of use"),
        ({"direction": 1.2}, "cannot be told"),  # an effect, but any push as long has one
        ({"low": -0.1, "completeness": 0.2}, "cannot be told"),
        ({"low": -0.1, "completeness": None}, "cannot be told"),
        ({"intact_low": -0.1}, "cannot be told"),
        ({"value": -1.0, "low": -1.5, "high": -0.5, "edited": 3.0}, "encoded and used"),
        (
            {"value": -1.0, "low": -1.5, "high": -0.5, "edited": 1.9},
            "encoded, no sign of use",
        ),  # random sets did the harm
    ],
)
def test_the_rule(changes, expected):
    assert verdict(**changes).verdict == expected


def test_the_verdict_gives_its_numbers():
    assert "falls by 1.00 nats more than with matched random neurons (95 % interval 0.50 to 1.50" in verdict().why
    assert "against the good sentences" in verdict(value=-1.0, low=-1.5, high=-0.5, edited=3.0).why
    assert "takes only 20% of the property away" in verdict(low=-0.1, completeness=0.2).why
    assert "does not prefer the good sentences" in verdict(intact_low=-0.1).why


def test_statistics_are_those_of_numpy(monkeypatch):
    generator = np.random.default_rng(1)
    X = (generator.normal(size=(500, 7)) * 3 + 100).astype(np.float32)
    y = np.array([None, "a", "b"], dtype=object)[generator.integers(3, size=500)]
    monkeypatch.setattr("neurosieve.experiments.interventions.statistics.BLOCK_BYTES", 8 * 7 * 64)
    found = neuron_statistics(LabelledSplit(X, y))
    np.testing.assert_allclose(found.mean, X.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(found.variance, X.var(axis=0, dtype=np.float64))
    for label in "ab":
        np.testing.assert_allclose(found.of_label[label], X[y == label].mean(axis=0, dtype=np.float64))
        assert found.n_words[label] == (y == label).sum()
    drawn = values_at_words(LabelledSplit(X, y), np.array([2, 5]), n_words=50, label="a")
    rows = {tuple(row) for row in X[y == "a"][:, [2, 5]].tolist()}
    assert drawn.shape == (50, 2)
    assert all(tuple(row) in rows for row in drawn.tolist())
