"""Products for many solvers at once: the right ones, from memory or streamed, exact or rough."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.activations.source import as_source
from neurosieve.probes import products
from neurosieve.probes.exact.passes import CHUNK_WORDS, Design, Gradient, Logits, Words, run_together
from neurosieve.probes.stream import ActivationStream

N_WORDS, N_COLUMNS = 5000, 7


@pytest.fixture
def activations():
    rng = np.random.default_rng(0)
    return (rng.standard_normal((N_WORDS, N_COLUMNS)) + rng.uniform(-9, 9, N_COLUMNS)).astype(np.float32)


def design_of(X, memory_limit=1 << 30):
    return Design(ActivationStream(as_source(X), device=torch.device("cpu"), memory_limit=memory_limit))


def ask(design, *requests):
    def solver():
        return (yield requests)

    return run_together([solver()], design, at_once=1)[0]


@pytest.fixture(params=["in memory", "a copy in their place", "no room for copies", "streamed"])
def design(request, activations):
    size = activations.nbytes
    limits = {"in memory": 1 << 30, "a copy in their place": 3 * size // 2, "no room for copies": size, "streamed": 1}
    return design_of(activations, limits[request.param])


def test_a_copy_takes_the_place_of_activations_where_both_do_not_fit(activations):
    limit = 3 * activations.nbytes // 2
    whole, one = (design_of(activations, n) for n in (1 << 30, limit))
    assert whole.stream.resident is not None
    assert list(one.copies) == [torch.float32]
    assert one.stream.resident is None
    assert one.nbytes + one.stream.nbytes <= limit
    R = torch.randn((4, N_WORDS), generator=torch.Generator().manual_seed(0))
    asked = (Gradient(R), Gradient(R.double()), Words(torch.tensor([3, 4999])))
    for a, b in zip(ask(whole, *asked), ask(one, *asked), strict=True):
        pieces = [a, b] if isinstance(a, torch.Tensor) else [torch.cat(a, dim=1), torch.cat(b, dim=1)]
        assert torch.equal(*pieces)


def test_activations_in_float64_stay_as_a_copy_in_float32_cannot_stand_in(activations):
    wide = activations.astype(np.float64)
    assert design_of(wide, 5 * wide.nbytes // 4).stream.resident is not None


def test_moments_are_those_of_all_words(design, activations):
    assert np.allclose(design.mean, activations.astype(np.float64).mean(axis=0), atol=1e-12)
    assert np.allclose(design.variance, activations.astype(np.float64).var(axis=0), rtol=1e-9)


def test_products_are_with_centred_activations(design, activations):
    rng = np.random.default_rng(1)
    W, R = torch.from_numpy(rng.standard_normal((3, N_COLUMNS))), torch.from_numpy(rng.standard_normal((4, N_WORDS)))
    centred = torch.from_numpy(activations.astype(np.float64)) - design.mean
    logits, gradient, single = ask(design, Logits(W), Gradient(R), Gradient(R.float()))
    assert logits.dtype == gradient.dtype == torch.float64
    assert torch.allclose(logits, W @ centred.T, atol=1e-5)  # activations are centred in float32
    assert torch.allclose(gradient, R @ centred, atol=1e-3)  # ... and their errors of 1e-6 add up over 5000 words
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), R @ centred, atol=1e-3)


def test_words_are_those_asked_for(design, activations):
    rows = torch.tensor([0, 1, CHUNK_WORDS - 1, CHUNK_WORDS, 4000, N_WORDS - 1])
    (found,) = ask(design, Words(rows))
    assert all(piece.is_contiguous() for piece in found)
    assert np.allclose(torch.cat(found, dim=1).T, activations[rows.numpy()] - design.mean.numpy(), atol=1e-5)
    assert ask(design, Words(rows[:0])) == ([],)


def test_where_all_words_of_a_piece_are_asked_for_it_is_not_copied(design, activations):
    rows = torch.cat([torch.arange(10), torch.arange(CHUNK_WORDS, N_WORDS)])
    (found,) = ask(design, Words(rows))
    assert np.allclose(torch.cat(found, dim=1).T, activations[rows.numpy()] - design.mean.numpy(), atol=1e-5)
    copies = {piece.data_ptr() for piece in design.copies.get(torch.float32, [])[1:]}
    assert {piece.data_ptr() for piece in found} >= copies


def test_pieces_of_few_words_each_are_joined(design):
    rows = torch.arange(0, N_WORDS, 2)
    (found,) = ask(design, Words(rows))
    assert sum(piece.shape[1] for piece in found) == len(rows)
    assert min(piece.shape[1] for piece in found[:-1]) >= CHUNK_WORDS


def test_rough_products_are_in_bfloat16_where_that_is_faster(monkeypatch, activations):
    monkeypatch.setattr(products, "FEW_VALUES", 0)
    monkeypatch.setattr(products, "_speed_up", lambda: 9.0)
    W = torch.randn((3, N_COLUMNS), generator=torch.Generator().manual_seed(0))
    for memory_limit in (1 << 30, 1):
        design = design_of(activations, memory_limit)
        assert design.rough == torch.bfloat16
        exact, rough, words = ask(design, Logits(W), Logits(W, rough=True), Words(torch.tensor([3])))
        assert exact.dtype == rough.dtype == torch.float32
        assert [piece.dtype for piece in words] == [torch.bfloat16]
        error = float((rough - exact).abs().max() / exact.abs().max())
        assert 1e-5 < error < 2e-2  # a rounding of 2^-9 of each factor
        (double,) = ask(design, Logits(W.double(), rough=True))  # float64 is never rough
        assert torch.allclose(double.float(), exact, atol=1e-5)


def test_float64_activations_keep_their_digits(activations):
    fine = activations.astype(np.float64) + 1e-9 * np.random.default_rng(2).standard_normal(activations.shape)
    design = design_of(fine)
    W = torch.randn((3, N_COLUMNS), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (logits,) = ask(design, Logits(W))
    assert torch.allclose(logits, W @ (torch.from_numpy(fine) - design.mean).T, atol=1e-12)


def test_solvers_share_passes_and_leave_when_they_are_done(activations):
    design = design_of(activations)
    served = []
    serve = design.serve
    design.serve = lambda requests: served.append(len(requests)) or serve(requests)

    def solver(n_requests):
        total = 0.0
        for _ in range(n_requests):
            Z = yield Logits(torch.ones((1, N_COLUMNS)))
            total += float(Z.abs().sum())
        return n_requests, total

    results = run_together([solver(n) for n in (1, 3, 0, 2)], design, at_once=2)
    assert [n for n, _ in results] == [1, 3, 0, 2]
    assert [n for n in served if n] == [2, 2, 2]
    assert results[1][1] == pytest.approx(3 * results[0][1])
