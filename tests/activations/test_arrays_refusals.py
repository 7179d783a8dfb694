"""What cannot become a store is refused in one line that says what to call or mend, and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from neurosieve.activations.arrays import store_from_arrays
from neurosieve.errors import StoreError

N = 9
X = np.arange(N * 4, dtype=np.float32).reshape(N, 4)
SPLITS = ["train", "dev", "test"] * 3
POS = list("abcabcabc")


def with_value(value, row=5, neuron=2, dtype=np.float32):
    array = X.astype(dtype)
    array[row, neuron] = value
    return array


class OnDevice:
    """Stands for a tensor on a GPU, which the machine need not have."""

    __module__ = "torch"
    requires_grad = False
    device = torch.device("cuda", 0)


class Lazy:
    def numpy(self):
        raise AssertionError


def refused(tmp_path, message, arrays=X, **given):
    given = {"labels": {"pos": POS}, "splits": SPLITS, **given}
    with pytest.raises(StoreError, match=message) as error:
        store_from_arrays(tmp_path / "s", arrays, **given)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (torch.zeros(N, 4, requires_grad=True), r"requires grad; pass `.detach\(\).cpu\(\).numpy\(\)` of it"),
        (OnDevice(), r"a tensor on cuda:0; pass `.detach\(\).cpu\(\).numpy\(\)` of it"),
        (torch.zeros(N, 4, device="meta"), r"a tensor on meta; pass `.detach"),
        (torch.zeros(N, 4, dtype=torch.bfloat16), r"bfloat16 tensor, .*; pass `.float\(\).numpy\(\)` of it"),
        (torch.eye(N).to_sparse(), r"a sparse tensor .*; pass `.to_dense\(\).numpy\(\)` of it"),
        (sparse.csr_matrix(X), r"a sparse csr_matrix; expected a dense array, pass `.toarray\(\)` of it"),
        ({"L0": sparse.coo_array(X)}, r"layer L0: a sparse coo_array"),
        (np.ma.masked_less(X, 3), r"a masked array, .*; pass `.filled\(...\)` of it"),
        (X.tolist(), r"lists of numbers; pass `np.asarray\(...\)` of each layer"),
        ([X, X.tolist()], r"layer L1: a list; expected a numpy array, pass `np.asarray\(...\)` of it"),
        (Lazy(), r"a Lazy; expected a numpy array, pass `.numpy\(\)` of it"),
        ("X.npy", "a str; expected a numpy array"),
        (X.astype(int), r"of type int64; .* pass `.astype\('float32'\)` of it"),
        (pd.DataFrame({"a": [1.0] * N, "b": POS}), "not all columns are numbers"),
        (X[:, 0], r"has shape \(9,\); expected \(n_rows, n_neurons\)"),
        (X[None], r"has shape \(1, 9, 4\); .* pass a list of the layers"),
        (X[:, :0], r"has shape \(9, 0\)"),
        ([], "arrays: there is none"),
        ({}, "arrays: there is none"),
        ([X, X[:5]], "layer L1 has 5 rows and L0 has 9; expected the same rows in all layers"),
        ({3: X, "L3": X}, "two layers are named L3; name each once"),
        ({-1: X}, "layers: -1 names none"),
        (with_value(np.nan), "layer L0, neuron 2, row 5: the value is nan, not finite"),
        ([X, with_value(-np.inf, row=1)], "layer L1, neuron 2, row 1: the value is -inf, not finite"),
        (with_value(1e39, dtype=np.float64), r"layer L0, neuron 2, row 5: the value is 1e\+39, beyond float32"),
        (pd.DataFrame(X).astype("Float64").replace(5.0, pd.NA), "layer L0, neuron 1, row 1: the value is nan"),
    ],
)
def test_arrays(tmp_path, arrays, message):
    refused(tmp_path, message, arrays)


def test_a_value_that_is_not_finite_in_a_row_that_is_left_out_does_not_matter(tmp_path):
    splits = [None if i == 5 else name for i, name in enumerate(SPLITS)]
    store = store_from_arrays(tmp_path / "s", with_value(np.nan), labels={"pos": POS}, splits=splits)
    assert store.n_words == N - 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layers": [0, 1]}, "2 names for one array; pass `neurons`"),
        ({"arrays": [X, X], "layers": [0]}, "1 names for 2 arrays; pass one a layer"),
        ({"arrays": {0: X}, "layers": [0]}, "the mapping of arrays names its layers"),
        ({"layers": [0], "neurons": [0] * 4}, "the table of neurons names the layers"),
        ({"arrays": [X], "neurons": [0] * 4}, "a table of neurons goes with one array"),
        ({"neurons": [0] * 3}, "3 entries for 4 columns of the array"),
        ({"neurons": pd.DataFrame({"unit": range(4)})}, "the table has no column 'layer'"),
        ({"neurons": pd.DataFrame({"layer": [0] * 4, "index": [0, 1, 5, 6]})}, "index 5 of layer L0 where 2 is due"),
        ({"neurons": [0, 0, 0, 0.5]}, "layers: 0.5 names none"),
        ({"dtype": "int8"}, "dtype is 'int8'; expected 'float16' or 'float32'"),
    ],
)
def test_layers(tmp_path, given, message):
    refused(tmp_path, message, **given)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (POS, "labels: a list; expected a mapping of property to labels"),
        ({}, "labels: no property; pass at least one"),
        ({3: POS}, "the property 3 is no string"),
        ({"word": POS}, "no property can be named 'word'"),
        ({"row": POS}, "no property can be named 'row'"),
        (pd.DataFrame([POS, POS], index=["p", "p"]).T, "two columns have the same name"),
        ({"p": POS[:4]}, "labels of 'p': has 4 entries for 9 rows of activations; pass one a row"),
        ({"p": np.zeros((N, 2))}, r"labels of 'p': has shape \(9, 2\); expected \(9,\)"),
        ({"p": "abcabcabc"}, "labels of 'p': a str; expected one entry a row"),
        ({"p": [None] * N}, "labels of 'p': none of the 9 rows has one"),
        ({"p": [1, "a", *[None] * 7]}, r"of type int, str; .*make strings of them, such as with `.astype\(str\)`"),
        ({"p": [b"a"] * N}, "of type bytes"),
        ({"p": [True, 2] + [None] * 7}, "of type bool, int"),
        ({"p": [0.5] * 8 + [np.inf]}, "the value of row 8 is infinite"),
        ({"p": [2**70] * N}, "integers beyond 64 bits"),
        ({"p": np.ma.masked_equal(np.arange(N), 3)}, "a masked array"),
        ({"p": torch.zeros(N, requires_grad=True)}, "requires grad"),
    ],
)
def test_labels(tmp_path, labels, message):
    refused(tmp_path, message, labels=labels)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (SPLITS[:8], "splits: has 8 entries for 9 rows"),
        (["train", "valid", "test"] * 3, "no split can be named 'valid'; expected 'train', 'dev', 'test'"),
        (["train", "dev", None] * 3, "splits: 'test' is missing; expected rows for each of train, dev, test"),
        ({"train": [0], "dev": [1]}, "splits: 'test' is missing"),
        ({"train": [0], "dev": [1], "test": [2], "x": [3]}, "no split can be named 'x'"),
        ({"train": [0], "dev": [1], "test": []}, "splits: 'test' has no row"),
        ({"train": [0, 1], "dev": [1], "test": [2]}, "row 1 is given more than once"),
        ({"train": [0, 0], "dev": [1], "test": [2]}, "row 0 is given more than once"),
        ({"train": [0], "dev": [1], "test": [9]}, "splits: 'test': there is no row 9; rows are numbered 0 to 8"),
        ({"train": [0], "dev": [-1], "test": [2]}, "splits: 'dev': there is no row -1"),
        ({"train": [0], "dev": [1], "test": np.array([True])}, r"'test': a mask of shape \(1,\); expected \(9,\)"),
        ({"train": [0], "dev": [1], "test": [0.5]}, "expected row numbers, a mask or a slice"),
        ({"train": [0], "dev": [1], "test": 2}, "expected a numpy array"),
    ],
)
def test_splits(tmp_path, splits, message):
    refused(tmp_path, message, splits=splits)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"words": POS[:3]}, "words: has 3 entries for 9 rows"),
        ({"words": [*POS[:8], None]}, "words: row 8 has none"),
        ({"sentences": [0] * 8}, "sentences: has 8 entries"),
        ({"sentences": [np.nan] + [0] * 8}, "sentences: row 0 has none"),
    ],
)
def test_words_and_sentences(tmp_path, given, message):
    refused(tmp_path, message, **given)
