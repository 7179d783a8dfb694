"""Labels become numbers, missing ones -1."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations.labels import encode_labels
from neurosieve.errors import NeurosieveError


@pytest.mark.parametrize(
    ("y", "codes", "classes"),
    [
        (["b", "a", "b"], [1, 0, 1], ["a", "b"]),
        (["b", None, "a"], [1, -1, 0], ["a", "b"]),
        ([3, 1, 3], [1, 0, 1], [1, 3]),
        ([3, None, 1], [1, -1, 0], [1, 3]),
        ([2.0, float("nan"), 0.5], [1, -1, 0], [0.5, 2.0]),
        (["a", float("nan"), "b"], [0, -1, 1], ["a", "b"]),
        ([True, False], [1, 0], [False, True]),
    ],
)
def test_codes(y, codes, classes):
    for given in (y, np.asarray(y, dtype=object)):
        encoded = encode_labels(given)
        assert encoded.codes.tolist() == codes
        assert encoded.codes.dtype == np.int64
        assert encoded.classes.tolist() == classes
        assert encoded.classes.dtype != object


def test_by_given_classes():
    classes = np.array(["b", "d", "f"])
    assert encode_labels(["a", "b", "c", "d", "f", "g", None], classes=classes).codes.tolist() == [
        -1,
        0,
        -1,
        1,
        2,
        -1,
        -1,
    ]
    assert encode_labels([1, 2], classes=classes).codes.tolist() == [-1, -1]
    assert encode_labels(["1"], classes=np.array([1])).codes.tolist() == [-1]
    assert encode_labels(["a longer label than any known"], classes=classes).codes.tolist() == [-1]


@pytest.mark.parametrize("y", [[None, None], [float("nan")], []])
def test_no_label_at_all(y):
    with pytest.raises(NeurosieveError, match=f"none of the {len(y)} words has a label"):
        encode_labels(y)


def test_shape():
    with pytest.raises(NeurosieveError, match=r"labels have shape \(1, 2\); expected \(n_words,\)"):
        encode_labels([["a", "b"]])
