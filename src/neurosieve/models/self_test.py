"""A check on load: what we read is what the model computes, and company does not change it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.language_model import LanguageModel

SENTENCES: tuple[tuple[str, ...], ...] = (
    ("Stop", "!"),
    ("The", "cat", "sat", "on", "the", "mat", "."),
    ("She", "did", "not", "know", "why", ",", "but", "it", "was", "the", "third", "time", "in", "a", "week", "."),
)
"""Three short sentences of different lengths, so that two of them are padded when they are embedded together."""

TOLERANCES = {"float32": 1e-5, "float64": 1e-10, "float16": 1e-2, "bfloat16": 1e-1}
"""Largest difference, as a share of the largest value of the layer and those below it (at least 1): rounding grows with the
magnitude, also with that of values which cancel later (SmolLM2's stream falls from 600 to 100 within a block)."""


def self_test(
    model: LanguageModel,
    sentences: Sequence[Sequence[str]],
    plain: Sequence[Sequence[NDArray[np.float32]]],
    *,
    dtype: str = "float32",
) -> None:
    """Embed sentences together and compare with a plain forward pass of each.

    Parameters
    ----------
    model : LanguageModel
    sentences : sequence of sequence of str
        `SENTENCES`, or as much of them as fits into the model's window.
    plain : sequence of sequence of ndarray of shape (n_kept, width)
        For each sentence one array a layer, computed from the sentence alone, without padding.
    dtype : str
        In which the model computes.

    Raises
    ------
    ModelError
        If a layer differs; the message says which layer, and by how much.
    """
    for words, expected, found in zip(sentences, plain, model.embed(sentences), strict=True):
        scale = 1.0
        for layer, wanted, got in zip(model.layers, expected, found.layers, strict=True):
            scale = max(scale, float(np.abs(wanted).max(initial=0.0)))
            difference = float(np.abs(wanted - got).max(initial=0.0)) / scale
            if not difference <= TOLERANCES[dtype]:  # also true for NaN
                raise ModelError(
                    f"self-test failed: layer {layer.name} of {' '.join(words)!r} differs by {difference:.1e} (relative) "
                    f"from a plain forward pass, where {TOLERANCES[dtype]:.0e} is expected; batching or padding changes "
                    "this model's vectors: use dtype float32 or batch_tokens=1, or pass self_test=False to go on"
                )
