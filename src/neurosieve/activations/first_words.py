"""Whether the first words of sentences have far larger values than all others, as in decoders without a start token.

There the first position takes the attention that has nowhere else to go, and a few neurons hold values hundreds of times the
usual ones. They say that a word is the first, dominate every scale, and may lead a ranking.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations import format as fmt

if TYPE_CHECKING:
    import pandas as pd

MANY_TIMES = 10.0
"""From here on larger values are told: in models with a start token first words differ by less than a half."""
LEAST_SHARE = 0.05
"""Of the first words, which must have such values."""
N_SHARDS = 4
"""Of the first shards, as it shows in any sentence."""


def sinks(folder: Path, words: pd.DataFrame, *, rows: list[int], layers: list[str]) -> dict[str, Any] | None:
    """Layers where first words of sentences have a largest value many times that of other words, and others hardly ever do.

    Not all first words do, as a word's vector may be that of a later sub-word.

    Parameters
    ----------
    folder : Path
        Of the store.
    words : DataFrame
        The store's table of words.
    rows : list of int
        Number of rows of each shard.
    layers : list of str

    Returns
    -------
    dict or None
        ``times``, how many times in the layer where it is most, ``layer``, and ``layers``, all where it is so; None if there
        is none.
    """
    from safetensors import safe_open

    n_rows = sum(rows[:N_SHARDS])
    first = (words["position"].iloc[:n_rows] == 0).to_numpy()
    if not first.any() or first.all():
        return None
    peaks: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in layers}
    for number in range(len(rows[:N_SHARDS])):
        with safe_open(str(fmt.shard_path(folder, number)), framework="numpy") as shard:
            for layer in layers:
                values = shard.get_tensor(layer)
                peaks[layer].append(np.maximum(values.max(axis=1), -values.min(axis=1)).astype(np.float32))
    times = {layer: _times(np.concatenate(parts), first) for layer, parts in peaks.items()}
    found = [layer for layer, n in times.items() if n >= MANY_TIMES]
    if not found:
        return None
    most = max(found, key=lambda layer: times[layer])
    return {"times": round(times[most], 1), "layer": most, "layers": found}


def _times(peak: NDArray[np.float32], first: NDArray[np.bool_]) -> float:
    """How many times the usual value the large ones of first words are; 1 if they are few, or other words have them as well."""
    usual = float(np.median(peak[~first]))
    large = peak >= MANY_TIMES * usual
    share, elsewhere = float(large[first].mean()), float(large[~first].mean())
    if usual <= 0 or share < LEAST_SHARE or share < MANY_TIMES * elsewhere:
        return 1.0
    return float(np.median(peak[first & large])) / usual


def said(found: dict[str, Any]) -> str:
    """What it means, in a sentence."""
    return (
        f"first words of sentences have values up to {found['times']:.0f} times larger than others (layer {found['layer']}, and "
        f"in {len(found['layers'])} layers more than {MANY_TIMES:.0f} times): an attention sink, whose neurons tell the place of a "
        "word and not the property; --standardize keeps it from ruling the scale, and --layers leaves layers out"
    )
