"""Products in bfloat16 round their factors and nothing else, and are chosen only where they are faster."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.errors import NeurosieveError
from neurosieve.probes import products
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import score_probes
from neurosieve.probes.products import FEW_VALUES, chosen_precision, products_of
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking

CPU = torch.device("cpu")
SETTINGS = {"epochs": 6, "batch_size": 64, "learning_rate": 1e-2}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("n_words", [40, 17])
def test_both_products(precision, n_words):
    generator = torch.Generator().manual_seed(0)
    W, b, X = (torch.randn(*shape, generator=generator) for shape in ((6, 30), (6,), (n_words, 30)))
    made = products_of(W, 40, precision)
    # bfloat16 keeps 8 bits: 30 products of values near 1, each off by 2^-8, and their rounded sum of size 5.
    tolerance = 1e-5 if precision == "float32" else 0.15
    logits = made.logits(b, X)
    assert logits.dtype == torch.float32
    assert logits.shape == (6, n_words)
    torch.testing.assert_close(logits, W @ X.T + b[:, None], rtol=0, atol=tolerance)
    gradient = torch.ones(6, 30)
    made.add_gradient(logits, X, gradient)
    torch.testing.assert_close(
        gradient, 1 + logits @ X, rtol=1e-2 if precision == "bfloat16" else 1e-5, atol=8 * tolerance
    )
    assert made.precision == precision


def test_float64_stays_float64():
    assert products_of(torch.zeros(2, 3, dtype=torch.float64), 4, "bfloat16").precision == "float64"


def test_bfloat16_finds_the_same_neurons(planted):
    half = fit_probes(planted.X, [ProbeSpec(planted.y, l1=1e-3)], products="bfloat16", solver="adam", **SETTINGS)
    full = fit_probes(planted.X, [ProbeSpec(planted.y, l1=1e-3)], products="float32", solver="adam", **SETTINGS)
    assert half[0].info["products"] == "bfloat16"
    assert half[0].coef_.dtype == np.float32
    a, b = (score_probes(planted.X, probes, planted.y)[0] for probes in (half, full))
    assert a == pytest.approx(b, abs=0.01)  # one word in a hundred may change sides by rounding
    n = len(planted.informative)
    found = set(weight_mass_ranking(half[0]).top(n).tolist())
    assert found == set(weight_mass_ranking(full[0]).top(n).tolist())


def test_chosen_where_it_is_faster(monkeypatch):
    monkeypatch.setattr(products, "_speed_up", lambda: 2.0)
    assert chosen_precision("auto", CPU, FEW_VALUES) == "bfloat16"
    assert chosen_precision("float32", CPU, FEW_VALUES) == "float32"
    monkeypatch.setattr(products, "_speed_up", lambda: 1.2)  # too little to be sure of
    assert chosen_precision("auto", CPU, FEW_VALUES) == "float32"
    assert chosen_precision("bfloat16", CPU, 1) == "bfloat16"


def test_on_a_gpu_by_what_it_supports(monkeypatch):
    for supported, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, s=supported: s)
        assert chosen_precision("auto", torch.device("cuda"), FEW_VALUES) == expected


def test_the_processor_is_asked_by_multiplying():
    assert 0.001 < products._speed_up() < 1000


def test_unknown_precision_refused(planted):
    with pytest.raises(NeurosieveError, match="'auto', 'float32' or 'bfloat16'"):
        fit_probes(planted.X, [ProbeSpec(planted.y)], products="int8", solver="adam", **SETTINGS)
