"""Effects, their intervals, and the rule of the verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.source import ArraySource
from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.effects import Bootstrap, Effect, area_weights, single_effects
from neurosieve.experiments.interventions.outcomes import Outcomes
from neurosieve.experiments.interventions.sets import NeuronSet
from neurosieve.experiments.interventions.statistics import neuron_statistics, values_at_words
from neurosieve.experiments.interventions.tables import overall
from neurosieve.experiments.interventions.verdict import judge
from neurosieve.models.language_model import Layer


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
    """Sentences and random sets are both drawn anew; the set does as they do on average, and costs 1 nat more."""
    held = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        of_sentence = generator.normal(0, 1, size=150)
        random = of_sentence + generator.normal(0, 0.3, size=(20, 1)) + generator.normal(0, 0.5, size=(20, 150))
        low, high = (lambda e: (e.low, e.high))(
            Bootstrap(150, 20).effect(of_sentence - 1.0 + generator.normal(0, 0.5, size=150), random, intact=0.0)
        )
        held += low <= 1.0 <= high
    assert held >= 186  # 19 of 20 would be 190; 20 draws are few, so that the bootstrap's interval is a little short


def test_single_effects_and_areas_by_hand():
    np.testing.assert_allclose(single_effects(np.array([1.0, 2.0, 6.0])), [3.0, 1.5, -4.5])
    np.testing.assert_allclose(area_weights(np.array([1, 10, 100])), [0.25, 0.5, 0.25])
    assert area_weights(np.array([7])).tolist() == [1]


def verdict(**changes):
    effect = {"value": 1.0, "low": 0.5, "high": 1.5, "random_low": -0.1, "random_high": 0.1, "p": 1 / 21}
    numbers = {
        "direction": 0.2,
        "beyond_direction": 0.4,
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
        ({"direction": 1.2, "beyond_direction": -0.5}, "cannot be told"),  # an effect, but any push as long has one
        ({"direction": 0.9, "beyond_direction": -0.1}, "cannot be told"),  # nor is it known to be larger than theirs
        ({"direction": -1.2, "beyond_direction": 1.8}, "encoded and used"),  # such a push does the opposite
        ({"low": -0.1, "completeness": 0.2}, "cannot be told"),
        ({"low": -0.1, "completeness": None}, "cannot be told"),
        ({"intact_low": -0.1}, "cannot be told"),
        ({"value": -1.0, "low": -1.5, "high": -0.5, "edited": 3.0}, "encoded and used"),
        (
            {"value": -1.0, "low": -1.5, "high": -0.5, "edited": 3.0, "direction": -1.3, "beyond_direction": -0.8},
            "cannot be told",
        ),
        (
            {"value": -1.0, "low": -1.5, "high": -0.5, "edited": 1.9},
            "encoded, no sign of use",
        ),  # random sets did the harm
    ],
)
def test_the_rule(changes, expected):
    assert verdict(**changes).verdict == expected


def outcomes(*, top, direction, random=0.0, n=200):
    """Outcomes of one size, in which each kind of set moves all pairs by as much, up to noise of each pair."""
    generator = np.random.default_rng(3)
    moved = [("top", 0, top), *(("random", draw, random) for draw in range(20)), ("direction", 0, direction)]
    sets = [NeuronSet(kind, 5, draw, np.arange(5)) for kind, draw, _ in moved]
    intact = 2 + generator.normal(size=n)
    values = np.stack([intact + by + 0.2 * generator.normal(size=n) for _, _, by in moved])
    return Outcomes([(one, 1.0) for one in sets], values, intact)


@pytest.mark.parametrize(
    ("top", "direction", "largest", "beyond"),
    [
        (-0.5, +0.9, -0.9, 1.4),  # the direction helps where the set harms
        (-0.5, -0.9, +0.9, -0.4),
        (-0.5, -0.5, +0.5, 0.0),
        (+0.5, +0.9, -0.9, -0.4),
        (+0.5, -0.9, +0.9, 1.4),
    ],
)
def test_directions_are_compared_in_the_direction_of_the_effect(top, direction, largest, beyond):
    effect, numbers = overall(outcomes(top=top, direction=direction), dose=1.0, random_state=0)
    assert effect.value == pytest.approx(-top, abs=0.05)
    assert numbers["direction"] == pytest.approx(largest, abs=0.05)
    assert beyond - 0.1 < numbers["beyond_direction"] < beyond


def test_of_several_directions_the_one_that_does_most_of_the_same_counts():
    found = outcomes(top=-0.5, direction=+0.9)
    one = NeuronSet("direction", 5, 1, np.arange(5))
    more = replace(found, jobs=[*found.jobs, (one, 1.0)], values=np.vstack([found.values, found.intact - 0.1]))
    _, numbers = overall(more, dose=1.0, random_state=0)
    assert numbers["direction"] == pytest.approx(0.1, abs=0.05)
    assert numbers["beyond_direction"] > 0.3


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
    drawn = values_at_words(LabelledSplit(X, y), n_words=50, label="a")
    rows = {tuple(row) for row in X[y == "a"].tolist()}
    assert drawn.shape == (50, 7)
    assert len({tuple(row) for row in drawn.tolist()}) == 50
    assert all(tuple(row) in rows for row in drawn.tolist())


class CountingSource(ArraySource):
    """Counts how often it is read."""

    n_reads = 0

    def read(self, start, stop, columns=None):
        self.n_reads += 1
        return super().read(start, stop, columns)


def test_values_are_read_in_blocks_and_once_for_all_sets():
    generator = np.random.default_rng(2)
    X = generator.normal(size=(3000, 40)).astype(np.float32)
    source = CountingSource(X)
    split = LabelledSplit(source, np.array(["a", "b"] * 1500, dtype=object))
    editor = Editor([Layer("L0", 20, 0), Layer("L1", 20, 1)], neuron_statistics(split), split)
    source.n_reads = 0
    for neurons in ([1, 30], [2, 3], [5, 25, 39]):
        for edit in editor.edits(np.array(neurons), Change("resample", to="b")):
            inside = [n + 20 * (edit.layer == "L1") for n in edit.neurons]
            rows = {tuple(row) for row in X[1::2][:, inside].tolist()}
            assert all(tuple(row) in rows for row in edit.change.pool.tolist())
    assert source.n_reads == 1


def test_a_direction_is_as_long_as_the_change_is():
    generator = np.random.default_rng(4)
    X = (generator.normal(size=(4000, 12)) * np.linspace(1, 3, 12)).astype(np.float32)
    y = np.array(["a", "b"] * 2000, dtype=object)
    X[y == "b"] += np.linspace(0, 5, 12, dtype=np.float32)
    X[y == "b"] *= 0.5
    split = LabelledSplit(X, y)
    editor = Editor([Layer("L0", 12, 0)], neuron_statistics(split), split)
    neurons = np.array([1, 6, 11])
    values = torch.from_numpy(X)
    for change in (
        Change("mean"),
        Change("mean", to="b"),
        Change("zero"),
        Change("value", value=2.0),
        Change("resample"),
        Change("resample", to="b"),
        Change("resample", to="a"),
        Change("translate", of="a", to="b", dose=1.5),
    ):
        (edit,) = editor.edits(neurons, change)
        moved = edit.change(values[:, neurons]) - values[:, neurons]
        (direction,) = editor.direction(neurons, change, draw=0)
        length = float(np.linalg.norm(np.asarray(direction.change.numbers)))
        expected = float(moved.double().square().sum(dim=1).mean().sqrt())
        assert length == pytest.approx(expected, rel=0.05), change.name  # the pool is a sample of 512 words
