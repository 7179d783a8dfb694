from __future__ import annotations

import torch

from neurosieve.models.digest import weights_digest

WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(2), "c": torch.ones(3, dtype=torch.bfloat16)}


def test_equal_weights_have_equal_digests_in_any_order_and_layout():
    turned = {"c": WEIGHTS["c"].clone(), "b": WEIGHTS["b"], "a": WEIGHTS["a"].T.contiguous().T}
    assert weights_digest(WEIGHTS) == weights_digest(turned)
    assert len(weights_digest(WEIGHTS)) == 64


def test_name_shape_type_and_value_matter():
    changed = [
        {**WEIGHTS, "a": WEIGHTS["a"].reshape(3, 2)},
        {**WEIGHTS, "a": WEIGHTS["a"].double()},
        {**WEIGHTS, "a": WEIGHTS["a"] + torch.eye(2, 3) * 1e-6},
        {("d" if name == "a" else name): tensor for name, tensor in WEIGHTS.items()},
        {"a": WEIGHTS["a"]},
    ]
    assert len({weights_digest(weights) for weights in (WEIGHTS, *changed)}) == 6
