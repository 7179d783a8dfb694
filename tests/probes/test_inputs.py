"""Activations of any precision and layout in memory or on disk are read alike, and never changed."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import predict_codes
from neurosieve.probes.spec import ProbeSpec

SETTINGS = {"epochs": 2, "batch_size": 64, "learning_rate": 1e-2}


def _variants(X, tmp_path):
    """The same numbers (float16 holds them exactly) in every form."""
    path = tmp_path / "x.npy"
    np.save(path, X.astype(np.float16))
    wide = np.zeros((len(X), 2 * X.shape[1]), dtype=np.float32)
    wide[:, ::2] = X
    return {
        "float16": X.astype(np.float16),
        "float64": X.astype(np.float64),
        "memory map, read-only": np.load(path, mmap_mode="r"),
        "memory map, copy on write": np.load(path, mmap_mode="c"),
        "Fortran order": np.asfortranarray(X),
        "every second column": wide[:, ::2],
        "reversed twice": np.ascontiguousarray(X[::-1])[::-1],
        "columns reversed twice": np.ascontiguousarray(X[:, ::-1])[:, ::-1],
    }


@pytest.fixture(scope="module")
def exact(planted):
    """Activations that float16 holds exactly, as float32."""
    return planted.X.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("memory_limit", [None, 1])
@pytest.mark.parametrize("standardize", [False, True])
def test_all_forms_give_the_same_probe(planted, exact, tmp_path, memory_limit, standardize):
    specs = [ProbeSpec(planted.y, l1=1e-3), ProbeSpec(planted.y, neurons=[1, 4, 6])]
    options = {"standardize": standardize, "memory_limit": memory_limit, **SETTINGS}
    expected = fit_probes(exact, specs, solver="adam", **options)
    codes = predict_codes(exact, expected)
    for name, form in _variants(exact, tmp_path).items():
        before = np.array(form)
        for probe, wanted in zip(fit_probes(form, specs, solver="adam", **options), expected, strict=True):
            # 1e-6: standardisation sums in an order that depends on the memory layout.
            np.testing.assert_allclose(probe.coef_, wanted.coef_, atol=1e-6, rtol=0, err_msg=name)
            assert probe.coef_.dtype == probe.intercept_.dtype == (np.float64 if name == "float64" else np.float32)
        assert np.array_equal(predict_codes(form, expected, memory_limit=memory_limit), codes), name
        assert np.array_equal(form, before), name


def test_read_only_arrays_stay_so(planted):
    assert not planted.X.flags.writeable
    fit_probes(planted.X, [ProbeSpec(planted.y)], solver="adam", **SETTINGS)
    assert not planted.X.flags.writeable


def test_no_probe_shares_memory_with_the_activations_or_with_another(planted, exact):
    probes = fit_probes(exact, [ProbeSpec(planted.y), ProbeSpec(planted.y, l1=1e-3)], solver="adam", **SETTINGS)
    arrays = [exact, *(p.coef_ for p in probes), *(p.intercept_ for p in probes)]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])
        assert a.base is None or a is exact  # no view that would keep the whole group's weights alive


@pytest.mark.parametrize("device", [None, "cpu"])
def test_device_is_a_name_or_a_torch_device(planted, exact, device):
    import torch

    by_name = fit_probes(exact.astype(np.float16), [ProbeSpec(planted.y)], device="cpu", solver="adam", **SETTINGS)[0]
    other = fit_probes(
        exact.astype(np.float16),
        [ProbeSpec(planted.y)],
        device=device and torch.device(device),
        solver="adam",
        **SETTINGS,
    )[0]
    assert by_name.coef_.shape == other.coef_.shape == (4, 24)
    assert by_name.coef_.dtype == other.coef_.dtype == np.float32
    if device or not torch.cuda.is_available():
        assert by_name.coef_.tobytes() == other.coef_.tobytes()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("memory_limit", [None, 1])
def test_a_gpu_gives_the_same_probe(planted, exact, dtype, memory_limit):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    weights = np.random.default_rng(0).random(len(planted.y))
    specs = [
        ProbeSpec(planted.y, l1=1e-3, l2=1e-3),
        ProbeSpec(planted.y, neurons=[0, 5]),
        ProbeSpec(planted.y, word_weights=weights),
    ]
    for solver in ("adam", "neurox"):
        found, expected = (
            fit_probes(
                exact.astype(dtype),
                specs,
                solver,
                standardize=True,
                device=device,
                memory_limit=memory_limit,
                **SETTINGS,
            )
            for device in ("cuda", "cpu")
        )
        for a, b in zip(found, expected, strict=True):
            # A tenth of one step of 1e-2: products on a GPU round differently, and Adam enlarges what is near zero.
            np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-3, rtol=0)
        codes = [predict_codes(exact.astype(dtype), expected, device=device) for device in ("cuda", "cpu")]
        assert np.mean(codes[0] == codes[1]) > 0.995
