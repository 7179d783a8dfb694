"""The intercept is found from anywhere: flat, steep and far-away starts, single precision included."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.probes.exact.likelihood import Likelihood


def separable(*, margin, n_words=90, n_labels=3, seed=0):
    """Codes of a likelihood, and logits in which each word's own label leads by about `margin` nats."""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(n_labels, (n_words,), generator=generator)
    logits = torch.randn((n_labels, n_words), generator=generator, dtype=torch.float64)
    logits.scatter_add_(0, codes[None], torch.full((1, n_words), float(margin), dtype=torch.float64))
    return codes, logits


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("start", [0.0, 5.0, 60.0, -300.0])
@pytest.mark.parametrize("margin", [0.0, 3.0, 12.0, 40.0, 200.0])
def test_the_intercept_is_found_from_anywhere(margin, start, dtype):
    codes, logits = separable(margin=margin)
    model = Likelihood(codes, None, 3)
    b, P = model.fit_intercept(
        logits.to(dtype), torch.tensor([start, 0.0, -start / 2], dtype=torch.float64), max_steps=200
    )
    assert bool(torch.isfinite(b).all())
    off = (P.double() @ model.omega - model.target).abs() / model.target
    single = 3e-7 if margin <= 3.0 else 3e-5  # sums of 90 values; logits of 40 are rounded to 4e-6
    assert float(off.max()) <= (single if dtype == torch.float32 else 1e-12)


@pytest.mark.parametrize("margin", [1.0, 8.0, 30.0])
def test_no_step_of_the_intercept_raises_the_loss(margin):
    codes, logits = separable(margin=margin)
    model = Likelihood(codes, None, 3)
    b = torch.tensor([40.0, 0.0, -25.0], dtype=torch.float64)
    losses = []
    for _ in range(30):
        Z = logits + b[:, None]
        losses.append(float((torch.logsumexp(Z, dim=0) - Z.gather(0, codes[None])[0]).mean()))
        b, _ = model.fit_intercept(logits, b, max_steps=1)
    assert max(np.diff(losses)) <= 1e-14 * losses[0]  # rounding
    assert losses[-1] < losses[0]


def test_no_probability_is_subnormal():
    codes, logits = separable(margin=90.0)
    model = Likelihood(codes, None, 3)
    _, P = model.fit_intercept(logits.float(), model.target.log())
    assert bool((P == 0.0).any())
    assert float(P[P > 0.0].min()) > 1e-31  # subnormal numbers begin at 1.2e-38 and slow every product down


def test_rare_labels_keep_their_frequency_beside_frequent_ones_in_single_precision():
    codes, logits = separable(margin=6.0, n_words=60_000, n_labels=4)
    codes[codes == 3] = 0
    codes[:3] = 3
    logits[3] -= 9.0
    model = Likelihood(codes, None, 4)
    _, P = model.fit_intercept(logits.float(), model.target.log())
    # Sums of 60,000 probabilities in float32 are off by 1e-5 of the frequent labels, which is a fifth of the rare one's.
    assert float(((P.double() @ model.omega) / model.target - 1.0).abs().max()) < 1e-4
