"""What a property's labels or values are: how often each label occurs, or how the real values are spread."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurosieve.activations.labels import as_values, is_labelled
from neurosieve.activations.splits import Splits

SPLITS = ("train", "dev", "test")
MOST_BINS = 30


def labelled_counts(splits: Splits) -> dict[str, int]:
    """Rows of each split that have a label or value."""
    return {name: int(is_labelled(getattr(splits, name).y).sum()) for name in SPLITS}


def label_counts(splits: Splits) -> pd.DataFrame:
    """Rows of each split by label: label, train, dev, test; no row for real values."""
    if splits.loss == "squared":
        return pd.DataFrame({"label": pd.Series(dtype=object), **{name: pd.Series(dtype=int) for name in SPLITS}})
    given = {name: [label for label in getattr(splits, name).y.tolist() if label is not None] for name in SPLITS}
    counts = pd.DataFrame({name: pd.Series(labels).value_counts() for name, labels in given.items()})
    return counts.fillna(0).astype(int).rename_axis("label").reset_index()


def value_summary(splits: Splits) -> pd.DataFrame:
    """Real values of each split: split, n, mean, sd, min, median, max; no row for labels."""
    columns = ["split", "n", "mean", "sd", "min", "median", "max"]
    if splits.loss != "squared":
        return pd.DataFrame(columns=columns)
    rows = []
    for name in SPLITS:
        v = _known(splits, name)
        rows.append((name, len(v), v.mean(), v.std(), v.min(), float(np.median(v)), v.max()))
    return pd.DataFrame(rows, columns=columns)


def value_histogram(splits: Splits) -> pd.DataFrame:
    """Rows of each split by real value: low, high (edges), train, dev, test; no row for labels.

    The bins are equally wide; values that lie on few steps, such as counts, have a bin for each step, in its middle.
    """
    columns = ["low", "high", *SPLITS]
    if splits.loss != "squared":
        return pd.DataFrame(columns=columns)
    known = {name: _known(splits, name) for name in SPLITS}
    together = np.concatenate(list(known.values()))
    distinct = np.unique(together)
    step = np.diff(distinct).min()
    n_steps = round((distinct[-1] - distinct[0]) / step) + 1
    if n_steps <= MOST_BINS:
        edges = distinct[0] + step * (np.arange(n_steps + 1) - 0.5)
        edges[-1] = max(edges[-1], distinct[-1])  # where the last value lies beside the steps
    else:
        edges = np.histogram_bin_edges(together, bins=MOST_BINS)
    table = pd.DataFrame({"low": edges[:-1], "high": edges[1:]})
    for name, values in known.items():
        table[name] = np.histogram(values, bins=edges)[0]
    return table


def _known(splits: Splits, name: str) -> np.ndarray:
    values = as_values(getattr(splits, name).y)
    known: np.ndarray = values[~np.isnan(values)]
    return known
