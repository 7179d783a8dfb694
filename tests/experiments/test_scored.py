"""Probes that are fitted for their scores are solved as far as these need it."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.scored import GAP, fit_and_score
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec

TENTH = 1e-3
"""A tenth of a point."""


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_full_precision(splits, seed):
    control = ControlTask(seed).apply(splits)
    spec = ProbeSpec(control.train.y, l1=1e-3, l2=1e-3)
    found = fit_and_score(control, [spec], solver="exact")
    full = fit_probes(control.train.activations, [spec], "exact")[0]
    for name in ("dev", "test"):
        part = getattr(control, name)
        expected = float(score_probes(part.activations, [full], part.y)[0])
        assert found.scores[name][0] == pytest.approx(expected, abs=2 / 300 + TENTH)  # two words of 300
    assert 0.0 <= found.gaps[0] <= GAP


def test_a_larger_tolerance_is_kept_and_a_smaller_one_is_not_needed(splits):
    spec = ProbeSpec(splits.train.y, l1=1e-3, l2=1e-3)
    passes = [fit_and_score(splits, [spec], solver="exact", tol=tol).probes[0].n_passes_ for tol in (0.2, GAP, 1e-4)]
    assert passes[0] < passes[1] == passes[2]


def test_other_solvers_have_no_gap(splits, settings):
    found = fit_and_score(splits, [ProbeSpec(splits.train.y, l1=1e-3)], solver="adam", **settings)
    assert np.isnan(found.gaps[0])
    assert set(found.scores) == {"dev", "test"}
