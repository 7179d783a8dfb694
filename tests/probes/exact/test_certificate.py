"""The certificate never claims too much: feasible whatever it is given, below every objective, tight at the optimum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.probes.exact.certificate import (
    conjugate_penalty,
    dual_bound,
    dual_scale,
    match_frequencies,
    mean_entropy,
)
from neurosieve.probes.objective import objective

PENALTIES = [(1e-1, 1e-1), (1e-2, 1e-3), (1e-3, 0.0), (0.0, 1e-2), (1e-2, 1e-9), (0.0, 0.0)]


def problem(seed, *, n_words=60, n_columns=5, n_labels=3):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn((n_words, n_columns), generator=generator, dtype=torch.float64) + 1.0
    codes = torch.randint(n_labels, (n_words,), generator=generator)
    omega = torch.rand(n_words, generator=generator, dtype=torch.float64)
    omega /= omega.sum()
    target = torch.zeros(n_labels, dtype=torch.float64).scatter_add_(0, codes, omega)
    q = torch.softmax(3.0 * torch.randn((n_labels, n_words), generator=generator, dtype=torch.float64), dim=0)
    return X, codes, omega, target, q


def bound_of(X, codes, omega, q, l1, l2):
    one_hot = torch.zeros_like(q).scatter_(0, codes[None], 1.0)
    G = ((q - one_hot) * omega) @ X
    return dual_bound(q, G, omega=omega, codes=codes, l1=l1, l2=l2)


@pytest.mark.parametrize("seed", range(5))
def test_matched_frequencies_are_exact_and_every_word_keeps_a_distribution(seed):
    _, _, omega, target, q = problem(seed)
    assert float((q @ omega - target).abs().max()) > 1e-2  # there is something to match
    matched = match_frequencies(q, omega, target)
    assert float((matched @ omega - target).abs().max()) < 1e-15  # rounding of sums of 60 values below 1
    assert float((matched.sum(dim=0) - 1.0).abs().max()) < 1e-15
    assert float(matched.min()) >= 0.0


def test_what_matches_already_is_left_alone():
    _, _, omega, _, q = problem(0)
    assert torch.allclose(match_frequencies(q, omega, q @ omega), q, rtol=0, atol=1e-15)  # rounding


def test_a_label_that_never_occurs_gets_no_probability():
    _, _, omega, _, q = problem(0)
    matched = match_frequencies(q, omega, torch.tensor([0.25, 0.0, 0.75], dtype=torch.float64))
    assert float(matched[1].abs().max()) == 0.0


@pytest.mark.parametrize(("l1", "l2"), PENALTIES)
@pytest.mark.parametrize("seed", range(4))
def test_no_weights_whatever_have_an_objective_below_the_bound(seed, l1, l2):
    X, codes, omega, target, q = problem(seed)
    bound = bound_of(X, codes, omega, match_frequencies(q, omega, target), l1, l2)
    generator = torch.Generator().manual_seed(seed)
    assert bound >= 0.0
    for size in (0.0, 0.03, 0.3, 3.0):
        W = size * torch.randn((3, 5), generator=generator, dtype=torch.float64)
        b = torch.randn(3, generator=generator, dtype=torch.float64)
        assert float(objective(X, codes, W, b=b, l1=l1, l2=l2, weights=omega)) >= bound


def test_a_shift_of_the_columns_does_not_move_the_bound():
    # Without matched frequencies it would: this is what the free intercept asks of the dual point.
    X, codes, omega, target, q = problem(1)
    matched = match_frequencies(q, omega, target)
    here, there = (bound_of(x, codes, omega, matched, 1e-2, 1e-2) for x in (X, X + 10.0))
    assert here == pytest.approx(there, abs=1e-12)  # rounding of shifts ten times the spread, squared


@pytest.mark.parametrize(("l1", "l2"), [(1e-2, 1e-3), (1e-3, 1e-6), (0.0, 1e-2)])
def test_the_scale_is_the_best_of_a_fine_grid(l1, l2):
    X, codes, omega, target, q = problem(2)
    q = match_frequencies(q, omega, target)
    G = ((q - torch.zeros_like(q).scatter_(0, codes[None], 1.0)) * omega) @ X
    entropy = mean_entropy(q, omega)

    def value(s):
        return s * entropy - conjugate_penalty(s * G, l1, l2)

    s = dual_scale(G, entropy, l1=l1, l2=l2)
    assert 0.0 <= s <= 1.0
    assert value(s) >= max(value(t) for t in np.linspace(0.0, 1.0, 2001)) - 1e-12  # rounding


def test_without_l2_the_scaled_gradient_meets_the_threshold():
    G = torch.tensor([[0.5, -2.0], [0.1, 0.0]], dtype=torch.float64)
    assert dual_scale(G, 1.0, l1=0.5, l2=0.0) == 0.25
    assert dual_scale(G, 1.0, l1=2.0, l2=0.0) == 1.0
    assert dual_scale(G, 1.0, l1=0.0, l2=0.0) == 0.0


def test_the_entropy_of_certain_and_of_uniform_words():
    omega = torch.tensor([0.25, 0.75], dtype=torch.float64)
    q = torch.tensor([[1.0, 0.5], [0.0, 0.5]], dtype=torch.float64)
    assert mean_entropy(q, omega) == pytest.approx(0.75 * np.log(2.0), abs=1e-15)


@pytest.mark.parametrize(("l1", "l2"), [(1e-1, 1e-1), (1e-2, 1e-3), (1e-3, 1e-6), (0.0, 1e-2), (1e-2, 1e-9)])
@pytest.mark.parametrize("entropy", [0.0, 1e-3, 0.5])
def test_the_scale_is_the_best_of_all(l1, l2, entropy):
    G = 0.2 * torch.randn((4, 50), generator=torch.Generator().manual_seed(5), dtype=torch.float64)

    def bound(s):
        return s * entropy - conjugate_penalty(s * G, l1, l2)

    best = dual_scale(G, entropy, l1=l1, l2=l2)
    assert 0.0 <= best <= 1.0
    grid = torch.linspace(0.0, 1.0, 2001).tolist()
    assert bound(best) >= max(bound(s) for s in grid) - 1e-15
