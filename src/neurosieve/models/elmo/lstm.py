"""ELMo, the bidirectional LSTM language model, from its released ``options.json`` and ``weights.hdf5``.

Two stacks of LSTM cells with a projection of the output, one reading forwards and one backwards, over the character
network. It is stateless: the state starts from zero with every sentence, so vectors do not depend on what was read
before. Layer 0 is the token vector twice, layer i is [forward; backward] of cell i, with a skip connection around every
cell but the first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neurosieve.errors import ModelError
from neurosieve.models.elmo.characters import (
    N_CHARACTERS,
    CharacterNetwork,
    CharacterOptions,
    parse_activation,
    parse_filters,
)
from neurosieve.models.elmo.directions import both_directions, turned
from neurosieve.models.elmo.weights import MOST_LAYERS, WeightFile, built, require


class ProjectedCells(nn.Module):
    """One cell of both directions: an LSTM whose output is projected, with the cell and the projection clipped.

    Parameters
    ----------
    n_inputs, n_cells : int
        Width of the input and of the projected output, and number of cells.
    cell_clip, projection_clip : float or None
        Largest magnitude; None = not clipped.
    """

    def __init__(self, n_inputs: int, n_cells: int, *, cell_clip: float | None, projection_clip: float | None) -> None:
        super().__init__()
        self.from_input = nn.Parameter(torch.empty(2, n_inputs, 4 * n_cells))
        self.from_output = nn.Parameter(torch.empty(2, n_inputs, 4 * n_cells))
        self.bias = nn.Parameter(torch.empty(2, 1, 4 * n_cells))
        self.projection = nn.Parameter(torch.empty(2, n_cells, n_inputs))
        self.n_cells = n_cells
        self.cell_clip = cell_clip
        self.projection_clip = projection_clip

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (2 directions, n_positions, n_passages, width) to outputs of the same shape, from state zero."""
        n_directions, n_positions, n_passages, width = x.shape
        inputs = torch.baddbmm(self.bias, x.flatten(1, 2), self.from_input).view(
            n_directions, n_positions, n_passages, -1
        )
        output = x.new_zeros(n_directions, n_passages, width)
        cell = x.new_zeros(n_directions, n_passages, self.n_cells)
        outputs = torch.empty_like(x)
        for position in range(n_positions):
            gates = torch.baddbmm(inputs[:, position], output, self.from_output)
            enter, candidate, forget, leave = gates.chunk(4, dim=-1)
            cell = torch.sigmoid(enter) * torch.tanh(candidate) + torch.sigmoid(forget) * cell
            cell = _clipped(cell, self.cell_clip)
            output = _clipped(torch.bmm(torch.sigmoid(leave) * torch.tanh(cell), self.projection), self.projection_clip)
            outputs[:, position] = output
        return outputs


def _clipped(x: Tensor, limit: float | None) -> Tensor:
    return x if limit is None else x.clamp(-limit, limit)


class ElmoNetwork(nn.Module):
    """The character network and the LSTM language models of both directions.

    Parameters
    ----------
    characters : CharacterOptions
    n_layers, n_cells : int
        Number of LSTM layers and of cells in each.
    skip : bool
        True for a skip connection around every layer but the first.
    cell_clip, projection_clip : float or None
        See `ProjectedCells`.
    """

    def __init__(
        self,
        characters: CharacterOptions,
        *,
        n_layers: int,
        n_cells: int,
        skip: bool,
        cell_clip: float | None,
        projection_clip: float | None,
    ) -> None:
        super().__init__()
        self.characters = CharacterNetwork(characters)
        self.n_layers = n_layers
        self.skip = skip
        self.cells = nn.ModuleList(
            ProjectedCells(characters.projection, n_cells, cell_clip=cell_clip, projection_clip=projection_clip)
            for _ in range(n_layers)
        )

    def contextualise(self, vectors: Tensor, lengths: Tensor) -> list[Tensor]:
        """See `neurosieve.models.elmo.model.BidirectionalNetwork`."""
        x = torch.stack([vectors, turned(vectors, lengths)]).transpose(1, 2).contiguous()
        states = []
        for number, cells in enumerate(self.cells):
            out = cells(x)
            x = out + x if self.skip and number else out
            states.append(both_directions(x[0].transpose(0, 1), x[1].transpose(0, 1), lengths))
        return states


