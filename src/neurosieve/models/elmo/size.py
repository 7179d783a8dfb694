"""The sizes of both kinds of ELMo, from their options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosieve.errors import ModelError
from neurosieve.models.elmo.archive import read_members
from neurosieve.models.elmo.lstm import only_file, read_options
from neurosieve.models.elmo.transformer import read_config
from neurosieve.models.elmo.weights import LARGEST, MOST_LAYERS
from neurosieve.models.families import Place
from neurosieve.models.options import LoadOptions
from neurosieve.models.sizes import ModelSize


def elmo_size(place: Place, options: LoadOptions) -> ModelSize:  # noqa: ARG001 (no option changes it)
    """Read the size of an LSTM language model off its ``*options.json``.

    Raises
    ------
    ModelError
        If the options are damaged or do not tell.
    """
    folder = Path(place)
    network = read_options(only_file(folder, "*options.json")).get("lstm") or {}
    return _size(network, "n_layers", network, folder, "*weights.hdf5")


def transformer_elmo_size(place: Place, options: LoadOptions) -> ModelSize:  # noqa: ARG001
    """Read the size of a transformer language model off the ``config.json`` in its archive.

    Raises
    ------
    ModelError
        If the archive or its options are damaged, or do not tell.
    """
    archive = Path(place)
    config = read_config(read_members(archive, ("config.json",))["config.json"], where=archive.name)
    model = _inner(config, "model")
    embedders = _inner(model, "text_field_embedder")
    members = _inner(embedders, "token_embedders") or embedders
    encoders = [found for name in members if (found := _inner(_inner(members, name), "encoder"))]
    encoder = encoders[0] if encoders else {}
    return _size(_inner(model, "contextualizer"), "num_layers", encoder, archive.parent, archive.name)


def _inner(options: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping within options; an empty one where there is none."""
    found = options.get(name)
    return found if isinstance(found, Mapping) else {}


def _size(network: Mapping[str, Any], key: str, encoder: Mapping[str, Any], folder: Path, weights: str) -> ModelSize:
    try:
        n_layers, width = int(network[key]) + 1, 2 * int(encoder["projection_dim"])
        if not 1 < n_layers <= MOST_LAYERS + 1 or not 1 < width <= 2 * LARGEST:
            raise ValueError(f"{n_layers - 1} layers of {width // 2}")
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ModelError(f"'{folder}': its options do not say how many layers of which width it has") from error
    size = sum(file.stat().st_size for file in folder.glob(weights))
    return ModelSize((width,) * n_layers, n_weights=size // 4)  # float32
