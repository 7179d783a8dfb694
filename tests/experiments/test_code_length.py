"""Code lengths and information, against their definitions and against what is known for certain."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.experiments.code_length import information, label_entropy, online_code
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import label_log_probabilities
from neurosieve.probes.spec import ProbeSpec


def make(*, told: float, n: int = 512, seed: int = 0) -> LabelledSplit:
    generator = np.random.default_rng(seed)
    y = generator.choice(np.array(["a", "b", "c", "d"], dtype=object), n)
    X = generator.standard_normal((n, 6)).astype(np.float32)
    X[:, :4] += told * (y[:, None] == np.array(["a", "b", "c", "d"]))
    return LabelledSplit(X, y, None, np.arange(n) // 8)


def test_log_probabilities_are_those_of_the_softmax():
    split = make(told=2.0)
    probe = fit_probes(split.activations, [ProbeSpec(split.y, l2=1e-2)], "exact", tol=1e-8)[0]
    y = split.y.copy()
    y[3], y[5] = None, "new"
    logs = label_log_probabilities(split.activations, [probe], y)[0]
    assert np.isnan(logs[3])
    assert logs[5] == -np.inf
    # two-sided L2 on every row: as scikit-learn's with C = 1 / (2 n l2)
    theirs = LogisticRegression(C=1 / (2 * 512 * 1e-2), tol=1e-8, max_iter=1000).fit(
        split.activations, split.y.astype(str)
    )
    rest = np.delete(np.arange(512), [3, 5])
    expected = np.log(
        theirs.predict_proba(split.activations)[rest, np.searchsorted(theirs.classes_, split.y[rest].astype(str))]
    )
    np.testing.assert_allclose(logs[rest], expected, atol=2e-3)
    loss = log_loss(split.y[rest].astype(str), theirs.predict_proba(split.activations[rest]))
    assert -logs[rest].mean() == pytest.approx(loss, abs=1e-3)


def test_a_code_is_short_where_the_neurons_tell_the_labels():
    of_noise, of_labels = (online_code(make(told=told), l2=1e-2) for told in (0.0, 8.0))
    assert of_noise.uniform == of_labels.uniform == 2 * 512
    assert of_noise.bits > 0.95 * 1024  # nothing is to be gained, and little is lost
    assert of_labels.bits < 0.35 * 1024
    assert of_labels.bits > 64 * 2  # the first words cost what they cost without a probe
    assert of_labels.compression == of_labels.uniform / of_labels.bits


def test_the_code_is_its_definition():
    split = make(told=3.0, n=128)
    found = online_code(LabelledSplit(split.activations, split.y), l2=1e-2, random_state=3, tol=1e-8)
    order = np.random.default_rng((3, 7)).permutation(128).argsort()
    first, rest = order[:64], order[64:]
    probe = fit_probes(split.activations[first], [ProbeSpec(split.y[first], l2=1e-2)], "exact", tol=1e-8)[0]
    p = np.exp(label_log_probabilities(split.activations[rest], [probe], split.y[rest])[0])
    assert found.bits == pytest.approx(128 - np.log2((64 * p + 0.25) / 65).sum(), rel=1e-4)


def test_labels_that_come_late_or_never_have_a_finite_cost():
    split = make(told=3.0)
    split.y[:4] = ["rare", None, "rare", "once"]
    code = online_code(split, l2=1e-2)
    whole = fit_probes(split.activations, [ProbeSpec(split.y, l2=1e-2)], "exact")[0]
    assert np.isfinite(code.bits)
    assert code.n_words == 511
    other = make(told=3.0, seed=1)
    other.y[0] = "unheard"
    assert np.isfinite(information(other, whole))


def test_information_is_the_entropy_where_labels_are_certain_and_nothing_where_they_are_noise():
    for told, low, high in ((12.0, 1.8, 2.0), (0.0, -0.1, 0.05)):
        split, other = make(told=told), make(told=told, seed=1)
        probe = fit_probes(split.activations, [ProbeSpec(split.y, l2=1e-3)], "exact")[0]
        assert low < information(other, probe) < high
    assert label_entropy(np.array(["a", "a", "b", "b", None], dtype=object)) == 1.0
