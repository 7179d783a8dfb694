"""Reading one site of every block while a forward pass goes by, which ends when all that is asked for is read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from neurosieve.models.huggingface.readers import Inputs, Take, side_of, without_caches
from neurosieve.models.huggingface.taps import Taps
from neurosieve.models.language_model import Layer

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


class TapReader:
    """Reads the places of one site.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        As ``AutoModel`` gives it.
    taps : Taps
    layers : sequence of Layer
        Those that are read (see `Taps.layers`).

    Attributes
    ----------
    layers : list of Layer
    """

    def __init__(self, model: PreTrainedModel, taps: Taps, layers: Sequence[Layer]) -> None:
        self._model = model
        self._taps = taps
        self.layers = list(layers)

    def keep(self, chosen: Sequence[int]) -> None:
        """Restrict `layers` to those at the given positions."""
        self.layers = [self.layers[i] for i in chosen]

    def read(self, inputs: Inputs, take: Take) -> list[Tensor]:
        """One forward pass; one tensor for each of `layers`."""
        wanted = {(side_of(layer), layer.depth): i for i, layer in enumerate(self.layers)}
        taken: dict[int, Tensor] = {}

        def record(value: Tensor, side: str, depth: int) -> None:
            place = wanted.get((side, depth))
            if place is not None:
                taken[place] = take(value, side)
            if len(taken) == len(wanted):
                raise _AllReadError

        with self._taps.open(inputs, record), suppress(_AllReadError):
            self._model(**inputs, **without_caches(self._model))
        return [taken[i] for i in range(len(self.layers))]


class _AllReadError(Exception):
    """Ends a forward pass of which nothing more is needed."""
