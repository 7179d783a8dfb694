"""Planted data in three splits, and a probe and its ranking."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.splits import Splits
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

SETTINGS = {"epochs": 6, "batch_size": 64, "learning_rate": 1e-2}


@pytest.fixture(scope="session")
def settings():
    """Solver settings that learn the planted labels in a fraction of a second."""
    return SETTINGS


@pytest.fixture(scope="session")
def planted():
    """1,600 words x 50 neurons, of which 8 carry the 4 labels; offset, so that zero is not the mean."""
    data = make_planted(n_words=1600, n_neurons=50, n_labels=4, n_informative=8, random_state=2)
    data.X[:] += np.linspace(-1, 1, 50, dtype=np.float32)
    return data


@pytest.fixture(scope="session")
def splits(planted):
    bounds = [slice(0, 1000), slice(1000, 1300), slice(1300, 1600)]
    words = np.array(planted.words)
    return Splits.from_arrays(
        [planted.X[b] for b in bounds], [planted.y[b] for b in bounds], words=[words[b] for b in bounds], prop="planted"
    )


@pytest.fixture(scope="session")
def oracle(splits):
    return fit_probes(
        splits.train.activations, [ProbeSpec(splits.train.y, l1=1e-3, l2=1e-3)], solver="adam", **SETTINGS
    )[0]


@pytest.fixture(scope="session")
def ranking(oracle):
    return weight_mass_ranking(oracle)
