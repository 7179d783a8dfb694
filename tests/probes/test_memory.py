"""One memory limit covers what fitting and scoring add; it changes speed and order, not what is found."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.probes import engine
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.memory import available_bytes, memory_limit, parse_bytes
from neurosieve.probes.plan import plan_groups
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.probes.state import WEIGHT_BYTES


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4_000_000_000), ("512 MiB", 512 << 20), ("1.5kb", 1500), (1000, 1000), ("2gib", 2 << 30)]
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "4 apples", "-1GB", "0", "nanGB", "infGB"])
def test_no_sizes(text):
    with pytest.raises(NeurosieveError, match="expected a size such as 4GB"):
        parse_bytes(text)


def test_the_limit_of_a_block():
    free = available_bytes()
    assert free > 1 << 20
    with memory_limit("5MB"):
        assert available_bytes() == 5_000_000
        assert available_bytes(7) == 7  # what is said at the call comes first
        with memory_limit(None):
            assert available_bytes() == 5_000_000
        with memory_limit(3):
            assert available_bytes() == 3
        assert available_bytes() == 5_000_000
    assert available_bytes() > 5_000_000


class _Rows:
    """Float16 activations that exist only while they are read."""

    n_words, n_neurons, dtype = 40_000, 256, np.dtype(np.float16)

    def read(self, start, stop, columns=None):
        rows = np.random.default_rng(start).standard_normal((stop - start, self.n_neurons), dtype=np.float32)
        rows[:, 0] += 3 * (np.arange(start, stop) % 2)
        return (rows if columns is None else rows[:, columns]).astype(np.float16)


def test_a_store_larger_than_the_limit_stays_under_it():
    limit = 5_000_000
    source, y = _Rows(), np.array(["even", "odd"])[np.arange(_Rows.n_words) % 2]
    assert source.n_words * source.n_neurons * 2 > 4 * limit
    fit_probes(source, [ProbeSpec(y)], epochs=1, memory_limit=1, solver="adam")  # what is loaded on first use
    tracemalloc.start()  # sees numpy's memory, which is all that holds activations
    probe = fit_probes(
        source, [ProbeSpec(y, l1=1e-3)], epochs=1, learning_rate=0.02, memory_limit=limit, solver="adam"
    )[0]
    accuracy = score_probes(source, [probe], y, memory_limit=limit)[0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert probe.info["order"].startswith("shuffled in windows")
    # Labels, their codes and predictions are held whole (at most 40 bytes a word), and so is a chunk while it is made.
    assert peak < limit + 40 * source.n_words + 1024 * 256 * 4
    assert accuracy > 0.9  # the two labels lie three standard deviations apart


def test_groups_shrink_with_the_limit(planted, monkeypatch):
    seen = []

    def spy(*args, **kwargs):
        seen.append(plan_groups(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr(engine, "plan_groups", spy)
    specs = [ProbeSpec(planted.y, l1=l1) for l1 in (0.0, 1e-4, 1e-3, 1e-2)]
    weights = 5 * planted.X.shape[1]
    settings = {"epochs": 2, "products": "float32"}
    wide = fit_probes(planted.X, specs, solver="adam", **settings)
    narrow = fit_probes(planted.X, specs, memory_limit=2 * 2 * WEIGHT_BYTES * weights, solver="adam", **settings)
    assert [len(plan) for plan in seen] == [1, 2]
    for a, b in zip(wide, narrow, strict=True):
        assert a.coef_.shape == b.coef_.shape
