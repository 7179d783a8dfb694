"""Figures of interventions draw what their tables hold."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.figures import effect_by_dose, effect_by_size


@pytest.fixture
def result():
    """A result with three sizes, two kinds of sets, and two doses at the largest size."""
    effects = [
        {
            "set": kind,
            "edit": "mean",
            "layers": "L1 to L2",
            "k": k,
            "dose": dose,
            "effect": e,
            "low": e - 0.2,
            "high": e + 0.2,
            "random_low": -0.1,
            "random_high": 0.1,
        }
        for kind, sign in (("top", 1.0), ("direction", 0.1))
        for k, dose, e in ((1, 1.0, 0.1 * sign), (10, 1.0, 0.5 * sign), (100, 1.0, 2.0 * sign), (100, 2.0, 3.0 * sign))
    ]
    values = [
        {
            "set": kind,
            "edit": "mean",
            "layers": "L1 to L2",
            "k": k,
            "dose": dose,
            "outcome": "log-odds",
            "draw": 0,
            "value": v,
            "low": v - 0.2,
            "high": v + 0.2,
        }
        for kind, k, dose, v in (
            ("top", 10, 1.0, 1.5),
            ("top", 100, 1.0, 0.0),
            ("top", 100, 2.0, -1.0),
            ("random", 100, 1.0, 2.0),
            ("random", 100, 1.0, 1.8),
            ("random", 100, 2.0, 1.9),
        )
    ]
    return SimpleNamespace(effects=pd.DataFrame(effects), table=pd.DataFrame(values))


def test_effects_by_size(result):
    ax = effect_by_size(result)
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.get_lines()}
    assert lines["top neurons"] == [[1, 0.1], [10, 0.5], [100, 2.0]]  # of the dose that all sizes were given
    assert len(lines["random direction, same length"]) == 3
    assert ax.get_xscale() == "log"


def test_outcomes_by_dose(result):
    ax = effect_by_dose(result)
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.get_lines()}
    assert lines["top 100 neurons"] == [[1, 0], [2, -1]]


def test_without_interventions(findings):
    for draw in (effect_by_size, effect_by_dose):
        with pytest.raises(NeurosieveError, match="without interventions"):
            draw(findings)


def test_kept_sets_have_a_figure_of_their_own(result):
    with pytest.raises(NeurosieveError, match="no sets were kept"):
        effect_by_size(result, kept=True)
    kept = result.effects.assign(edit="mean, all others", effect=-result.effects["effect"])
    both = SimpleNamespace(effects=pd.concat([result.effects, kept]), table=result.table)
    line = effect_by_size(both, kept=True).get_lines()[1]
    assert line.get_xydata().tolist() == [[1, -0.1], [10, -0.5], [100, -2.0]]
    assert effect_by_size(both).get_lines()[1].get_xydata().tolist() == [[1, 0.1], [10, 0.5], [100, 2.0]]
