"""Edits carried out in a forward pass of a Hugging Face model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurosieve.errors import ModelError
from neurosieve.models.edits import Edit
from neurosieve.models.huggingface.readers import Inputs, ResidualReader, side_of
from neurosieve.models.huggingface.sites import SITES, parse_site
from neurosieve.models.huggingface.tap_reader import TapReader
from neurosieve.models.huggingface.taps import Taps, Touch, residual_taps, site_taps
from neurosieve.models.language_model import Layer

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

WordMap = tuple["Tensor", "Tensor"]
"""Word of each position (n_sequences, n_positions), -1 for none, and each sentence's number of words (n_sequences,)."""


class Editor:
    """Knows where a network can be edited.

    Parameters
    ----------
    network : transformers.PreTrainedModel
        As ``AutoModel`` gives it.
    example : mapping of str to Tensor
        Inputs of a short text, by which places are found.
    whole : transformers.PreTrainedModel
        The network with its head, or again the network.
    """

    def __init__(self, network: PreTrainedModel, example: Inputs, *, whole: PreTrainedModel) -> None:
        self.network = network
        self._whole = whole
        self._example = example
        self._sites: dict[str, tuple[Taps, list[Layer]]] = {}

    def places(self, site: str) -> tuple[Taps, list[Layer]]:
        """The places of a site and the layers at them; of the residual stream they are proven to be those that are read.

        Raises
        ------
        ModelError
            If there is no such site.
        """
        import torch

        if site not in self._sites:
            with torch.inference_mode():
                if site == "residual":
                    self._sites[site] = self._residual()
                else:
                    taps = site_taps(self.network, parse_site(site, self.network.config.model_type))
                    self._sites[site] = taps, taps.layers(self.network, self._example)
        return self._sites[site]

    def _residual(self) -> tuple[Taps, list[Layer]]:
        plain = ResidualReader(self.network, self._example, may_cut=False)
        blocks = {side_of(layer): layer.depth for layer in plain.layers}
        taps = residual_taps(self.network, self._example, blocks, whole=self._whole)
        layers = taps.layers(self.network, self._example)
        found = TapReader(self.network, taps, layers).read(self._example, lambda state, _: state)
        expected = plain.read(self._example, lambda state, _: state)
        known = {layer.name: state for layer, state in zip(plain.layers, expected, strict=True)}
        for layer, state in zip(layers, found, strict=True):
            if layer.name not in known or not bool((known[layer.name] == state).all()):
                raise ModelError(
                    f"the residual stream of {type(self.network).__name__} cannot be edited: what enters its blocks is not "
                    f"what output_hidden_states gives for {layer.name}; choose a site of modules, such as mlp"
                )
        return taps, layers

    def editing(self, edits: Sequence[Edit], *, highest: Mapping[str, float] | None) -> Editing:
        """Check edits and find their places.

        Parameters
        ----------
        edits : sequence of Edit
            Those of the same layer take place in this order.
        highest : mapping of str to float, or None
            For each side the deepest layer that anything is read of, above which an edit would change nothing; None where
            the model has a head.

        Raises
        ------
        ModelError
            If there is no such site, layer or neuron; the message says which there are.
        """
        by_site: dict[str, dict[tuple[str, int], list[Edit]]] = {}
        for edit in edits:
            site = _site_of(edit)
            layer = self._layer(edit, site, highest=highest)
            by_site.setdefault(site, {}).setdefault((side_of(layer), layer.depth), []).append(edit)
        return Editing(tuple((self.places(site)[0], at) for site, at in by_site.items()))

    def _layer(self, edit: Edit, site: str, *, highest: Mapping[str, float] | None) -> Layer:
        layers = self.places(site)[1]
        layer = next((layer for layer in layers if layer.name == edit.layer), None)
        if layer is None:
            raise ModelError(
                f"there is no layer {edit.layer!r} at the site {site!r}; the model has "
                f"{', '.join(layer.name for layer in layers)}"
            )
        if highest is not None and layer.depth > highest.get(side_of(layer), -1):
            raise ModelError(
                f"the edit of {edit.layer} changes nothing that is read, as the model has no head and its layers end below; "
                "load it with head=True, or with all layers"
            )
        if edit.neurons is not None and max(edit.neurons) >= layer.width:
            raise ModelError(
                f"there is no neuron {max(edit.neurons)} in layer {edit.layer}; it has {layer.width}, counted from 0"
            )
        return layer


@dataclass(frozen=True)
class Editing:
    """Edits with their places.

    Attributes
    ----------
    sites : tuple of (Taps, mapping of (str, int) to list of Edit)
        For each site its places, and the edits by side and depth.
    """

    sites: tuple[tuple[Taps, Mapping[tuple[str, int], Sequence[Edit]]], ...]

    @contextmanager
    def acting(self, inputs: Inputs, word_maps: Callable[[], Mapping[str, WordMap]]) -> Iterator[None]:
        """Carry the edits out in one forward pass with `inputs`.

        Parameters
        ----------
        inputs : mapping of str to Tensor
        word_maps : callable
            Gives each side's `WordMap`; only called if an edit is bound to words.
        """
        bound = any(edit.words is not None for _, at in self.sites for edits in at.values() for edit in edits)
        maps = word_maps() if bound else {}

        def touch_of(at: Mapping[tuple[str, int], Sequence[Edit]]) -> Touch:
            def touch(value: Tensor, side: str, depth: int) -> Tensor | None:
                edits = at.get((side, depth))
                if edits is None:
                    return None
                changed = value.clone()
                text = inputs["decoder_attention_mask" if side == "dec" else "attention_mask"].bool()
                for edit in edits:
                    carry_out(edit, changed, text if edit.words is None else text & _at_words(edit, *maps[side]))
                return changed

            return touch

        with ExitStack() as stack:
            for taps, at in self.sites:
                stack.enter_context(taps.open(inputs, touch_of(at)))
            yield


def _site_of(edit: Edit) -> str:
    if edit.site is not None:
        return edit.site
    name = edit.layer.removeprefix("enc.").removeprefix("dec.").partition(".")[2]
    if name and name not in SITES:
        raise ModelError(
            f"the edit of {edit.layer!r} does not say where the site {name!r} is; give site={name}=pattern:in or "
            f"site={name}=pattern:out, as for load_model"
        )
    return name or "residual"


def _at_words(edit: Edit, words: Tensor, n_words: Tensor) -> Tensor:
    """Positions of an edit's words: (n_sequences, n_positions), bool."""
    import torch

    found = torch.zeros_like(words, dtype=torch.bool)
    for word in edit.words or ():
        wanted = n_words + word if word < 0 else torch.full_like(n_words, word)
        found |= (words == wanted[:, None]) & (wanted[:, None] >= 0)
    return found


def carry_out(edit: Edit, value: Tensor, where: Tensor) -> None:
    """Change `value` (n_sequences, n_positions, width) in place, where `where` (n_sequences, n_positions) is true."""
    import torch

    rows, columns = where.nonzero(as_tuple=True)
    if not len(rows):
        return
    neurons = torch.tensor(range(value.shape[2]) if edit.neurons is None else edit.neurons, device=value.device)
    place = (rows[:, None], columns[:, None], neurons[None, :])
    before = value[place]
    after = edit.change(before)
    if after.shape != before.shape:
        raise ModelError(
            f"the change of {edit.layer} gives a tensor of shape {tuple(after.shape)}, where {tuple(before.shape)} "
            "(positions x neurons) is expected"
        )
    value[place] = after.to(value.dtype)
