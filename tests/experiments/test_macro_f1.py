"""Macro F1 is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from neurosieve.experiments.macro_f1 import macro_f1
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec


@pytest.mark.parametrize("case", ["plain", "unlabelled words", "a label unknown to the probe", "a label never met"])
def test_equal_to_scikit_learn(case):
    planted = make_planted(n_words=300, n_neurons=10, n_labels=4, n_informative=2, signal=0.6, random_state=0)
    train, gold = planted.y.astype(object), planted.y[:100].astype(object)
    if case == "unlabelled words":
        gold[::3] = None
    if case == "a label unknown to the probe":
        gold[:10] = "new"
    if case == "a label never met":
        gold[gold == "label3"] = None
    probes = fit_probes(
        planted.X, [ProbeSpec(train, random_state=s) for s in (0, 1)], epochs=3, learning_rate=1e-2, solver="adam"
    )
    known = np.array([label is not None for label in gold])
    expected = [
        f1_score(gold[known].astype(str), probe.predict(planted.X[:100])[known], average="macro", zero_division=0)
        for probe in probes
    ]
    found = macro_f1(planted.X[:100], probes, gold)
    np.testing.assert_allclose(found, expected, rtol=1e-12)  # the same counts, summed in another order
    assert found[0] != found[1]
