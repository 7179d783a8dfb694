"""What `fit_probes` refuses, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec

X = np.random.default_rng(0).standard_normal((20, 6)).astype(np.float32)
Y = np.array(["a", "b"] * 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1": -1.0}, r"l1=-1.0, l2=0.0: both must be finite and not negative"),
        ({"l2": float("nan")}, r"l2=nan: both must be finite"),
        ({"l1": float("inf")}, r"l1=inf"),
        ({"neurons": []}, r"no neurons to read; pass at least one number from 0 to 5"),
        ({"neurons": [0, 6]}, r"neurons must be numbers from 0 to 5"),
        ({"neurons": [-1]}, r"neurons must be numbers from 0 to 5"),
        ({"neurons": np.ones(6, dtype=bool)}, r"neurons must be numbers"),
        ({"neurons": [0.5]}, r"neurons must be numbers"),
        ({"word_weights": np.ones(19)}, r"word_weights has shape \(19,\); expected \(20,\)"),
        ({"word_weights": -np.ones(20)}, r"none negative"),
        ({"word_weights": np.full(20, np.nan)}, r"finite"),
        ({"word_weights": np.zeros(20)}, r"leaves no labelled word"),
        ({"random_state": -1}, r"random_state is -1"),
    ],
)
def test_specs(options, message):
    with pytest.raises(NeurosieveError, match=message) as caught:
        fit_probes(X, [ProbeSpec(Y), ProbeSpec(Y, **options)], solver="adam")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:-1], r"19 labels for 20 words"),
        (np.full(20, None, dtype=object), r"none of the 20 words has a label"),
        (Y[:, None], r"labels have shape \(20, 1\)"),
    ],
)
def test_labels(y, message):
    with pytest.raises(NeurosieveError, match=message):
        fit_probes(X, [ProbeSpec(y)], solver="adam")


@pytest.mark.parametrize(
    ("activations", "message"),
    [
        (X[0], r"shape \(6,\); expected \(n_words, n_neurons\)"),
        (X.astype(np.int32), r"int32; expected float16, float32 or float64"),
        (X.tolist(), r"cannot read activations from list"),
        (X[:, :0], r"no neurons"),
        (np.where(np.arange(20)[:, None] == 3, np.nan, X), r"diverged: its weights are not finite"),
        (np.where(np.arange(20)[:, None] == 3, np.inf, X), r"diverged"),
    ],
)
def test_activations(activations, message):
    with pytest.raises(NeurosieveError, match=message):
        fit_probes(activations, [ProbeSpec(Y)], solver="adam")


@pytest.mark.parametrize(
    ("solver", "settings", "message"),
    [
        ("sgd", {}, r"unknown solver 'sgd'; expected one of auto, exact, adam, neurox"),
        ("adam", {"epoch": 3}, r"solver 'adam' does not take \['epoch'\]; it takes epochs"),
        ("adam", {"recipe": "neurox"}, r"does not take"),
        ("adam", {"epochs": 0}, r"epochs=0"),
        ("adam", {"batch_size": 0}, r"batch_size=0"),
        ("adam", {"learning_rate": 0.0}, r"learning_rate=0.0"),
        ("adam", {"learning_rate": float("nan")}, r"learning_rate=nan"),
    ],
)
def test_settings(solver, settings, message):
    with pytest.raises(NeurosieveError, match=message):
        fit_probes(X, [ProbeSpec(Y)], solver, **settings)


def test_one_probe_without_labels_refuses_the_whole_call_before_anything_is_fitted():
    calls: list[float] = []
    with pytest.raises(NeurosieveError, match="none of the 20 words"):
        fit_probes(
            X, [ProbeSpec(Y), ProbeSpec([None] * 20)], progress=lambda done, total: calls.append(done), solver="adam"
        )
    assert calls == []
