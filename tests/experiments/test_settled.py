"""Probes that are fitted for their scores are solved until these keep still, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.experiments import settled
from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.settled import GAPS, settle
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec

TENTH = 1e-3
"""A tenth of a point."""


def test_scores_are_those_of_full_precision(splits):
    control = ControlTask(0).apply(splits)
    spec = ProbeSpec(control.train.y, l1=1e-3, l2=1e-3)
    found = settle(control, [spec], solver="exact")
    full = fit_probes(control.train.activations, [spec], "exact")[0]
    for name in ("dev", "test"):
        part = getattr(control, name)
        expected = float(score_probes(part.activations, [full], part.y)[0])
        assert found.scores[name][0] == pytest.approx(expected, abs=1 / 300 + TENTH)  # one word of 300
    assert 0.0 <= found.gaps[0] <= GAPS[0]


def test_it_ends_when_no_score_moves_and_at_the_tolerance_otherwise(splits, monkeypatch):
    spec = ProbeSpec(splits.train.y, l1=1e-3, l2=1e-3)
    asked = []
    original = settled.fit_probes

    def watched(*args, **settings):
        asked.append(settings["tol"])
        return original(*args, **settings)

    monkeypatch.setattr(settled, "fit_probes", watched)
    monkeypatch.setattr(settled, "STILL", 1.0)  # everything keeps still
    settle(splits, [spec], solver="exact")
    assert asked == list(GAPS[:2])
    asked.clear()
    monkeypatch.setattr(settled, "STILL", -1.0)  # nothing does
    found = settle(splits, [spec], solver="exact", tol=5e-3)
    assert asked == [1e-2, 5e-3]
    assert found.gaps[0] <= 5e-3


def test_other_solvers_fit_once(splits, settings):
    found = settle(splits, [ProbeSpec(splits.train.y, l1=1e-3)], solver="adam", **settings)
    assert np.isnan(found.gaps[0])
    assert set(found.scores) == {"dev", "test"}
