"""Planted neurons come first in the ranking, and do not when the labels are shuffled."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

SETTINGS = {"epochs": 10, "batch_size": 64, "learning_rate": 5e-3}


def _found(data, y, *, standardize):
    """How many of the planted neurons are among as many top neurons."""
    probe = fit_probes(data.X, [ProbeSpec(y, l1=1e-2)], standardize=standardize, solver="adam", **SETTINGS)[0]
    return len(set(weight_mass_ranking(probe).top(len(data.informative))) & set(data.informative))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_neurons_come_first_and_only_with_their_labels(seed, standardize):
    data = make_planted(n_words=2000, n_neurons=200, n_labels=5, n_informative=12, random_state=seed)
    assert _found(data, data.y, standardize=standardize) == 12
    shuffled = np.random.default_rng(seed).permutation(data.y)
    # 12 of 200 drawn blindly hold 0.7 planted ones on average; 4 or more come in less than one case in 200.
    assert _found(data, shuffled, standardize=standardize) < 4


def test_only_planted_neurons_depend_on_the_label():
    data = make_planted(n_words=5000, n_neurons=40, n_labels=4, n_informative=6, signal=2.0, random_state=1)
    means = np.array([data.X[data.y == label].mean(axis=0) for label in np.unique(data.y)])
    spread = means.max(axis=0) - means.min(axis=0)
    assert (np.diff(data.informative) > 0).all()
    # Means of about 1,250 normal values have a standard error of 0.03; a planted neuron's differ by twice the signal.
    assert (spread[data.informative] > 3.5).all()
    assert (np.delete(spread, data.informative) < 0.25).all()
    assert data.X.dtype == np.float32
    assert len(data.words) == len(data.y) == 5000


def test_seeded():
    one, same, other = (make_planted(n_words=100, n_neurons=20, random_state=s) for s in (1, 1, 2))
    assert one.X.tobytes() == same.X.tobytes()
    assert one.y.tolist() == same.y.tolist()
    assert one.words == same.words
    assert one.X.tobytes() != other.X.tobytes()


@pytest.mark.parametrize(
    "options",
    [{"n_informative": 9, "n_neurons": 8}, {"n_informative": -1}, {"n_labels": 1}, {"n_words": 3, "n_labels": 4}],
)
def test_refused(options):
    with pytest.raises(NeurosieveError, match=r"expected 0 <= n_informative <= n_neurons and 2 <= n_labels <= n_words"):
        make_planted(**options)
