"""One way to read activations, wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.activations import source as module
from neurosieve.activations.source import ActivationSource, ArraySource, RowSource, as_source
from neurosieve.errors import NeurosieveError


def test_an_array_is_wrapped_without_a_copy():
    X = np.arange(12, dtype=np.float32).reshape(4, 3)
    source = as_source(X)
    assert isinstance(source, ArraySource)
    assert isinstance(source, ActivationSource)
    assert (source.n_words, source.n_neurons, source.dtype) == (4, 3, np.float32)
    assert np.shares_memory(source.read(1, 3), X)
    assert np.array_equal(source.read(1, 3), X[1:3])
    assert np.array_equal(source.read(1, 3, np.array([2, 0])), X[1:3][:, [2, 0]])


def test_a_source_is_passed_through():
    source = ArraySource(np.zeros((2, 2), dtype=np.float16))
    assert as_source(source) is source


@pytest.mark.parametrize("value", [[[1.0]], "store", None, object()])
def test_what_cannot_be_read(value):
    with pytest.raises(NeurosieveError, match=r"cannot read activations from .*; pass an array"):
        as_source(value)


@pytest.mark.parametrize("dtype", [np.int64, bool, object, np.complex64, ">f4"])
def test_precisions_that_are_not_read(dtype):
    with pytest.raises(NeurosieveError, match="expected float16, float32 or float64"):
        as_source(np.zeros((2, 2), dtype=dtype))


class Recorder(ArraySource):
    """Notes how many rows each read asks for."""

    def read(self, start, stop, columns=None):
        self.asked = [*getattr(self, "asked", []), stop - start]
        return super().read(start, stop, columns)


@pytest.mark.parametrize("every", [1, 7, 300])
def test_rows_far_apart_do_not_bring_all_rows_between_into_memory(every, monkeypatch):
    monkeypatch.setattr(module, "_SPAN_BYTES", 100 * 3 * 4)
    X = np.arange(9000, dtype=np.float32).reshape(3000, 3)
    inner, rows = Recorder(X), np.arange(5, 3000, every)
    source = RowSource(inner, rows)
    np.testing.assert_array_equal(source.read(0, len(rows)), X[rows])
    assert max(inner.asked) <= 100
    assert sum(inner.asked) <= 3000
    np.testing.assert_array_equal(source.read(2, 9, np.array([2, 0])), X[rows[2:9]][:, [2, 0]])
    assert source.read(4, 4).shape == (0, 3)
