"""The sizes of both kinds of ELMo, from their options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosieve.errors import ModelError
from neurosieve.models.elmo.archive import read_members
from neurosieve.models.elmo.lstm import only_file, read_options
from neurosieve.models.elmo.transformer import read_config
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
    network = read_options(only_file(folder, "*options.json")).get("lstm", {})
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
    model = config.get("model", {})
    embedders = model.get("text_field_embedder", {})
    encoders = [e["encoder"] for e in embedders.get("token_embedders", embedders).values() if "encoder" in e]
    encoder = encoders[0] if encoders else {}
    return _size(model.get("contextualizer", {}), "num_layers", encoder, archive.parent, archive.name)


def _size(network: Mapping[str, Any], key: str, encoder: Mapping[str, Any], folder: Path, weights: str) -> ModelSize:
    try:
        n_layers, width = int(network[key]) + 1, 2 * int(encoder["projection_dim"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"'{folder}': its options do not say how many layers of which width it has") from error
    size = sum(file.stat().st_size for file in folder.glob(weights))
    return ModelSize((width,) * n_layers, n_weights=size // 4)  # float32
