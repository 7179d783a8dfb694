"""What all labels share is set to what costs least, and nothing else changes."""

from __future__ import annotations

import pytest
import torch

from neurosieve.probes.exact.level import levelled


def penalty(W, l1, l2):
    return (l1 * W.abs() + l2 * W.square()).sum(dim=0)


@pytest.mark.parametrize(("l1", "l2"), [(1.0, 0.0), (1.0, 0.3), (1e-3, 1.0), (0.0, 1.0)])
@pytest.mark.parametrize("n_labels", [2, 3, 6, 9])
def test_no_other_shift_costs_less(n_labels, l1, l2):
    W = torch.randn((n_labels, 40), generator=torch.Generator().manual_seed(n_labels), dtype=torch.float64) + 0.5
    W[: n_labels // 2, ::3] = 0.0
    found = levelled(W, l1=l1, l2=l2)
    shift = W - found
    assert torch.allclose(shift, shift[0].expand_as(shift), atol=1e-15)
    least = penalty(found, l1, l2)
    for t in torch.linspace(-3.0, 3.0, 601, dtype=torch.float64):
        assert bool((penalty(W - t, l1, l2) >= least - 1e-12).all())


def test_weights_that_are_mostly_zero_stay_as_they_are():
    W = torch.zeros((5, 8))
    W[0], W[1] = 1.0, 2.0
    assert levelled(W, l1=1.0, l2=1e-3) is W
    assert levelled(W, l1=0.0, l2=0.0) is W


def test_new_zeros_are_exact():
    W = torch.tensor([[0.1], [0.7], [0.3]])
    assert (levelled(W, l1=1.0, l2=1e-3) == 0.0).sum() == 1


def test_without_l2_zero_is_preferred_among_equals():
    W = torch.tensor([[-1.0], [-0.5], [2.0], [3.0]])
    assert levelled(W, l1=1.0, l2=0.0) is W
    W = W + 4.0
    assert torch.equal(levelled(W, l1=1.0, l2=0.0), W - 3.5)  # the nearest of the medians 3.5 to 6
