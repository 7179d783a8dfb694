"""Groups: a partition that never costs more than fitting all probes alone, or all together."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.probes.plan import PASS_ROWS, plan_groups

N_NEURONS = 20

SUBSETS = st.lists(
    st.one_of(st.none(), st.sets(st.integers(0, N_NEURONS - 1), min_size=1).map(lambda s: np.array(sorted(s)))),
    min_size=1,
    max_size=8,
)


def _mask(subset):
    mask = np.zeros(N_NEURONS, dtype=bool)
    mask[slice(None) if subset is None else subset] = True
    return mask


def _cost(subsets, rows, groups):
    """The stated cost, from the members alone."""
    return sum(
        int(np.logical_or.reduce([_mask(subsets[i]) for i in group]).sum()) * (PASS_ROWS + sum(rows[i] for i in group))
        for group in groups
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SUBSETS, st.data())
def test_partition_of_least_cost(subsets, data):
    rows = data.draw(st.lists(st.integers(1, 200), min_size=len(subsets), max_size=len(subsets)))
    everyone = list(range(len(subsets)))
    plan = plan_groups(subsets, rows, n_neurons=N_NEURONS)
    assert sorted(i for group in plan for i in group.members) == everyone
    for group in plan:
        union = np.logical_or.reduce([_mask(subsets[i]) for i in group.members])
        found = np.ones(N_NEURONS, dtype=bool) if group.columns is None else _mask(group.columns)
        assert np.array_equal(found, union)
        assert (group.columns is None) == union.all()
    cost = _cost(subsets, rows, [group.members for group in plan])
    assert cost <= _cost(subsets, rows, [[i] for i in everyone])
    assert cost <= _cost(subsets, rows, [everyone])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SUBSETS, st.integers(1, 2000))
def test_the_largest_group_is_respected(subsets, max_weights):
    rows = [7] * len(subsets)
    plan = plan_groups(subsets, rows, n_neurons=N_NEURONS, max_weights=max_weights)
    assert sorted(i for group in plan for i in group.members) == list(range(len(subsets)))
    for group in plan:
        width = N_NEURONS if group.columns is None else len(group.columns)
        assert len(group.members) == 1 or width * 7 * len(group.members) <= max_weights
    alone = [[i] for i in range(len(subsets))]
    assert _cost(subsets, rows, [g.members for g in plan]) <= _cost(subsets, rows, alone)


def test_probes_of_one_subset_run_together_and_distant_ones_apart():
    same = plan_groups([None] * 81, [49] * 81, n_neurons=2688)
    assert [len(group.members) for group in same] == [81]
    small, large = np.arange(10), np.arange(2688)
    apart = plan_groups([large, small], [49, 49], n_neurons=2688)
    assert [group.members for group in apart] == [(1,), (0,)]


def test_a_grid_too_large_for_one_group_is_divided():
    plan = plan_groups([None] * 6, [10] * 6, n_neurons=100, max_weights=2000)
    assert [len(group.members) for group in plan] == [2, 2, 2]


def test_no_probes_no_groups():
    assert plan_groups([], [], n_neurons=5) == []
