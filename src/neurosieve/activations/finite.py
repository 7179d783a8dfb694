"""NaN and infinity in activations: found before anything is fitted, in every split, and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.source import as_source
from neurosieve.activations.store import ActivationStore
from neurosieve.errors import NeurosieveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neurosieve.activations.labelled_split import LabelledSplit

ROWS = 1024
"""How many are looked at at once."""
_MASKS = {2: (np.uint16, 0x7FFF, 0x7C00), 4: (np.uint32, 0x7FFFFFFF, 0x7F800000)}
"""For each size of a float: an integer of that size, its bits but the sign, and the first that is no finite number."""
_finite: set[tuple[str, str, int]] = set()
"""Splits of stores, by folder, name and time, in which all values are finite."""


def require_finite(parts: Mapping[str, LabelledSplit]) -> None:
    """Refuse activations with NaN or infinity.

    Parameters
    ----------
    parts : mapping of str to LabelledSplit
        By the split's name. Splits of a store are looked through once a process.

    Raises
    ------
    NeurosieveError
        With split, layer, neuron and the first sentence.
    """
    for name, part in parts.items():
        source = as_source(part.activations)
        store = source if isinstance(source, ActivationStore) else None
        key = None if store is None else (str(store.path.absolute()), name, store.written_at)
        if key is not None and key in _finite:
            continue
        for start in range(0, source.n_words, ROWS):
            block = source.read(start, min(start + ROWS, source.n_words))
            if all_finite(block):
                continue
            row, neuron = (int(place) for place in np.argwhere(~np.isfinite(block))[0])
            bad = ~np.isfinite(block).all(axis=0)
            n_bad = int(bad.sum())
            raise NeurosieveError(
                f"the activations of {name} hold {block[row, neuron]:g}: {_where(part, store, start + row, neuron=neuron)}"
                f"{f' (and {n_bad - 1} more neurons in the rows around it)' if n_bad > 1 else ''}; load the model in float32, or "
                "leave the layer or the sentence out"
            )
        if key is not None:
            _finite.add(key)


def all_finite(values: NDArray[np.floating]) -> bool:
    """Whether no value is NaN or infinite; told from the bits, several times faster than by `numpy.isfinite` in float16."""
    mask = _MASKS.get(values.dtype.itemsize)
    if mask is None or not values.size:
        return bool(np.isfinite(values).all())
    kind, bits, first = mask
    return bool((np.ascontiguousarray(values).view(kind) & kind(bits)).max() < first)


def _where(part: LabelledSplit, store: ActivationStore | None, row: int, *, neuron: int) -> str:
    if store is None:
        named = f"neuron {neuron}"
        sentence = "" if part.sentences is None else f", sentence {part.sentences[row]}"
        word = "" if part.words is None else f", word {str(part.words[row])!r}"
        return f"{named}, first in row {row}{sentence}{word}"
    about, place = store.neurons.iloc[neuron], store.words.iloc[row]
    word = str(place["word"])
    return (
        f"layer {about['layer_name']}, neuron {about['neuron']}, first in sentence {place['sentence']}, word {word!r}"
    )
