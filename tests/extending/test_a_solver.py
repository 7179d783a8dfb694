"""A solver of another package, from its definition to the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.extending.conftest import is_a_recipe

from neurosieve import make_planted
from neurosieve.errors import NeurosieveError
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.problem import GroupSolution
from neurosieve.probes.solvers import Solver, register_solver
from neurosieve.probes.spec import ProbeSpec
from neurosieve.runs.study import run_study


@dataclass(frozen=True)
class Settings:
    epochs: int = 10

    @property
    def units(self):
        """Units of progress that a probe counts for."""
        return self.epochs


def solve(stream, problem, settings, progress=None):
    """Proximal gradient steps over the whole text, one an epoch."""
    W = torch.zeros((problem.n_probes, problem.n_labels, stream.width), dtype=stream.dtype)
    b = torch.zeros((problem.n_probes, problem.n_labels), dtype=stream.dtype)
    l1, l2 = (torch.from_numpy(values).to(W)[:, None, None] for values in (problem.l1, problem.l2))
    for epoch in range(settings.epochs + 1):
        gradient, of_b, losses, squares = torch.zeros_like(W), torch.zeros_like(b), torch.zeros(problem.n_probes), 0.0
        for rows, X in stream.batches(1024):
            scores = torch.einsum("plc,wc->plw", W, X) + b[..., None]
            problem.residuals_(scores, rows, losses=losses)  # the gradient of the batch's mean loss
            share = len(X) / stream.n_words
            gradient += share * torch.einsum("plw,wc->plc", scores, X)
            of_b += share * scores.sum(dim=2)
            squares += float(X.square().sum()) / stream.n_words
        if epoch < settings.epochs:  # the last round is for the objective
            step = 1 / (0.5 * (squares + 1) + float(l2.max()))  # no less than the curvature
            moved = W - step * gradient
            W = torch.sign(moved) * (moved.abs() - step * l1).clamp_min(0) / (1 + 2 * step * l2)
            W = W if problem.mask is None else W * problem.mask[:, None, :]
            b = b - step * of_b
            if progress is not None:
                progress(epoch + 1)
    penalties = l1[:, 0, 0] * W.abs().sum(dim=(1, 2)) + l2[:, 0, 0] * W.square().sum(dim=(1, 2))
    objective = (losses / stream.n_words + penalties).double().numpy()
    n_passes = np.full(problem.n_probes, settings.epochs + 1.0)
    return GroupSolution(W, b, objective, None, n_passes, ["float32"] * problem.n_probes)


GRADIENT = Solver("gradient", module=__name__, losses=("softmax",), defaults={"epochs": 200}, deterministic=True)


def test_it_solves_the_same_problem_as_the_exact_solver() -> None:
    register_solver(GRADIENT)
    planted = make_planted(n_words=300, n_neurons=12, n_labels=3, random_state=0)
    with pytest.raises(NeurosieveError, match="there is already a solver 'gradient'; give the new one another name"):
        register_solver(GRADIENT)
    spec = [ProbeSpec(planted.y, l1=1e-2, l2=1e-2)]
    mine = fit_probes(planted.X, spec, "gradient", epochs=3000)[0]
    best = fit_probes(planted.X, spec, "exact", tol=1e-6)[0]
    assert best.objective_ - best.gap_ <= mine.objective_ <= 1.005 * best.objective_  # plain steps converge slowly


def test_a_solver(tmp_path: Path, make_settings: Callable) -> None:
    register_solver(GRADIENT)
    settings = make_settings(solver="gradient", epochs=30, learning_rate=1e-3, seeds=2, step=0.5)
    found = run_study(settings, tmp_path / "run")[0]
    assert found.exact  # it does not depend on seeds, so it has one oracle
    assert found.oracle.groupby("split")["score"].nunique().eq(1).all()
    assert "gradient" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    again = make_settings(solver="gradient", epochs=30, learning_rate=0.5, tol=0.5, seeds=2, step=0.5)
    run_study(again, tmp_path / "run")  # it has no learning rate and no tolerance, so these refuse nothing


def test_the_recipe_is_this_solver() -> None:
    assert is_a_recipe(__file__, "@dataclass(frozen=True)\nclass Settings")
