"""Each label on its own: its matrix is its block of the Hessian, its elastic net is solved, its factor inverts."""

from __future__ import annotations

import pytest
import torch

from neurosieve.probes.exact import blocks as module
from neurosieve.probes.exact.blocks import Blocks

EVERY = [0, 1, 2, 3]
PLENTY = 1000


def blocks_at(model, max_columns=PLENTY):
    blocks = Blocks(model.problem, max_columns=max_columns)
    blocks.refresh(model)
    return blocks


def hessian_block(given, model, k):
    """Of one label, its own intercept eliminated; (n_columns, n_columns)."""
    doubt = model.P[k] * (1.0 - model.P[k]) * model.weight
    X = given.X - (doubt @ given.X) / doubt.sum()
    return (X * doubt[:, None]).T @ X


def test_matrices_are_the_labels_own_blocks_of_the_hessian(small, model_at, weights):
    given = small(l1=0.0)  # without l1 all columns are wanted
    model = model_at(given, weights)
    blocks = blocks_at(model)
    r = torch.randn(weights.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = blocks.solve(r, torch.ones_like(r, dtype=torch.bool), EVERY)
    for k in EVERY:
        H = hessian_block(given, model, k)
        H += 2.0 * model.problem.l2 * torch.eye(len(H), dtype=H.dtype)
        assert torch.allclose(found[k], torch.linalg.solve(H, r[k]), rtol=1e-6)


def test_nets_meet_the_optimality_conditions_of_each_label(small, model_at, weights, monkeypatch):
    monkeypatch.setattr(module, "_SWEEPS", 2000)
    l1, l2 = 1e-2, 1e-3
    given = small(l1, l2)
    model = model_at(given, weights)
    blocks = blocks_at(model)
    multiples = torch.tensor([1.0, 2.0, 1.0, 3.0], dtype=torch.float64)
    out = weights.clone()
    g = model.point.G
    pulled = blocks.nets(weights, g, multiples, labels=[0, 1, 3], out=out)
    assert torch.equal(out[2], weights[2])
    assert float(pulled[2]) == 0.0
    for k in (0, 1, 3):
        H = hessian_block(given, model, k)
        step = out[k] - weights[k]
        slope = g[k] + multiples[k] * (H @ step) + 2.0 * l2 * out[k]
        used = out[k] != 0.0
        inside = (weights[k] != 0.0) | (g[k].abs() >= 0.97 * l1)  # its working set
        assert bool(used.any())
        assert torch.allclose(slope[used], -l1 * out[k][used].sign(), atol=1e-7)
        assert bool((slope[inside & ~used].abs() <= l1 + 1e-7).all())
        assert not bool(used[~inside].any())
        assert float(pulled[k]) == pytest.approx(float(step @ H @ step))


def test_a_matrix_is_kept_while_it_fits_and_taken_anew_when_it_does_not(small, model_at, weights):
    given = small()
    blocks = blocks_at(model_at(given, weights))
    first = [block.gram for block in blocks._blocks]
    blocks.refresh(model_at(given, 1.01 * weights))
    assert all(block.gram is gram for block, gram in zip(blocks._blocks, first, strict=True))
    blocks.refresh(model_at(given, 8.0 * weights))  # much less doubt
    assert not any(block.gram is gram for block, gram in zip(blocks._blocks, first, strict=True))


def test_a_factor_of_more_columns_than_the_face_will_do(small, model_at, weights):
    model = model_at(small(), weights)
    blocks = blocks_at(model)
    face = weights != 0.0
    r = torch.ones_like(weights)
    blocks.solve(r, face, EVERY)
    fewer = face.clone()
    fewer[:, 1] = False
    found = blocks.solve(r, fewer, EVERY)
    assert not bool(found[~fewer].any())
    assert bool((found[fewer] != 0.0).all())
    more = torch.ones_like(face)
    assert bool((blocks.solve(r, more, EVERY) != 0.0).all())  # also columns outside every matrix


def test_where_memory_is_short_the_largest_matrices_are_cut(small, model_at, weights):
    blocks = blocks_at(model_at(small(l1=0.0), weights), max_columns=10)
    assert [len(block.columns) for block in blocks._blocks] == [5, 5, 5, 5]  # 4 x 5^2 = 10^2


def test_masked_columns_are_in_no_matrix(small, model_at, weights):
    mask = torch.arange(12) % 2 == 0
    model = model_at(small(l1=0.0, mask=mask), weights * mask)
    assert all(bool(mask[block.columns].all()) for block in blocks_at(model)._blocks)


def test_rough_matrices_are_factored_all_the_same():
    gram = torch.full((6, 6), 1.0) + 1e-7 * torch.eye(6)
    gram[0, 1] = gram[1, 0] = 1.01  # indefinite by rounding
    factor = module._cholesky(gram, 0.0)
    assert bool(torch.isfinite(factor).all())
    assert torch.allclose(factor @ factor.T, gram, atol=0.1)
