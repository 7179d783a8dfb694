"""The table of rankings."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from neurosieve import extensions
from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.rankings import registry
from neurosieve.rankings.registry import Method, method_names, rank, register

SPLIT = LabelledSplit(np.array([[0.0, 1.0], [0.0, 3.0]]), np.array(["a", "b"], dtype=object))


def test_rank():
    assert method_names()[:2] == ("weight-mass", "probeless")
    assert rank(probe=np.array([[1.0, 2.0]])).order.tolist() == [1, 0]
    assert rank("probeless", split=SPLIT).order.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("method", "given", "message"),
    [
        ("none", {}, "choose one of weight-mass, probeless"),
        ("probeless", {}, "needs labels"),
        ("weight-mass", {}, "needs probe"),
        ("probeless", {"split": SPLIT, "probe": np.eye(2)}, "does not use probe"),
    ],
)
def test_refused(method, given, message):
    with pytest.raises(NeurosieveError, match=message):
        rank(method, **given)


def test_entry_points(monkeypatch):
    taken = registry.METHODS["probeless"]
    with pytest.raises(NeurosieveError, match="already a ranking 'probeless'"):
        register(taken)
    for value, message in ((taken, "second ranking 'probeless'"), (3, "is a int; expected a Method")):
        point = SimpleNamespace(name="x", value="v", dist=SimpleNamespace(name="pkg"), load=lambda value=value: value)
        monkeypatch.setattr(extensions, "entry_points", lambda point=point, **_: [point])
        with pytest.raises(NeurosieveError, match=f"package pkg .*{message}"):
            method_names()
    with pytest.raises(NeurosieveError, match="expected 'probe', 'labels' or 'nothing'"):
        Method("z", "words", taken.make, "", "")


def test_importing_the_table_leaves_torch_out():
    code = "import sys, neurosieve.rankings.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