def read_elmo(folder: Path) -> ElmoNetwork:
    """Read a folder with one ``*options.json`` and one ``*weights.hdf5``, of any of the released sizes.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    ModelError
        If a file is missing, damaged, or does not fit the other; the message names the option or the weights.
    """
    options_path, weights_path = (only_file(folder, pattern) for pattern in ("*options.json", "*weights.hdf5"))
    options = read_options(options_path)
    network = built(
        lambda: _build(options, where=options_path.name), n_bytes=weights_path.stat().st_size, where=options_path.name
    )
    try:
        import h5py
    except ImportError as error:
        raise ModelError("ELMo's weights.hdf5 needs the package h5py; install neurosieve[elmo]") from error
    try:
        with h5py.File(weights_path, "r") as file:
            _fill(network, WeightFile(weights_path.name, file.get))
    except OSError as error:
        raise ModelError(f"{weights_path.name} is not a whole HDF5 file ({error}); get it again") from error
    return network.eval()


def only_file(folder: Path, pattern: str) -> Path:
    """The one file of a folder whose name fits the pattern; none or several are an error."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ModelError(f"the folder '{folder}' has {len(found)} files {pattern} ({names}); expected exactly one")
    return found[0]


def read_options(path: Path) -> Mapping[str, Any]:
    """Read an ``*options.json``; what is no JSON object is an error."""
    try:
        options = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path.name} is not JSON ({error}); get it again") from error
    if not isinstance(options, dict):
        raise ModelError(
            f"{path.name} holds {type(options).__name__}, where an object with 'lstm' and 'char_cnn' is expected"
        )
    return options


def _build(options: Mapping[str, Any], *, where: str) -> ElmoNetwork:
    lstm = require(options, "lstm", where=where, kind=dict)
    characters = require(options, "char_cnn", where=where, kind=dict)
    return ElmoNetwork(
        CharacterOptions(
            embedding=require(options, "char_cnn.embedding.dim", where=where),
            filters=parse_filters(characters.get("filters"), where=where),
            n_highway=require(options, "char_cnn.n_highway", where=where, least=0, most=MOST_LAYERS),
            projection=require(options, "lstm.projection_dim", where=where),
            activation=parse_activation(characters.get("activation", "relu"), where=where),
        ),
        n_layers=require(options, "lstm.n_layers", where=where, most=MOST_LAYERS),
        n_cells=require(options, "lstm.dim", where=where),
        skip=bool(lstm.get("use_skip_connections", False)),
        cell_clip=_limit(lstm, "cell_clip", where=where),
        projection_clip=_limit(lstm, "proj_clip", where=where),
    )


def _limit(lstm: Mapping[str, Any], name: str, *, where: str) -> float | None:
    """A magnitude at which something is clipped, or None."""
    value = lstm.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ModelError(f"{where}: option 'lstm.{name}' is {value!r}, where a number above 0, or null, is expected")
    return float(value)


def _fill(network: ElmoNetwork, file: WeightFile) -> None:
    """Copy the released weights into the network; its matrices map inputs to outputs from left to right."""
    characters = network.characters
    options = characters.options
    with torch.no_grad():
        characters.embedding.weight[0] = 0.0  # number 0 is not in the file: it stands for nothing at all
        characters.embedding.weight[1:] = file.take("char_embed", N_CHARACTERS - 1, options.embedding)
        for i, ((span, n), conv) in enumerate(zip(options.filters, characters.convolutions, strict=True)):
            conv.get_parameter("weight").copy_(
                file.take(f"CNN/W_cnn_{i}", 1, span, options.embedding, n)[0].permute(2, 1, 0)
            )
            conv.get_parameter("bias").copy_(file.take(f"CNN/b_cnn_{i}", n))
        for i, highway in enumerate(characters.highways):
            for name in ("transform", "carry"):
                linear, width = getattr(highway, name), options.highway_width
                linear.weight.copy_(file.take(f"CNN_high_{i}/W_{name}", width, width).T)
                linear.bias.copy_(file.take(f"CNN_high_{i}/b_{name}", width))
        characters.projection.weight.copy_(file.take("CNN_proj/W_proj", options.n_filters, options.projection).T)
        characters.projection.bias.copy_(file.take("CNN_proj/b_proj", options.projection))
        for layer, cells in enumerate(network.cells):
            for direction in range(2):
                _fill_cells(cells, file, direction=direction, layer=layer)


def _fill_cells(cells: nn.Module, file: WeightFile, *, direction: int, layer: int) -> None:
    prefix = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
    projection = cells.get_parameter("projection")
    n, width = projection.shape[1:]
    both = file.take(f"{prefix}/W_0", 2 * width, 4 * n)
    bias = file.take(f"{prefix}/B", 4 * n)
    bias[2 * n : 3 * n] += 1.0  # the released code adds this to the forget gates when it runs
    cells.get_parameter("from_input")[direction] = both[:width]
    cells.get_parameter("from_output")[direction] = both[width:]
    cells.get_parameter("bias")[direction, 0] = bias
    projection[direction] = file.take(f"{prefix}/W_P_0", n, width)
