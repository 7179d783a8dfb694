"""The race of lambdas chooses what solving every pair to the tolerance chooses, and says how far it solved each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from neurosieve.activations.splits import Splits
from neurosieve.experiments import race as racing
from neurosieve.experiments.race import HOPELESS, LAPS, Scores, race, stronger
from neurosieve.experiments.search import search_lambdas
from neurosieve.planted import make_planted

GRID = [(l1, l2) for l1 in (1e-1, 1e-2, 1e-3, 1e-4) for l2 in (1e-2, 1e-4)]
TENTH = 1e-3
"""A tenth of a point of the score."""


def noisy(seed: int) -> Splits:
    """Labels that 40 correlated columns tell with errors, so that pairs differ by how much they shrink."""
    planted = make_planted(n_words=1200, n_neurons=40, n_labels=4, n_informative=6, random_state=seed)
    rng = np.random.default_rng(seed)
    X = planted.X @ (np.eye(40) + 0.15 * rng.standard_normal((40, 40))) + 1.5 * rng.standard_normal((1200, 40))
    X, y, cuts = X.astype(np.float32), planted.y, (slice(0, 400), slice(400, 800), slice(800, 1200))
    return Splits.from_arrays(
        [X[s] for s in cuts], [y[s] for s in cuts], words=[np.array(planted.words)[s] for s in cuts]
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_choice_is_that_of_full_precision(monkeypatch, seed):
    splits = noisy(seed)
    raced = search_lambdas(splits, grid=GRID, solver="exact")
    monkeypatch.setattr(racing, "LAPS", ())
    # To the optimum: at the default tolerance a word of 400 may be told differently, which is an eighth of a point.
    full = search_lambdas(splits, grid=GRID, solver="exact", tol=1e-5)
    assert full.table["margin"].isna().all()
    assert raced.table["margin"].notna().any()  # else nothing was raced
    chosen = full.table[(full.table["l1"] == raced.l1) & (full.table["l2"] == raced.l2)].iloc[0]
    assert chosen["score"] >= full.table["score"].max() - TENTH
    assert raced.probe.gap_ <= 1e-3 * raced.probe.objective_


def test_the_table_says_how_far_each_pair_was_solved():
    found = search_lambdas(noisy(0), grid=GRID, solver="exact", tol=2e-3)
    table, margins = found.table, {HOPELESS, *(lap.margin for lap in LAPS)}
    ended = table["margin"].isna()
    assert (table.loc[ended, "gap"] <= 2e-3).all()
    assert set(table.loc[~ended, "margin"]) <= margins
    for lap in LAPS:
        gap = table.loc[table["margin"] == lap.margin, "gap"]
        assert (gap <= (0.2 if lap.enough else lap.tol)).all()  # a fifth at most where steps gained little
    assert (table["score"].isna() == (table["margin"] == HOPELESS)).all()
    chosen = (table["l1"] == found.l1) & (table["l2"] == found.l2)
    assert table.loc[chosen, "score"].item() == table.loc[ended, "score"].max()
    assert found.to_frame().iloc[0][["l1", "l2"]].tolist() == [found.l1, found.l2]


def test_a_lap_leaves_a_pair_after_so_many_passes_and_the_last_one_does_not(monkeypatch):
    monkeypatch.setattr(racing, "LAP_PASSES", 2)
    found = search_lambdas(noisy(0), grid=GRID, solver="exact")  # warnings are errors here
    dropped = found.table["margin"].notna() & found.table["score"].notna()
    assert (found.table.loc[dropped, "gap"] > 0.2).any()
    assert (found.table.loc[found.table["margin"].isna(), "gap"] <= 1e-3).all()


def raced(monkeypatch, scores):
    """Race pairs whose scores are given; also which pairs were ever solved."""
    solved = []

    def fit(_X, specs, *_args, **_settings):
        solved.extend((spec.l1, spec.l2) for spec in specs)
        return [FittedPair(spec.l1, spec.l2) for spec in specs]

    monkeypatch.setattr(racing, "fit_probes", fit)
    monkeypatch.setattr(racing, "ProbeSpec", lambda _y, l1, l2, **_: FittedPair(l1, l2))

    def judge(probes):
        return [Scores(1.0, 1.0, 0.0, scores[p.l1, p.l2]) for p in probes]

    return race(noisy(0), list(scores), judge, solver="exact"), set(solved)


@dataclass(frozen=True)
class FittedPair:
    l1: float
    l2: float
    gap_: float = 0.0
    objective_: float = 1.0


def test_a_pair_to_which_scores_lead_too_far_down_does_not_start(monkeypatch):
    column = {1e-1: 0.2, 1e-2: 0.5, 1e-3: 0.48, 1e-4: 0.6, 1e-5: 0.9}  # 1e-4 is expected at 0.46
    places, solved = raced(monkeypatch, {(l1, 0.0): score for l1, score in column.items()})
    assert solved == {(1e-1, 0.0), (1e-2, 0.0), (1e-3, 0.0)}
    assert [at.margin for at in places[3:]] == [HOPELESS, HOPELESS]
    assert all(at.probe is None and np.isnan([at.scores.score, at.gap]).all() for at in places[3:])


def test_pairs_start_while_scores_rise_or_hardly_fall(monkeypatch):
    column = {1e-1: 0.2, 1e-2: 0.500, 1e-3: 0.498, 1e-4: 0.51, 1e-5: 0.9}  # 1e-4 is expected at 0.496
    _, solved = raced(monkeypatch, {(l1, 0.0): score for l1, score in column.items()})
    assert len(solved) == len(column)


def test_the_expectation_is_of_the_same_l2_and_the_first_of_all(monkeypatch):
    scores = {
        (1e-1, 0.1): 0.1,
        (1e-1, 0.2): 0.4,
        (1e-2, 0.1): 0.2,
        (1e-2, 0.2): 0.5,
        (1e-3, 0.1): 0.3,
        (1e-3, 0.2): 0.55,
    }
    places, solved = raced(monkeypatch, scores)
    assert (1e-3, 0.2) in solved
    assert (1e-3, 0.1) not in solved  # it rises, but to 0.3 where another has 0.5
    assert places[4].probe is None


def test_what_is_solved_far_enough_for_a_lap_is_not_solved_again(monkeypatch):
    fit, gaps, repeated = racing.fit_probes, {}, 0

    def watched(X, specs, *args, tol, **settings):
        nonlocal repeated
        for spec in specs:
            repeated += (spec.l1, spec.l2) in gaps
            assert gaps.get((spec.l1, spec.l2), 1.0) > tol
        probes = fit(X, specs, *args, tol=tol, **settings)
        gaps.update({(p.l1, p.l2): p.gap_ / p.objective_ for p in probes})
        return probes

    monkeypatch.setattr(racing, "fit_probes", watched)
    search_lambdas(noisy(0), grid=GRID, solver="exact")
    assert repeated > 0  # laps go on from one another


def test_a_single_pair_is_solved_at_once_and_none_is_no_race(monkeypatch):
    places, solved = raced(monkeypatch, {(1e-2, 0.0): 0.5})
    assert solved == {(1e-2, 0.0)}
    assert not places[0].dropped
    assert raced(monkeypatch, {}) == ([], set())


def test_stronger_is_the_next_larger_l1_with_the_same_l2():
    assert stronger([(1.0, 0.0), (0.0, 0.0), (0.1, 0.0), (0.5, 1.0)]) == {1: 2, 2: 0}


def test_a_race_gives_the_same_twice():
    first, second = (search_lambdas(noisy(1), grid=GRID, solver="exact") for _ in range(2))
    assert first.table.equals(second.table)
    assert np.array_equal(first.probe.coef_, second.probe.coef_)


def test_the_pair_without_penalty_is_the_recipes_probe():
    found = search_lambdas(noisy(3), grid=[(0.0, 0.0), (1e-2, 1e-2)], solver="exact")
    assert found.unregularized.info["solver"] == "adam"
    assert np.isnan(found.table["gap"][0])
    assert found.table["gap"][1] <= 1e-3


@pytest.mark.parametrize(("before", "starts"), [(0.2, False), (0.49, True)])
def test_a_pair_does_not_start_where_scores_fall_along_l2_and_fell_at_the_l1_before(monkeypatch, before, starts):
    scores = {
        **{(1e-2, l2): 0.3 for l2 in (1e-5, 1e-4, 1e-3)},
        (1e-2, 1e-2): before,
        (1e-3, 1e-5): 0.5,
        (1e-3, 1e-4): 0.5,
        (1e-3, 1e-3): 0.49,
        (1e-3, 1e-2): 0.9,  # expected at 0.48
    }
    places, solved = raced(monkeypatch, scores)
    assert (set(scores) - solved) == (set() if starts else {(1e-3, 1e-2)})
    assert (places[-1].margin == HOPELESS) == (not starts)


def test_a_plateau_along_l2_ends_nothing(monkeypatch):
    scores = {(l1, l2): 0.3 for l1 in (1e-2, 1e-3) for l2 in (0.0, 1e-5, 1e-4, 1e-3)}
    scores |= {(1e-2, 0.0): 0.35, (1e-3, 1e-3): 0.4}
    _, solved = raced(monkeypatch, scores)
    assert solved == set(scores)


def test_what_ends_one_row_does_not_end_the_columns_that_cross_it(monkeypatch):
    scores = {
        **{(1e-2, l2): 0.3 for l2 in (1e-4, 1e-3, 1e-2)},
        (1e-3, 1e-4): 0.5,
        (1e-3, 1e-3): 0.49,
        (1e-3, 1e-2): 0.9,  # does not start
        **{(1e-4, l2): 0.5 for l2 in (1e-4, 1e-3, 1e-2)},
    }
    _, solved = raced(monkeypatch, scores)
    assert set(scores) - solved == {(1e-3, 1e-2)}


def test_a_pair_beyond_two_that_did_not_start_does_not_start(monkeypatch):
    scores = {
        (1e-2, 1e-4): 0.45,
        (1e-2, 1e-3): 0.495,
        (1e-2, 1e-2): 0.3,
        (1e-3, 1e-4): 0.5,
        (1e-3, 1e-3): 0.485,
        (1e-3, 1e-2): 0.3,  # expected at 0.47 along l2
        (1e-4, 1e-4): 0.5,
        (1e-4, 1e-3): 0.9,  # expected at 0.475 along l1
        (1e-4, 1e-2): 0.9,
    }
    _, solved = raced(monkeypatch, scores)
    assert set(scores) - solved == {(1e-3, 1e-2), (1e-4, 1e-3), (1e-4, 1e-2)}
