"""A step lowers the model, with or without zeros and coupling, and repeated steps find its minimum."""

from __future__ import annotations

import pytest
import torch

from neurosieve.probes.exact.blocks import Blocks
from neurosieve.probes.exact.step import _that_matter, descend

PENALTIES = [(1e-2, 1e-2), (1e-3, 1e-4), (3e-2, 0.0), (0.0, 1e-3)]


def ones():
    return torch.ones(4, dtype=torch.float64)


def violation(model, place):
    """Largest violation of the optimality conditions."""
    l1, l2 = model.problem.l1, model.problem.l2
    slope = model.gradient(place) + 2.0 * l2 * place.V
    used = place.V != 0.0
    on_face = (slope + l1 * place.V.sign())[used].abs()
    off_face = (slope.abs() - l1)[~used]
    return max(float(on_face.max()) if len(on_face) else 0.0, float(off_face.max()) if len(off_face) else 0.0)


@pytest.mark.parametrize(("l1", "l2"), PENALTIES)
@pytest.mark.parametrize("start", ["zero", "away"])
def test_steps_lower_the_model_and_lead_to_its_minimum(small, model_at, weights, l1, l2, start):
    given = small(l1, l2)
    W = weights if start == "away" else torch.zeros_like(weights)
    blocks, before = Blocks(given.problem, max_columns=1000), None
    for _ in range(25):
        model = model_at(given, W)
        if before is not None:
            assert model.point.objective <= before + 1e-14  # rounding
        before = model.point.objective
        blocks.refresh(model)
        place = descend(model, blocks, ones(), enough=0.0)
        assert place.value <= model.start.value + 1e-14
        W = place.V
    assert violation(model, model.start) < 1e-7
    assert model.point.gap < 1e-10


def test_one_step_gets_most_of_the_gain(small, model_at, weights):
    given = small(1e-3, 1e-3)
    first = model_at(given, weights)
    blocks, W = Blocks(given.problem, max_columns=1000), weights
    reached = []
    for _ in range(20):
        model = model_at(given, W)
        reached.append(model.point.objective)
        blocks.refresh(model)
        W = descend(model, blocks, ones(), enough=0.0).V
    assert reached[0] == first.point.objective
    assert reached[0] - reached[1] > 0.5 * (reached[0] - reached[-1])


def test_a_label_whose_matrix_is_too_weak_gets_a_larger_multiple(small, model_at, weights):
    given = small(1e-3, 1e-3)
    model = model_at(given, weights)
    blocks = Blocks(given.problem, max_columns=1000)
    blocks.refresh(model)
    for block in blocks._blocks:
        block.gram *= 0.01
    multiples = ones()
    place = descend(model, blocks, multiples, enough=0.0)
    assert float(multiples.max()) > 10.0
    assert place.value < model.start.value


def test_multiples_are_eased_when_they_are_too_large(small, model_at, weights):
    given = small(1e-3, 1e-3)
    model = model_at(given, weights)
    blocks = Blocks(given.problem, max_columns=1000)
    blocks.refresh(model)
    multiples = 50.0 * ones()
    descend(model, blocks, multiples, enough=0.0)
    assert float(multiples.max()) < 50.0
    assert float(multiples.min()) >= 1.0


def test_at_the_minimum_nothing_moves(small, model_at):
    given = small(1.0, 1e-2)  # above lambda_max: all weights are zero
    model = model_at(given, torch.zeros((4, 12), dtype=torch.float64))
    blocks = Blocks(given.problem, max_columns=1000)
    blocks.refresh(model)
    place = descend(model, blocks, ones(), enough=0.0)
    assert not bool(place.V.any())
    assert place.value == model.start.value


def test_masked_columns_stay_zero(small, model_at, weights):
    mask = torch.arange(12) % 3 != 1
    for l1 in (1e-3, 0.0):
        given = small(l1, 1e-3, mask=mask)
        model = model_at(given, weights * mask)
        blocks = Blocks(given.problem, max_columns=1000)
        blocks.refresh(model)
        assert not bool(descend(model, blocks, ones(), enough=0.0).V[:, ~mask].any())


def test_labels_that_matter_hold_nearly_all():
    shares = torch.tensor([[0.01, 0.0], [30.0, 20.0], [0.0, 0.5], [49.0, 0.0]])
    assert _that_matter(shares) == [1, 3]
    assert _that_matter(torch.ones((3, 2))) == [0, 1, 2]
