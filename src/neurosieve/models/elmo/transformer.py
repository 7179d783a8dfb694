"""Transformer-ELMo, the bidirectional transformer language model, from its released ``model.tar.gz``.

Two transformers over the character network, one of which sees only what stands before a word and the other only what
stands behind it. Layer 0 is the token vector twice, layer i is [forward; backward] of block i; the final layer norm is
part of the last layer only.
"""

from __future__ import annotations

import io
import json
import math
import pickle  # for the name of its error; nothing is unpickled  # nosec B403
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from neurosieve.errors import ModelError
from neurosieve.models.elmo.archive import read_members
from neurosieve.models.elmo.characters import (
    N_CHARACTERS,
    CharacterNetwork,
    CharacterOptions,
    Norm,
    parse_activation,
    parse_filters,
)
from neurosieve.models.elmo.directions import both_directions, turned
from neurosieve.models.elmo.weights import MOST_LAYERS, WeightFile, built, require

N_HEADS = 8
"""Not in the archive's config.json: the released code has no option for it."""

MAX_POSITIONS = 5000
"""Positions that the released code encodes."""

_CONTEXTUALIZER = "bidirectional_language_model_transformer"


class Block(nn.Module):
    """One transformer block with the norms before its two halves."""

    def __init__(self, width: int, n_hidden: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.enter, self.leave = nn.Linear(width, n_hidden), nn.Linear(n_hidden, width)
        self.attention_norm, self.feed_forward_norm = Norm(width), Norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n_passages, n_positions, width) to the same shape; no position sees a later one."""
        normed = self.attention_norm(x)
        query, key, value = (
            linear(normed).unflatten(-1, (N_HEADS, -1)).transpose(1, 2) for linear in (self.query, self.key, self.value)
        )
        heads = scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).flatten(2))
        inner: Tensor = self.leave(torch.relu(self.enter(self.feed_forward_norm(x))))
        return x + inner


class Direction(nn.Module):
    """The blocks of one direction and the norm behind the last one."""

    def __init__(self, width: int, n_hidden: int, n_layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, n_hidden) for _ in range(n_layers))
        self.norm = Norm(width)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (n_passages, n_positions, width) to one such tensor a block."""
        states = []
        for block in self.blocks:
            x = block(x)
            states.append(x)
        states[-1] = self.norm(states[-1])
        return states


class TransformerElmoNetwork(nn.Module):
    """The character network and the transformers of both directions.

    Parameters
    ----------
    characters : CharacterOptions
    n_hidden : int
        Hidden units of the feed-forward half of a block.
    n_layers : int
        Number of blocks of each direction.
    """

    def __init__(self, characters: CharacterOptions, *, n_hidden: int, n_layers: int) -> None:
        super().__init__()
        width = characters.projection
        self.characters = CharacterNetwork(characters)
        self.n_layers = n_layers
        self.forwards = Direction(width, n_hidden, n_layers)
        self.backwards = Direction(width, n_hidden, n_layers)
        self.register_buffer("positions", _sinusoids(width), persistent=False)

    def contextualise(self, vectors: Tensor, lengths: Tensor) -> list[Tensor]:
        """See `neurosieve.models.elmo.model.BidirectionalNetwork`."""
        positions: Tensor = self.get_buffer("positions")
        x = vectors + positions[: vectors.shape[1]]
        # The second direction reads turned passages, and so needs no mask of its own for padding.
        pairs = zip(self.forwards(x), self.backwards(turned(x, lengths)), strict=True)
        return [both_directions(forward, backward, lengths) for forward, backward in pairs]


def _sinusoids(width: int) -> Tensor:
    """Sine and cosine of the position at falling frequencies: (MAX_POSITIONS, width)."""
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = torch.arange(MAX_POSITIONS)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def read_transformer_elmo(archive: Path) -> TransformerElmoNetwork:
    """Read a released archive (``config.json``, ``weights.th``).

    Parameters
    ----------
    archive : Path

    Raises
    ------
    ModelError
        If the archive is damaged or unsafe, holds another kind of model, or lacks weights; the message names the member,
        the option or the weights.
    """
    members = read_members(archive, ("config.json", "weights.th"))
    config = read_config(members["config.json"], where=f"{archive.name}: config.json")
    where, names = f"{archive.name}: config.json", list[str]()

    def build() -> TransformerElmoNetwork:
        network, name = _build(config, where=where)
        names.append(name)
        return network

    network, embedder = built(build, n_bytes=len(members["weights.th"]), where=where), names[0]
    try:
        weights = torch.load(io.BytesIO(members["weights.th"]), map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{archive.name}: weights.th is damaged or holds more than weights ({reason}); get the archive again"
        ) from error
    if not isinstance(weights, Mapping):
        raise ModelError(f"{archive.name}: weights.th holds {type(weights).__name__}, where named weights are expected")
    _fill(network, WeightFile(f"{archive.name}: weights.th", weights.get), embedder)
    return network.eval()


def read_config(content: bytes, *, where: str) -> Mapping[str, Any]:
    """Read the content of a ``config.json``; what is no JSON object is an error."""
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where} is not JSON ({error}); get the archive again") from error
    if not isinstance(config, dict):
        raise ModelError(f"{where} holds {type(config).__name__}, where an object with 'model' is expected")
    return config


