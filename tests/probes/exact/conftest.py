"""A small problem in float64, its point evaluated from scratch and its model on all words or on some."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from neurosieve.activations.source import as_source
from neurosieve.probes.exact.likelihood import Likelihood
from neurosieve.probes.exact.model import LocalModel
from neurosieve.probes.exact.objective import Penalised, evaluate
from neurosieve.probes.exact.passes import Design, Words, run_together
from neurosieve.probes.stream import ActivationStream

N_WORDS, N_COLUMNS, N_LABELS = 400, 12, 4


@pytest.fixture
def small():
    """Makes a problem from penalties; with what is needed to evaluate weights and to look at all its words."""

    def make(l1=1e-2, l2=1e-2, *, mask=None, n_words=N_WORDS, dtype=torch.float64):
        generator = torch.Generator().manual_seed(0)
        X = torch.randn((n_words, N_COLUMNS), generator=generator, dtype=torch.float64)
        X[:, 1] += 0.8 * X[:, 0]  # correlated
        X += torch.linspace(-2.0, 2.0, N_COLUMNS, dtype=torch.float64)
        scores = (
            2.0 * X[:, :N_LABELS] - torch.randn((n_words, N_LABELS), generator=generator, dtype=torch.float64).exp()
        )
        codes = scores.argmax(dim=1)
        stream = ActivationStream(as_source(X.to(dtype).numpy()), device=torch.device("cpu"), memory_limit=1 << 30)
        design = Design(stream)
        problem = Penalised(Likelihood(codes, None, N_LABELS), l1, l2, mask, design.variance)
        return SimpleNamespace(
            problem=problem, design=design, X=(X.to(dtype).double() - design.mean).to(dtype), codes=codes, dtype=dtype
        )

    return make


@pytest.fixture
def model_at():
    """Makes the local model of a problem at given weights, on `rows` (all words by default) with their chances."""

    def make(given, W, rows=None, chance=None):
        problem = given.problem
        all_rows = torch.arange(len(given.X)) if rows is None else rows
        likely = torch.ones(len(all_rows), dtype=given.dtype) if chance is None else chance
        solver = evaluate(
            problem, W, problem.likelihood.target.log(), choose=lambda P: Words(torch.empty(0, dtype=torch.int64))
        )
        point, _ = run_together([solver], given.design, at_once=1)[0]
        pieces = [X.T.contiguous() for X in given.X[all_rows].split(150)]
        return LocalModel(problem, point, pieces, rows=all_rows, chance=likely)

    return make


@pytest.fixture
def weights():
    """Some weights, a third of them zero; (n_labels, n_columns), float64."""
    W = 0.3 * torch.randn((N_LABELS, N_COLUMNS), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    W[:, ::3] = 0.0
    return W
