"""Probes that are fitted for their scores are solved as far as these need it."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.scored import GAIN, GAP, fit_and_score
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


def test_larger_sets_go_on_from_smaller_ones_and_come_back_in_their_order(splits):
    control = ControlTask(0).apply(splits)
    sets = (None, np.arange(9), np.arange(5))
    specs = [ProbeSpec(control.train.y, l1=1e-3, l2=1e-4, neurons=neurons) for neurons in sets]
    together = fit_and_score(control, specs, solver="exact")
    assert [None if p.neurons is None else len(p.neurons) for p in together.probes] == [None, 9, 5]
    for spec, probe, score in zip(specs, together.probes, together.scores["test"], strict=True):
        alone = fit_and_score(control, [spec], solver="exact")
        assert probe.objective_ == pytest.approx(alone.probes[0].objective_, rel=2e-3)
        assert score == pytest.approx(alone.scores["test"][0], abs=2 / 300 + TENTH)


def test_a_larger_gain_ends_sooner(splits):
    spec = ProbeSpec(splits.train.y, l1=1e-6, l2=1e-7)
    soon, late = (fit_and_score(splits, [spec], solver="exact", gain=gain) for gain in (0.5, GAIN))
    assert soon.probes[0].n_passes_ < late.probes[0].n_passes_
    assert soon.scores["test"][0] == pytest.approx(late.scores["test"][0], abs=0.05)  # 300 words: a deviation is 0.03
