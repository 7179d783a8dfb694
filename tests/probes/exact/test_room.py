"""Memory is planned: what is wanted suffices for full samples, what is short makes them smaller, and nothing becomes zero."""

from __future__ import annotations

import pytest

from neurosieve.probes.exact.room import SAMPLE_WORDS, Sizes
from neurosieve.probes.exact.solver import ExactSettings, wanted_bytes

REAL = Sizes(n_words=25_147, n_labels=49, n_columns=2_688, itemsize=4, sample_itemsize=4)


def held(sizes, room):
    """Bytes of logits, weights, the largest sample and the matrices."""
    logits = (
        12 * sizes.itemsize * sizes.n_labels * sizes.n_words + 16 * sizes.itemsize * sizes.n_labels * sizes.n_columns
    )
    sampled = room.most_words * (sizes.n_columns * sizes.sample_itemsize + 12 * sizes.itemsize * sizes.n_labels)
    return logits + sampled + 3 * sizes.itemsize * room.block_columns**2


def test_what_is_wanted_gives_full_samples():
    assert REAL.room(REAL.wanted).sample_words == SAMPLE_WORDS


def test_a_probe_alone_is_given_what_a_grown_sample_takes():
    sizes = {"n_words": REAL.n_words, "n_labels": REAL.n_labels, "n_columns": REAL.n_columns}
    given = REAL.room(wanted_bytes(ExactSettings(), n_probes=1, **sizes))
    assert given.sample_words == SAMPLE_WORDS
    assert given.most_words >= 2 * SAMPLE_WORDS


@pytest.mark.parametrize("megabytes", [300, 400, 800, 1600, 3200])
def test_what_a_probe_holds_fits(megabytes):
    room = REAL.room(megabytes << 20)
    assert held(REAL, room) <= megabytes << 20
    assert room.sample_words <= room.most_words


def test_there_is_always_enough_to_go_on():
    room = REAL.room(0)
    assert room.sample_words == room.most_words >= 1000
    assert room.block_columns**2 >= 49 * 64**2 - 200  # rounding of a square root


def test_more_memory_never_gives_less():
    rooms = [REAL.room(megabytes << 20) for megabytes in (0, 100, 300, 900, 2700)]
    for name in ("sample_words", "most_words", "block_columns"):
        values = [getattr(room, name) for room in rooms]
        assert values == sorted(values)


@pytest.mark.parametrize(
    ("n_words", "n_columns", "wanted"),
    [
        (20_000, 2_688, 10_000),  # half
        (200_000, 2_688, SAMPLE_WORDS),
        (20_000, 9_216, 18_432),  # two words a column
        (200_000, 46_080, SAMPLE_WORDS),  # more would take gigabytes
    ],
)
def test_samples_are_larger_where_columns_are_many(n_words, n_columns, wanted):
    sizes = Sizes(n_words, n_labels=49, n_columns=n_columns, itemsize=4, sample_itemsize=4)
    room = sizes.room(sizes.wanted)
    assert room.sample_words == wanted
    assert held(sizes, room) <= sizes.wanted
