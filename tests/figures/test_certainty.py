"""Figures of noise and of rank intervals draw what their tables hold."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.figures import noise, rank_intervals
from neurosieve.figures.certainty import ranks_table


def test_noise_draws_both_noises_and_chance(make_findings, make_certainty):
    sure = make_certainty()
    ax = noise(make_findings(certainty=sure))
    drawn = [line.get_ydata().tolist() for line in ax.get_lines()]
    assert drawn == [sure.overlap[name].tolist() for name in ("sampling", "seed", "chance")]
    alone = noise(sure.overlap.assign(seed=np.nan))
    assert len(alone.get_lines()) == 2


def test_rank_intervals_are_in_rank_order(make_findings, make_certainty):
    f = make_findings(certainty=make_certainty())
    ax = rank_intervals(f, most=6)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == f.neurons["neuron"].iloc[f.ranking.top(6)].tolist()
    table = ranks_table(f)
    assert list(table["rank"]) == list(range(100))
    segments = ax.collections[0].get_segments()
    assert [segment[0][0] for segment in segments] == (table["rank_low"][:6] + 1).tolist()
    assert [text.get_text() for text in ax.texts] == [f"{100 * share:.0f} %" for share in table["frequency"][:6]]


def test_refused(findings, make_findings, make_certainty):
    for draw in (noise, rank_intervals):
        with pytest.raises(NeurosieveError, match="nothing was resampled"):
            draw(findings)
    with pytest.raises(NeurosieveError, match="most is 0"):
        rank_intervals(make_findings(certainty=make_certainty()), most=0)
