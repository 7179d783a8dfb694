from __future__ import annotations

import pytest

from neurosieve.errors import ModelError
from neurosieve.models.language_model import Layer
from neurosieve.models.layers import choose_layers

PLAIN = [Layer(f"L{i}", 8, i) for i in range(4)]
TWO_SIDED = [Layer(f"{side}.L{i}", 8, i) for side in ("enc", "dec") for i in range(3)]


@pytest.mark.parametrize(
    ("available", "wanted", "expected"),
    [
        (PLAIN, None, [0, 1, 2, 3]),
        (PLAIN, [3, "L1"], [1, 3]),
        (PLAIN, [-1, -4, 0], [0, 3]),
        (TWO_SIDED, [1], [1, 4]),
        (TWO_SIDED, ["dec.L2"], [5]),
        (TWO_SIDED, [-1], [2, 5]),
    ],
)
def test_layers_by_name_and_depth(available, wanted, expected):
    assert choose_layers(available, wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([4], "no layer 4; it has L0, L1, L2, L3"),
        (["L9"], "no layer 'L9'"),
        ([-5], "no layer -5"),
        ([], "no layer was asked"),
    ],
)
def test_what_is_not_there_is_refused(wanted, message):
    with pytest.raises(ModelError, match=message):
        choose_layers(PLAIN, wanted)
