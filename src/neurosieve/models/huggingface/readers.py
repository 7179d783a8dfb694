"""Reading the layers of a Hugging Face model during one forward pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from neurosieve.models.language_model import Layer

if TYPE_CHECKING:
    from torch import Tensor, nn

Take = Callable[["Tensor", str], "Tensor"]
"""Picks what is needed of a tensor (n_sequences, n_positions, width); the second argument is `side_of` its layer."""

Inputs = Mapping[str, "Tensor"]
"""Keyword arguments of the model's ``forward``."""


class Reader(Protocol):
    """Runs a model and returns what `take` picks of each layer."""

    layers: list[Layer]

    def keep(self, chosen: Sequence[int]) -> None:
        """Restrict `layers` to those at the given positions, and compute no more than they need."""

    def read(self, inputs: Inputs, take: Take) -> list[Tensor]:
        """One forward pass; one tensor for each of `layers`."""


def side_of(layer: Layer) -> str:
    """``"enc"`` or ``"dec"`` for a layer of a model that has both, else ``""``."""
    head = layer.name.partition(".")[0]
    return head if head in ("enc", "dec") else ""


def without_caches(model: nn.Module) -> dict[str, bool]:
    """Arguments that keep a model from storing keys, values or states for a continuation that never comes."""
    accepted = inspect.signature(model.forward).parameters
    return {name: False for name in ("use_cache", "use_mems") if name in accepted}


class ResidualReader:
    """The residual stream: the embeddings (layer 0) and the output of every block, as ``output_hidden_states`` gives them.

    Parameters
    ----------
    model : torch.nn.Module
        As ``AutoModel`` gives it.
    example : mapping of str to Tensor
        Inputs of a short text, from which the number of layers and their widths are read.
    may_cut : bool
        Whether blocks that no layer needs may be taken out of the model: not where its head is needed.

    Attributes
    ----------
    layers : list of Layer
    """

    def __init__(self, model: nn.Module, example: Inputs, *, may_cut: bool = True) -> None:
        self._model = model
        self._may_cut = may_cut
        self._encoder_only = False
        self._switches = without_caches(model)
        states = self._states(example)
        self.layers = [
            Layer(f"{side}.L{depth}" if side else f"L{depth}", state.shape[-1], depth)
            for side, of_side in states.items()
            for depth, state in enumerate(of_side)
        ]

    def keep(self, chosen: Sequence[int]) -> None:
        """Restrict `layers` to those at the given positions, and run no block above the highest of them."""
        n_blocks = {side_of(layer): layer.depth for layer in self.layers}
        self.layers = [self.layers[i] for i in chosen]
        highest = {side_of(layer): layer.depth for layer in self.layers}
        model: Any = self._model
        if "dec" in highest:  # which reads the whole encoder
            self._end_above(model.get_decoder(), n_blocks["dec"], highest["dec"])
        elif "enc" in highest:
            self._model, self._encoder_only = model.get_encoder(), True
            self._switches = without_caches(self._model)
            self._end_above(self._model, n_blocks["enc"], highest["enc"])
        else:
            self._end_above(model, n_blocks[""], highest[""])

    def _end_above(self, model: nn.Module, n_blocks: int, depth: int) -> None:
        """Cut the list of blocks so that the forward pass ends one block after `depth`.

        That one more block stays because a last hidden state passes through the final layer norm, which `depth` does not.
        A model whose blocks are not to be found (such as one that shares a block between layers) is left as it is.
        """
        found = block_list(model, n_blocks)
        if self._may_cut and found is not None and depth + 1 < n_blocks:
            parent, name = found
            setattr(parent, name, getattr(parent, name)[: depth + 1])

    def read(self, inputs: Inputs, take: Take) -> list[Tensor]:
        """One forward pass; one tensor for each of `layers`."""
        states = self._states(inputs)
        return [take(states[side_of(layer)][layer.depth], side_of(layer)) for layer in self.layers]

    def _states(self, inputs: Inputs) -> dict[str, tuple[Tensor, ...]]:
        if self._encoder_only:
            inputs = {name: tensor for name, tensor in inputs.items() if not name.startswith("decoder_")}
        out = self._model(**inputs, **self._switches, output_hidden_states=True, return_dict=True)
        if getattr(out, "encoder_hidden_states", None) is not None:
            return {"enc": out.encoder_hidden_states, "dec": out.decoder_hidden_states}
        return {"enc" if self._encoder_only else "": out.hidden_states}


def block_list(model: nn.Module, n_blocks: int) -> tuple[nn.Module, str] | None:
    """The module that holds the list of blocks, and the list's name there; None unless exactly one list is of that length."""
    from torch import nn

    lists = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == n_blocks
    ]
    return lists[0] if len(lists) == 1 else None
