"""Settings that are no whole numbers and devices that are not there are refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.errors import NeurosieveError
from neurosieve.probes.checks import require_whole, usable_device
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import ProbeSpec

X = np.random.default_rng(0).standard_normal((20, 6)).astype(np.float32)
Y = np.array(["a", "b"] * 10)
NOT_HERE = "meta:x" if torch.cuda.is_available() else "cuda"


@pytest.mark.parametrize(
    ("solver", "setting", "value"),
    [
        ("adam", "epochs", 1.5),
        ("adam", "epochs", 2.0),
        ("adam", "epochs", "3"),
        ("adam", "epochs", None),
        ("neurox", "batch_size", 12.5),
        ("adam", "batch_size", True),
        ("exact", "max_passes", 10.5),
    ],
)
def test_settings_that_are_no_whole_numbers(solver, setting, value):
    with pytest.raises(NeurosieveError, match=f"^{setting} is {value!r}; expected a whole number$"):
        fit_probes(X, [ProbeSpec(Y)], solver, **{setting: value})


def test_whole_numbers_of_numpy_pass():
    require_whole(epochs=np.int64(3), batch_size=5)
    assert fit_probes(X, [ProbeSpec(Y)], epochs=np.int64(1), solver="adam")[0].n_passes_ == 1


@pytest.mark.parametrize("device", [NOT_HERE, "nowhere", "cuda:99"])
def test_devices_that_are_not_there(device):
    with pytest.raises(
        NeurosieveError, match=rf"device '{device}' cannot be used \(.*\); leave it out, or use 'cpu'"
    ) as e:
        fit_probes(X, [ProbeSpec(Y)], device=device, solver="adam")
    assert "\n" not in str(e.value)
    probe = fit_probes(X, [ProbeSpec(Y)], epochs=1, solver="adam")[0]
    with pytest.raises(NeurosieveError, match="cannot be used"):
        score_probes(X, [probe], Y, device=device)


def test_devices_that_are_there():
    assert usable_device("cpu") == usable_device(torch.device("cpu")) == torch.device("cpu")
    assert usable_device(None).type in ("cpu", "cuda")