def _build(config: Mapping[str, Any], *, where: str) -> tuple[TransformerElmoNetwork, str]:
    """Build the network; with it the name of its character embedder."""
    kind = require(config, "model.contextualizer.type", where=where, kind=str)
    if kind != _CONTEXTUALIZER or not config["model"].get("bidirectional", False):
        raise ModelError(
            f"{where}: the contextualizer is {kind!r}, where a bidirectional {_CONTEXTUALIZER!r} is expected"
        )
    embedders = require(config, "model.text_field_embedder", where=where, kind=dict)
    embedders = embedders.get("token_embedders", embedders)
    names = [n for n, e in embedders.items() if isinstance(e, Mapping) and e.get("type") == "character_encoding"]
    if len(names) != 1:
        raise ModelError(f"{where}: {len(names)} token embedders of type 'character_encoding', where one is expected")
    encoder = require(embedders, f"{names[0]}.encoder", where=where, kind=dict)
    place = encoder.get("projection_location", "after_highway")
    if place not in ("after_cnn", "after_highway"):
        raise ModelError(f"{where}: projection_location is {place!r}; expected 'after_cnn' or 'after_highway'")
    characters = CharacterOptions(
        embedding=require(encoder, "embedding_dim", where=where),
        filters=parse_filters(encoder.get("filters"), where=where),
        n_highway=require(encoder, "num_highway", where=where, least=0, most=MOST_LAYERS),
        projection=require(encoder, "projection_dim", where=where),
        activation=parse_activation(encoder.get("activation", "relu"), where=where),
        project_first=place == "after_cnn",
        normed=bool(encoder.get("do_layer_norm", False)),
    )
    if characters.projection % N_HEADS:
        raise ModelError(
            f"{where}: the vectors are {characters.projection} wide, which {N_HEADS} heads of attention cannot share"
        )
    network = TransformerElmoNetwork(
        characters,
        n_hidden=require(config, "model.contextualizer.hidden_dim", where=where),
        n_layers=require(config, "model.contextualizer.num_layers", where=where, most=MOST_LAYERS),
    )
    return network, names[0]


def _fill(network: TransformerElmoNetwork, file: WeightFile, embedder: str) -> None:
    """Copy the released weights into the network."""
    with torch.no_grad():
        _fill_characters(network.characters, file, f"_text_field_embedder.token_embedder_{embedder}")
        for direction, name in ((network.forwards, "forward"), (network.backwards, "backward")):
            prefix = f"_contextualizer._{name}_transformer"
            for i, block in enumerate(direction.blocks):
                _fill_block(block, file, f"{prefix}.layers.{i}")
            _fill_norm(direction.norm, file, f"{prefix}.norm")


def _fill_characters(characters: CharacterNetwork, file: WeightFile, prefix: str) -> None:
    options = characters.options
    characters.embedding.weight.copy_(file.take(f"{prefix}._embedding._module.weight", N_CHARACTERS, options.embedding))
    prefix = f"{prefix}._encoder._module"
    for i, conv in enumerate(characters.convolutions):
        _fill_linear(conv, file, f"{prefix}.char_conv_{i}")
    width = options.highway_width
    for i, highway in enumerate(characters.highways):
        # One matrix holds the transform and the gate, which opens where ours closes: hence the sign.
        weight = file.take(f"{prefix}._highways._layers.{i}.weight", 2 * width, width)
        bias = file.take(f"{prefix}._highways._layers.{i}.bias", 2 * width)
        for name, part, sign in (("transform", slice(width), 1), ("carry", slice(width, None), -1)):
            getattr(highway, name).weight.copy_(sign * weight[part])
            getattr(highway, name).bias.copy_(sign * bias[part])
    _fill_linear(characters.projection, file, f"{prefix}._projection")
    if options.normed:
        _fill_norm(characters.norm, file, f"{prefix}._layer_norm")


def _fill_block(block: nn.Module, file: WeightFile, prefix: str) -> None:
    for i, name in enumerate(("query", "key", "value", "out")):
        _fill_linear(getattr(block, name), file, f"{prefix}.self_attn.linears.{i}")
    _fill_linear(block.get_submodule("enter"), file, f"{prefix}.feed_forward.w_1")
    _fill_linear(block.get_submodule("leave"), file, f"{prefix}.feed_forward.w_2")
    _fill_norm(block.get_submodule("attention_norm"), file, f"{prefix}.sublayer.0.norm")
    _fill_norm(block.get_submodule("feed_forward_norm"), file, f"{prefix}.sublayer.1.norm")


def _fill_linear(module: nn.Module, file: WeightFile, prefix: str) -> None:
    for name in ("weight", "bias"):
        parameter = module.get_parameter(name)
        parameter.copy_(file.take(f"{prefix}.{name}", *parameter.shape))


def _fill_norm(module: nn.Module, file: WeightFile, prefix: str) -> None:
    for name, theirs in (("gain", "gamma"), ("shift", "beta")):
        parameter = module.get_parameter(name)
        parameter.copy_(file.take(f"{prefix}.{theirs}", *parameter.shape))
