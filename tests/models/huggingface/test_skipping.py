"""Versions share passes so that few blocks are computed in vain."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from neurosieve.models.huggingface.skipping import PASS_BLOCKS, shared_passes


def cost(passes: list[list[int]], starts: list[int], n_blocks: int) -> int:
    return sum(PASS_BLOCKS + len(one) * (n_blocks - min(starts[v] for v in one)) for one in passes)


def test_no_division_of_the_versions_costs_less() -> None:
    generator = np.random.default_rng(0)
    for _ in range(40):
        n, n_blocks, most = (int(generator.integers(1, top)) for top in (8, 31, 6))
        starts = generator.integers(n_blocks, size=n).tolist()
        found = shared_passes(starts, n_blocks, most=most)
        assert sorted(v for one in found for v in one) == list(range(n))
        order = sorted(range(n), key=lambda v: starts[v])
        every = [
            [order[a:b] for a, b in zip((0, *cuts), (*cuts, n), strict=True)]
            for size in range(n)
            for cuts in combinations(range(1, n), size)
        ]
        allowed = [passes for passes in every if max(map(len, passes)) <= most]
        assert max(map(len, found)) <= most
        assert cost(found, starts, n_blocks) == min(cost(passes, starts, n_blocks) for passes in allowed)


def test_versions_that_begin_alike_stay_together_and_those_far_above_do_not_begin_below() -> None:
    assert shared_passes([0, 29, 0, 28], 30, most=8) == [[0, 2], [3, 1]]
    assert shared_passes([0, 0, 0], 0, most=2) in ([[0], [1, 2]], [[0, 1], [2]])
    assert shared_passes([], 30, most=8) == []
