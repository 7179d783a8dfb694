"""The solver replays a literal autograd implementation of its recipe, step for step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.probes.adam import initial_weights
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.objective import penalty
from neurosieve.probes.spec import ProbeSpec

EPOCHS = 3
BATCH = 64

TOLERANCE = 1e-4
"""Each Adam step moves a weight by at most about the learning rate, 1e-3, whatever the gradient's size; where the two
implementations round a gradient that is all but zero to different signs, they differ by a small part of one step."""


def literal(X, y, *, l1, l2, recipe, random_state=0, batch_size=BATCH):
    """The released tool kit's rules, or the paper's, with torch.nn, autograd and torch.optim alone."""
    classes, codes = np.unique(y, return_inverse=True)
    W, b = (torch.from_numpy(a.copy()) for a in initial_weights(len(classes), X.shape[1], random_state))
    layer = torch.nn.Linear(X.shape[1], len(classes))
    layer.weight.data, layer.bias.data = W, b
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3)
    loss_of = torch.nn.CrossEntropyLoss()
    data, targets = torch.from_numpy(X.astype(np.float32)), torch.from_numpy(codes)
    generator = np.random.default_rng((random_state, 1))
    for _ in range(EPOCHS):
        order = np.arange(len(X)) if recipe == "neurox" else generator.permutation(len(X))
        for start in range(0, len(X), batch_size):
            rows = torch.from_numpy(order[start : start + batch_size])
            weights = layer.weight
            loss = loss_of(layer(data[rows]), targets[rows]) + l1 * weights.abs().sum()
            squares = weights.square().sum()
            loss = loss + l2 * (squares.sqrt() if recipe == "neurox" else squares)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


@pytest.mark.parametrize(("solver", "recipe"), [("adam", "paper"), ("neurox", "neurox")])
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (1e-3, 1e-2), (0.1, 0.0), (0.0, 0.1)])
def test_weights_equal_those_of_a_literal_implementation(planted, solver, recipe, l1, l2):
    W, b = literal(planted.X, planted.y, l1=l1, l2=l2, recipe=recipe)
    probe = fit_probes(planted.X, [ProbeSpec(planted.y, l1=l1, l2=l2)], solver, epochs=EPOCHS, batch_size=BATCH)[0]
    np.testing.assert_allclose(probe.coef_, W, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(probe.intercept_, b, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("solver", "recipe"), [("adam", "paper"), ("neurox", "neurox")])
def test_on_real_activations(real, solver, recipe):
    """2,688 neurons of a real encoder, all tags, a whole grid of lambdas in one group."""
    X, y = real
    pairs = [(0.0, 0.0), (1e-4, 1e-4), (1e-3, 1e-2)]
    specs = [ProbeSpec(y, l1=l1, l2=l2, random_state=5) for l1, l2 in pairs]
    probes = fit_probes(X, specs, solver, epochs=EPOCHS, batch_size=512)
    for (l1, l2), probe in zip(pairs, probes, strict=True):
        W, b = literal(X, y, l1=l1, l2=l2, recipe=recipe, random_state=5, batch_size=512)
        if recipe == "paper":
            # Adam divides a gradient by its own size. Where the sum over a batch cancels to about Adam's 1e-8, which
            # float32 sums do not resolve, a step of up to the learning rate depends on rounding: 1 weight in 120,960.
            assert np.mean(np.abs(probe.coef_ - W) > TOLERANCE) < 1e-4
            assert np.abs(probe.coef_ - W).max() < 2e-3  # two steps
        else:
            np.testing.assert_allclose(probe.coef_, W, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(probe.intercept_, b, atol=TOLERANCE, rtol=0)


def test_the_two_recipes_differ(planted):
    """The comparison above cannot pass by both rules being the same."""
    one = literal(planted.X, planted.y, l1=0.0, l2=0.1, recipe="neurox")[0]
    two = literal(planted.X, planted.y, l1=0.0, l2=0.1, recipe="paper")[0]
    assert np.abs(one - two).max() > 100 * TOLERANCE


@pytest.mark.parametrize("solver", ["adam", "neurox"])
def test_objective_is_loss_plus_the_recipes_penalty(planted, solver):
    l1, l2 = 0.02, 0.3
    # With a learning rate of 1e-12 the weights stay where they start, so the last epoch's mean loss is the loss there.
    probe = fit_probes(
        planted.X, [ProbeSpec(planted.y, l1=l1, l2=l2)], solver, epochs=1, batch_size=50, learning_rate=1e-12
    )[0]
    codes = torch.from_numpy(np.searchsorted(probe.classes_, planted.y))
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(probe.decision_function(planted.X)), codes)
    form = "norm" if solver == "neurox" else "squared"
    expected = loss + penalty(torch.from_numpy(probe.coef_), l1, l2, l2_form=form)
    assert probe.objective_ == pytest.approx(expected.item(), rel=1e-5)  # float32 sums of 600 losses


def test_initial_weights_are_seeded_and_bounded():
    W, b = initial_weights(3, 100, 7)
    again, _ = initial_weights(3, 100, 7)
    other, _ = initial_weights(3, 100, 8)
    assert np.array_equal(W, again)
    assert not np.array_equal(W, other)
    assert W.dtype == b.dtype == np.float32
    assert np.abs(W).max() <= np.float32(0.1) * (1 + 1e-6)  # 1 / sqrt(100), up to float32 rounding
    assert W.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.15)  # uniform; 300 draws know it to about 3 %
