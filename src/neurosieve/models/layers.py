"""Which layers are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from neurosieve.errors import ModelError
from neurosieve.models.language_model import Layer


def choose_layers(available: Sequence[Layer], wanted: Sequence[int | str] | None) -> list[int]:
    """Positions in `available` of the layers that are asked for, lowest first.

    Parameters
    ----------
    available : sequence of Layer
        All layers of the model.
    wanted : sequence of int or str, or None
        Names (``"L3"``, ``"dec.L3"``) or numbers: 3 is every layer of that depth (two in a model with an encoder and a
        decoder), -1 the deepest. None = all layers.

    Raises
    ------
    ModelError
        If there is no such layer, or the list is empty.
    """
    if wanted is None:
        return list(range(len(available)))
    deepest = max(layer.depth for layer in available)
    chosen: set[int] = set()
    for item in wanted:
        depth = item if isinstance(item, str) or item >= 0 else deepest + 1 + item
        matches = [i for i, layer in enumerate(available) if depth in (layer.name, layer.depth)]
        if not matches:
            names = ", ".join(layer.name for layer in available)
            raise ModelError(f"the model has no layer {item!r}; it has {names}")
        chosen.update(matches)
    if not chosen:
        raise ModelError("no layer was asked for; name at least one, or leave the option out for all of them")
    return sorted(chosen)
