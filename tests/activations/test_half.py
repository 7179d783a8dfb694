"""Every float16 there is becomes the float32 that numpy makes of it."""

from __future__ import annotations

import numpy as np

from neurosieve.activations.half import as_float32


def test_every_number_is_exact():
    every = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    found = as_float32(finite)
    np.testing.assert_array_equal(found, finite.astype(np.float32))
    assert (np.signbit(found) == np.signbit(finite)).all()
    np.testing.assert_array_equal(as_float32(every), every.astype(np.float32))  # with infinities and what is no number


def test_shapes_and_other_precisions():
    X = np.arange(24, dtype=np.float16).reshape(4, 6)
    np.testing.assert_array_equal(as_float32(X[::2, 1:5]), X[::2, 1:5].astype(np.float32))
    assert as_float32(np.empty((0, 3), dtype=np.float16)).shape == (0, 3)
    assert as_float32(X.astype(np.float64)).dtype == np.float32
    single = X.astype(np.float32)
    assert not np.shares_memory(as_float32(single), single)
