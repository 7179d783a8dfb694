"""A ranking of another package, from its definition to the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.extending.conftest import is_a_recipe

from neurosieve.activations.source import as_source
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.registry import Method, register
from neurosieve.runs.study import run_study


def by_variance(split):
    """Rank neurons by the variance of their values, whatever the labels."""
    source = as_source(split.activations)
    score = source.read(0, source.n_words).astype(np.float64).var(axis=0)
    order = np.argsort(-score, kind="stable")
    return NeuronRanking(order, None, None, None, np.unique(split.y), method="variance", score=score)


VARIANCE = Method("variance", "labels", by_variance, "the variance of a neuron's values", "here")


def test_a_ranking(tmp_path: Path, make_settings: Callable) -> None:
    register(VARIANCE)
    found = run_study(make_settings(ranking=["weight-mass", "variance"], seeds=1, step=0.5), tmp_path / "run")
    assert [f.ranking.method for f in found] == ["weight-mass", "variance"]
    assert (np.diff(found[1].ranking.score[found[1].ranking.order]) <= 0).all()
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "variance" in page
    assert "This needs the ranking by weight mass; this one is by variance." in page


def test_the_recipe_is_this_ranking() -> None:
    assert is_a_recipe(__file__, "def by_variance")
