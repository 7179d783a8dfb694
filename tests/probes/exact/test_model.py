"""The local model: on all words it is the objective itself; its derivatives are those that differentiation finds."""

from __future__ import annotations

import pytest
import torch

from neurosieve.probes.exact.objective import weigh

EVERY = [0, 1, 2, 3]


def moved(model, V, b=None):
    start = torch.zeros(len(V), dtype=torch.float64) if b is None else b
    return model.at(V, model.logits(V - model.point.W, EVERY), start)


def true_objective(given, W):
    return weigh(given.problem, W, Z=W @ given.X.T, b=given.problem.likelihood.target.log()).objective


@pytest.fixture
def step():
    return 0.1 * torch.randn((4, 12), generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize(("l1", "l2"), [(1e-2, 1e-2), (0.0, 1e-3), (1e-1, 0.0)])
def test_on_all_words_it_differs_from_the_objective_by_a_constant(small, model_at, weights, step, l1, l2):
    given = small(l1, l2)
    model = model_at(given, weights)
    for length in (1e-4, 0.1, 1.0, 20.0):
        V = weights + length * step
        found = moved(model, V).value - model.start.value
        wanted = true_objective(given, V) - model.point.objective
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_the_gradient_is_that_of_its_smooth_part(small, model_at, weights, step):
    given = small(0.0, 0.0)
    model = model_at(given, weights)
    place = moved(model, weights + step)
    ahead, behind = (moved(model, weights + step + h * step, place.b).value for h in (1e-4, -1e-4))
    slope = float((model.gradient(place) * step).sum())
    assert slope == pytest.approx((ahead - behind) / 2e-4, rel=1e-5)
    assert model.gradient(model.start) is model.point.G


def test_activations_are_those_of_the_words_and_columns_asked_for(small, model_at, weights):
    given = small()
    rows, columns = torch.tensor([0, 149, 150, 299, 300, 399]), torch.tensor([3, 1, 11])  # pieces are of 150 words
    found = model_at(given, weights).columns(rows, columns)
    assert torch.equal(found, given.X[rows][:, columns])


def test_the_curvature_is_the_change_of_the_gradient(small, model_at, weights, step):
    given = small()
    model = model_at(given, weights)
    bend = model.curvature(model.start)
    h = 1e-5
    ahead = model.gradient(moved(model, weights + h * step))
    behind = model.gradient(moved(model, weights - h * step))
    found = bend(model.logits(step, EVERY), EVERY)
    assert torch.allclose(found, (ahead - behind) / (2 * h), rtol=1e-4, atol=1e-8)
    assert float((found * step).sum()) > 0.0


def test_some_labels_alone_give_their_rows_of_the_whole(small, model_at, weights, step):
    given = small()
    model = model_at(given, weights)
    bend = model.curvature(model.start)
    z = model.logits(step, EVERY)
    some = bend(z, [1, 3])
    assert torch.allclose(some[[1, 3]], bend(z, EVERY)[[1, 3]], atol=1e-15)  # the order of summation differs
    assert not bool(some[[0, 2]].any())
    assert not bool(model.logits(step, [2])[[0, 1, 3]].any())


def test_masked_columns_have_no_curvature(small, model_at, weights, step):
    mask = torch.arange(12) % 2 == 0
    given = small(mask=mask)
    model = model_at(given, weights * mask)
    found = model.curvature(model.start)(model.logits(step * mask, EVERY), EVERY)
    assert not bool(found[:, ~mask].any())
    assert not bool(model.gradient(moved(model, weights * mask + step * mask))[:, ~mask].any())


def test_bent_is_the_change_of_the_gradient_along_a_step(small, model_at, weights, step):
    given = small()
    model = model_at(given, weights)
    end = moved(model, weights + step)
    change = model.gradient(end) - model.gradient(model.start)
    assert torch.allclose(model.bent(model.start, end), (change * step).sum(dim=1), rtol=1e-8)


def test_a_sample_is_unbiased(small, model_at, weights, step):
    given = small(n_words=4000)
    whole = model_at(given, weights)
    wanted = moved(whole, weights + step).value - whole.start.value
    values = []
    for first in range(4):
        rows = torch.arange(first, 4000, 4)
        model = model_at(given, weights, rows, torch.full((1000,), 0.25, dtype=torch.float64))
        values.append(moved(model, weights + step).value - model.start.value)
    assert sum(values) / 4 == pytest.approx(wanted, rel=0.05)  # intercepts are fitted to each sample
    assert max(values) - min(values) < abs(wanted)


def test_changes_near_zero_keep_their_digits_in_float32(small, model_at, weights, step):
    given = small(dtype=torch.float32)
    model = model_at(given, weights.float())
    values = [
        moved(model, weights.float() + length * step.float()).value - model.start.value for length in (1e-3, 2e-3)
    ]
    exact = small()
    double = model_at(exact, weights.float().double())
    wanted = [
        moved(double, weights.float().double() + length * step).value - double.start.value for length in (1e-3, 2e-3)
    ]
    assert values == pytest.approx(wanted, rel=1e-3)  # float32 weights and logits


def test_what_is_wanted_alone_is_that_of_the_whole(small, model_at, weights, step):
    model = model_at(small(), weights)
    place = moved(model, weights + step)
    wanted = torch.zeros_like(weights, dtype=torch.bool)
    wanted[1, 3] = wanted[2, 7] = True  # few of 48
    bend, z = model.curvature(place), model.logits(step, EVERY)
    for some, whole in (
        (model.gradient(place, wanted), model.gradient(place)),
        (bend(z, EVERY, wanted), bend(z, EVERY)),
    ):
        assert torch.allclose(some[wanted], whole[wanted], rtol=1e-12)
        assert not torch.equal(some, whole)  # the others were not computed
