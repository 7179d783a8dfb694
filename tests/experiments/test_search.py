"""The search scores each pair of lambdas by the paper's formula on dev, and takes the best."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.ablation import ablate
from neurosieve.experiments.search import GRIDS, ablation_score, search_lambdas
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

PAIRS = [(0.0, 0.0), (1e-3, 0.0), (1e-2, 1e-2), (0.5, 0.0)]

WORDS = 2.01 / 300
"""Two accuracies on 300 dev words, each of which rounding may change by one word."""


@pytest.fixture(scope="module")
def result(splits, settings):
    return search_lambdas(splits, grid=PAIRS, solver="adam", **settings)


def test_score_formula():
    # S = a (A_t - A_b) - b (A_z - A_l)
    scores = {"a_top": 0.9, "a_bottom": 0.2, "a_zero": 0.95, "a_all": 0.93}
    assert ablation_score(**scores) == pytest.approx(0.5 * 0.7 - 0.5 * 0.02)
    assert ablation_score(**scores, alpha=1.0, beta=3.0) == pytest.approx(0.7 - 0.06)


def test_the_table_is_what_single_steps_give(result, splits, settings):
    """Each row again by hand: fit, rank, ablate, score."""
    probes = fit_probes(
        splits.train.activations, [ProbeSpec(splits.train.y, l1=a, l2=b) for a, b in PAIRS], solver="adam", **settings
    )
    a_zero = score_probes(splits.dev.activations, probes[:1], splits.dev.y)[0]
    assert result.table[["l1", "l2"]].to_numpy().tolist() == [list(pair) for pair in PAIRS]
    for probe, row in zip(probes, result.table.itertuples(), strict=True):
        accuracy = ablate(probe, weight_mass_ranking(probe), splits.dev, keep=0.2).accuracy
        assert row.a_all == pytest.approx(accuracy["all"], abs=WORDS)
        assert row.a_top == pytest.approx(accuracy["top"], abs=WORDS)
        assert row.a_bottom == pytest.approx(accuracy["bottom"], abs=WORDS)
        assert row.score == pytest.approx(0.5 * (row.a_top - row.a_bottom) - 0.5 * (a_zero - row.a_all), abs=1e-12)


def test_the_best_score_is_chosen(result):
    best = result.table.loc[result.table["score"].idxmax()]
    assert (result.l1, result.l2) == (best["l1"], best["l2"])
    assert (result.probe.l1, result.probe.l2) == (result.l1, result.l2)
    assert (result.unregularized.l1, result.unregularized.l2) == (0.0, 0.0)
    assert (result.l1, result.l2) != (0.5, 0.0)  # which leaves no weight worth the name
    assert result.to_frame()["score"].is_monotonic_decreasing
    assert (result.keep, result.alpha, result.beta) == (0.2, 0.5, 0.5)


def test_among_equals_the_one_that_regularises_more(splits, settings):
    """With alpha = beta = 0 all scores are equal."""
    result = search_lambdas(splits, grid=PAIRS, alpha=0.0, beta=0.0, solver="adam", **settings)
    assert (result.l1, result.l2) == (0.5, 0.0)


def test_the_unregularised_probe_is_fitted_but_not_chosen_where_the_grid_lacks_it(splits, settings):
    result = search_lambdas(splits, grid=[(0.5, 0.5)], solver="adam", **settings)
    assert len(result.table) == 1
    assert (result.l1, result.l2) == (0.5, 0.5)
    assert result.unregularized.l1 == 0.0
    assert result.table["score"][0] < 0.1


def test_only_train_and_dev_are_used(splits, settings, result):
    from dataclasses import replace

    broken = replace(splits, test=replace(splits.test, activations=np.full_like(splits.test.activations, np.nan)))
    again = search_lambdas(broken, grid=PAIRS, solver="adam", **settings)
    assert again.table.equals(result.table)


def test_seed_reaches_the_probes(splits, settings, result):
    other = search_lambdas(splits, grid=PAIRS, random_state=1, solver="adam", **settings)
    assert not np.array_equal(other.probe.coef_, result.probe.coef_)


def test_grids():
    values = [0.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]
    assert sorted(GRIDS["paper"]) == sorted((a, b) for a in values for b in values)
    assert len(set(GRIDS["paper"])) == 81 - 17  # eight values on each axis


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("fine", "unknown grid 'fine'; expected one of auto, paper, quick, strict or a list"),
        ([], r"the grid holds no pair \(l1, l2\)"),
        ([(-1.0, 0.0)], "l1=-1.0"),
    ],
)
def test_refused(splits, grid, message):
    with pytest.raises(NeurosieveError, match=message):
        search_lambdas(splits, grid=grid, solver="adam")


def test_the_frame_begins_with_the_chosen_pair_also_among_equals(result):
    from dataclasses import replace

    table = result.table.assign(score=[0.3, 0.5, 0.5, 0.1])
    frame = replace(result, table=table, l1=1e-2, l2=1e-2).to_frame()
    assert frame[["l1", "l2"]].to_numpy().tolist() == [[1e-2, 1e-2], [1e-3, 0.0], [0.0, 0.0], [0.5, 0.0]]
    assert list(frame.columns) == list(result.table.columns)
