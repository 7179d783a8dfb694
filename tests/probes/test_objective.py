"""The objective is its formula, and the written-out gradient is the one that autograd finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.probes.objective import cross_entropy, objective, penalty, residuals_

N_PROBES, N_LABELS, N_WORDS, N_NEURONS = 3, 5, 41, 7

EXACT = 1e-13
"""Sums of some hundred float64 numbers of order 1: rounding of about 100 x 2e-16 = 2e-14."""


def _problem(*, shared: bool, weighted: bool):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(N_WORDS, N_NEURONS, dtype=torch.float64, generator=generator)
    W = torch.randn(N_PROBES, N_LABELS, N_NEURONS, dtype=torch.float64, generator=generator)
    b = torch.randn(N_PROBES, N_LABELS, dtype=torch.float64, generator=generator)
    rows = 1 if shared else N_PROBES
    codes = torch.randint(N_LABELS, (rows, N_WORDS), generator=generator)
    weights = None
    if weighted:
        weights = torch.rand(N_PROBES, N_WORDS, dtype=torch.float64, generator=generator)
        weights[:, ::5] = 0.0
        codes[:, ::5] = -1  # words without label
        weights /= weights.mean(dim=1, keepdim=True)
    return X, W, b, codes, weights


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_residuals_give_the_gradient_of_the_objective(shared, weighted):
    X, W, b, codes, weights = _problem(shared=shared, weighted=weighted)
    logits = (W @ X.T + b[..., None]).contiguous()
    losses = torch.zeros(N_PROBES, dtype=torch.float64)
    residuals_(logits, codes, weights, out=logits, losses=losses)  # in place, as the solver calls it
    for i in range(N_PROBES):
        w, intercept = W[i].clone().requires_grad_(), b[i].clone().requires_grad_()
        given = None if weights is None else weights[i]
        numbers = codes[0 if shared else i].clamp(min=0)  # the formula knows no missing labels; their weight is 0
        value = objective(X, numbers, w, b=intercept, l1=0.0, l2=0.0, weights=given)
        value.backward()
        torch.testing.assert_close(logits[i] @ X, w.grad, atol=EXACT, rtol=0)
        torch.testing.assert_close(logits[i].sum(dim=1), intercept.grad, atol=EXACT, rtol=0)
        torch.testing.assert_close(losses[i] / N_WORDS, value.detach(), atol=EXACT, rtol=0)


def test_a_batch_of_heavy_words_has_a_large_gradient():
    """Weights are divided by the mean over all words, not over the batch: only then is the mean over batches unbiased."""
    X, W, b, codes, weights = _problem(shared=True, weighted=True)
    logits = (W @ X.T + b[..., None]).contiguous()
    light, heavy = torch.empty_like(logits), torch.empty_like(logits)
    residuals_(logits, codes, weights, out=light)
    residuals_(logits, codes, 3 * weights, out=heavy)
    torch.testing.assert_close(heavy, 3 * light, atol=EXACT, rtol=0)


def test_residuals_accept_one_row_of_weights_for_all_probes():
    X, W, b, codes, weights = _problem(shared=True, weighted=True)
    logits = (W @ X.T + b[..., None]).contiguous()
    one, many = torch.empty_like(logits), torch.empty_like(logits)
    residuals_(logits, codes, weights[:1], out=one)
    residuals_(logits, codes, weights[:1].expand(N_PROBES, -1), out=many)
    assert torch.equal(one, many)


def test_a_word_of_probability_zero_has_a_finite_loss():
    logits = torch.tensor([[[200.0], [0.0]]])
    losses = torch.zeros(1)
    out = torch.empty_like(logits)
    residuals_(logits, torch.tensor([[1]]), None, out=out, losses=losses)
    assert out.flatten().tolist() == [1.0, -1.0]
    assert 80 < losses.item() < 200  # -log of the smallest float32


def test_objective_is_its_formula():
    X, W, b, codes, weights = _problem(shared=True, weighted=True)
    W0, b0, w0 = W[0], b[0], weights[0]
    numbers = codes[0].clamp(min=0)
    total = 0.0
    for i in range(N_WORDS):  # word by word, with numpy
        scores = W0.numpy() @ X[i].numpy() + b0.numpy()
        p = np.exp(scores) / np.exp(scores).sum()
        total -= float(w0[i]) * np.log(p[numbers[i]])
    mean = total / float(w0.sum())
    l1_part = 0.3 * np.abs(W0.numpy()).sum()
    squared = 0.7 * (W0.numpy() ** 2).sum()
    options = {"b": b0, "l1": 0.3, "l2": 0.7, "weights": w0}
    assert objective(X, numbers, W0, **options).item() == pytest.approx(mean + l1_part + squared, rel=EXACT)
    norm = objective(X, numbers, W0, **options, l2_form="norm").item()
    assert norm == pytest.approx(mean + l1_part + 0.7 * np.sqrt((W0.numpy() ** 2).sum()), rel=EXACT)


def test_penalty_has_one_value_for_each_probe():
    W = torch.arange(12.0).view(2, 2, 3)
    assert penalty(W, 1.0, 0.0).tolist() == [15.0, 51.0]
    assert penalty(W, 0.0, 1.0).tolist() == [55.0, 451.0]


def test_weight_zero_is_a_row_removed_and_weight_two_a_row_twice():
    X, W, b, _, _ = _problem(shared=True, weighted=False)
    codes = torch.arange(N_WORDS) % N_LABELS
    weights = torch.arange(N_WORDS, dtype=torch.float64) % 3
    repeated = torch.repeat_interleave(torch.arange(N_WORDS), weights.long())
    logits = X @ W[0].T + b[0]
    weighted = cross_entropy(logits, codes, weights)
    torch.testing.assert_close(weighted, cross_entropy(logits[repeated], codes[repeated]), atol=EXACT, rtol=0)


def test_the_optimum_is_that_of_scikit_learn(planted):
    """The formula in the module's docstring: scikit-learn's solution fulfils the optimality conditions of our objective."""
    from sklearn.linear_model import LogisticRegression

    l1, l2 = 0.01, 0.02
    strength = l1 + 2 * l2
    X = planted.X.astype(np.float64)
    theirs = LogisticRegression(
        solver="saga", C=1 / (len(X) * strength), l1_ratio=l1 / strength, tol=1e-7, max_iter=2000
    ).fit(X, planted.y)
    codes = torch.from_numpy(np.searchsorted(theirs.classes_, planted.y))
    W = torch.from_numpy(theirs.coef_).requires_grad_()
    b = torch.from_numpy(theirs.intercept_).requires_grad_()
    objective(torch.from_numpy(X), codes, W, b=b, l1=0.0, l2=l2).backward()
    used = W.detach() != 0
    # 1e-5: saga stops when weights change by less than 1e-7 of the largest; the curvature here is below 10.
    assert (W.grad + l1 * W.detach().sign())[used].abs().max() < 1e-5
    assert W.grad[~used].abs().max() < l1 + 1e-5
    assert b.grad.abs().max() < 1e-5
    assert used.any()
    assert (~used).any()
