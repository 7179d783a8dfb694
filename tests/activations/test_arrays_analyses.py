"""Every analysis takes a store of arrays, whatever its labels are."""

from __future__ import annotations

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.activations.arrays import store_from_arrays
from neurosieve.activations.splits import Splits

N = 600
RNG = np.random.default_rng(0)
KIND = RNG.integers(3, size=N)
X = RNG.standard_normal((N, 8)).astype(np.float32)
X[:, :3] += 3 * np.eye(3, dtype=np.float32)[KIND]
SPLITS = RNG.choice(["train", "dev", "test"], N, p=[0.6, 0.2, 0.2])


@pytest.mark.parametrize(
    "labels",
    [
        np.array(list("ABC"))[KIND],
        [None if i % 9 == 0 else int(kind) for i, kind in enumerate(KIND)],
        [None if i % 9 == 0 else bool(kind) for i, kind in enumerate(KIND)],
        X[:, 0] + 0.1 * RNG.standard_normal(N),
    ],
    ids=["strings", "integers", "booleans", "values"],
)
def test_analyses(tmp_path, labels):
    store = store_from_arrays(
        tmp_path / "s",
        [X[:, :4], X[:, 4:]],
        labels={"p": labels},
        splits=SPLITS,
        words=[f"w{i % 40}" for i in range(N)],
    )
    splits = Splits.from_store(store, "p")
    spec = ns.ProbeSpec(splits.train.y, l1=1e-3, l2=1e-3, loss=splits.loss)
    (probe,) = ns.fit_probes(splits.train.activations, [spec], "adam", epochs=10, batch_size=16, learning_rate=1e-2)
    ranking = ns.weight_mass_ranking(probe)
    assert set(ranking.order[:1].tolist()) <= {0, 1, 2}
    assert ns.layer_distribution(ranking.order[:3], store.neurons)
    assert ns.label_distribution(ranking, 3, store.neurons)
    assert ns.ablate(probe, ranking, splits.test)
    assert ns.minimal_neurons(probe, ranking, splits, solver="adam", epochs=1)
    assert ns.stability(splits, l1=1e-3, l2=1e-3, n_resamples=2, n_seeds=1, solver="adam", epochs=1)
    if splits.loss == "softmax":
        control = ns.ControlTask(0).apply(splits)
        assert {*control.train.y.tolist()} <= {*splits.train.y.tolist()}
