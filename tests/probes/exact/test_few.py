"""Products of few entries are those of all of them, and are taken for no others."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.probes.exact import few

N_LABELS, N_COLUMNS, N_WORDS = 5, 40, 70


def drawn(seed, share, dtype):
    generator = torch.Generator().manual_seed(seed)
    V, U, X = (
        torch.randn(shape, generator=generator, dtype=torch.float64)
        for shape in ((N_LABELS, N_COLUMNS), (N_LABELS, N_WORDS), (N_COLUMNS, N_WORDS))
    )
    counts = torch.rand(V.shape, generator=generator) < share
    return torch.where(counts, V, 0.0).to(dtype), U.to(dtype), X.to(dtype), counts


def cut(X):
    """The words in pieces of three lengths."""
    return [piece.contiguous() for piece in X.split([20, 1, N_WORDS - 21], dim=1)]


@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.0, 0.01, 0.05, 0.5, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_they_are_the_whole_products(seed, share, dtype):
    V, U, X, wanted = drawn(seed, share, dtype)
    rounding = 100 * torch.finfo(dtype).eps  # sums of 40 or 70 terms of about 1
    assert torch.allclose(few.Factor(V).times(X), V @ X, atol=rounding)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = few.entries(U, cut(X), wanted)
    assert found.dtype == dtype
    assert torch.allclose(found[wanted], (U @ X.T)[wanted], atol=rounding)


@pytest.mark.parametrize(("share", "alone"), [(0.02, True), (0.5, False)])
def test_only_few_are_taken_one_by_one(share, alone):
    _, U, X, wanted = drawn(0, share, torch.float32)
    assert bool((few.entries(U, cut(X), wanted)[~wanted] == 0.0).all()) is alone


def test_all_are_wanted_where_nothing_is_said():
    _, U, X, _ = drawn(0, 0.0, torch.float32)
    assert torch.allclose(few.entries(U, cut(X), None), U @ X.T, atol=1e-5)


@pytest.mark.parametrize(("share", "alone"), [(0.0, True), (0.02, True), (0.08, False)])
def test_of_rounded_activations_fewer_are_few(share, alone):
    V, U, X, wanted = drawn(0, share, torch.bfloat16)
    exact = V.double() @ X.double()
    assert torch.allclose(few.Factor(V).times(X).double(), exact, rtol=torch.finfo(torch.bfloat16).eps, atol=1e-6)
    found = few.entries(U, cut(X), wanted)
    assert found.dtype == torch.float32
    pieces = zip(torch.split(U, [20, 1, N_WORDS - 21], dim=1), cut(X), strict=True)
    whole = sum((u @ x.T).float() for u, x in pieces)
    assert torch.allclose(found[wanted], whole[wanted], rtol=torch.finfo(torch.bfloat16).eps, atol=1e-6)
    assert bool((found[~wanted] == 0.0).all()) is alone
