"""NaN and infinity are found before anything is fitted, in every split, and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from neurosieve.activations import format as fmt
from neurosieve.activations.finite import all_finite
from neurosieve.activations.splits import Splits
from neurosieve.activations.store import open_store
from neurosieve.errors import NeurosieveError


@given(
    st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
        lambda kind: arrays.arrays(kind, (3, 4), elements=st.floats(width=8 * np.dtype(kind).itemsize))  # type: ignore[arg-type]
    )
)
def test_bits_tell_what_numpy_tells(values: np.ndarray) -> None:
    assert all_finite(values) == bool(np.isfinite(values).all())
    assert all_finite(values.T) == bool(np.isfinite(values).all())


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_arrays_are_refused_with_split_neuron_and_row(split: str, bad: float, kind: type) -> None:
    X = {name: np.ones((6, 3), dtype=kind) for name in ("train", "dev", "test")}
    X[split][4, 2] = bad
    y = [["a", "b"] * 3] * 3
    with pytest.raises(
        NeurosieveError, match=rf"the activations of {split} hold -?(nan|inf): neuron 2, first in row 4"
    ):
        Splits.from_arrays(list(X.values()), y)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_store_is_refused_with_layer_neuron_and_sentence(store, split: str) -> None:
    from safetensors.numpy import load_file

    start, stop = store.manifest["splits"][split]
    row = start + (stop - start) // 2
    bounds = np.cumsum([0, *(s["n_words"] for s in store.manifest["shards"])])
    number = int(np.searchsorted(bounds, row, "right")) - 1
    path: Path = fmt.shard_path(store.path, number)
    layers = load_file(path)
    layer = store.manifest["layers"][1]["name"]
    layers[layer][row - bounds[number], 3] = np.nan
    details = {k: v for k, v in fmt.read_shard_details(path).items() if k != "dtypes"}
    fmt.write_shard(path, layers, details)
    place = store.words.iloc[row]
    with pytest.raises(NeurosieveError) as error:
        Splits.from_store(open_store(store.path), "pos")
    said = str(error.value)
    assert f"the activations of {split} hold nan: layer {layer}, neuron {layer}N3" in said
    assert f"first in sentence {place['sentence']}, word '{place['word']}'" in said
