"""Loading an ELMo of either kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from neurosieve.models.digest import weights_digest
from neurosieve.models.elmo.lstm import ElmoNetwork, read_elmo
from neurosieve.models.elmo.model import CharacterModel
from neurosieve.models.elmo.transformer import MAX_POSITIONS, TransformerElmoNetwork, read_transformer_elmo
from neurosieve.models.families import Place
from neurosieve.models.language_model import ModelInfo
from neurosieve.models.options import LoadOptions
from neurosieve.models.self_test import SENTENCES, self_test
from neurosieve.models.untrained import unsettle_constants


def load_elmo(place: Place, options: LoadOptions) -> CharacterModel:
    """Load the LSTM language model of a folder; see `neurosieve.models.load.load_model`."""
    return _loaded(Path(place), read_elmo, options, family="elmo", window=None)


def load_transformer_elmo(place: Place, options: LoadOptions) -> CharacterModel:
    """Load the transformer language model of an archive; see `neurosieve.models.load.load_model`."""
    return _loaded(Path(place), read_transformer_elmo, options, family="transformer-elmo", window=MAX_POSITIONS)


def _loaded(
    path: Path,
    read: Callable[[Path], ElmoNetwork | TransformerElmoNetwork],
    options: LoadOptions,
    *,
    family: str,
    window: int | None,
) -> CharacterModel:
    device = options.usable_device()
    network = read(path)
    if options.untrained is not None:
        draw_afresh(network, seed=options.untrained)
    network.to(device=device, dtype=getattr(torch, options.dtype))
    model = CharacterModel(
        info=ModelInfo(
            name=path.resolve().name,
            family=family,
            architecture=type(network).__name__,
            revision="",
            digest=weights_digest(network.state_dict()),
            settings={"dtype": options.dtype, "untrained": options.untrained, "stateless": True},
        ),
        network=network,
        window=window,
        batch_tokens=options.batch_tokens_on(device),
    )
    model.choose_layers(options.layers)
    if options.self_test:
        self_test(model, SENTENCES, [model.embed([words])[0].layers for words in SENTENCES], dtype=options.dtype)
    return model


def draw_afresh(network: nn.Module, *, seed: int) -> None:
    """Replace all weights by random ones: matrices by N(0, 1 / inputs), what is constant then by noise around it.

    Parameters
    ----------
    network : torch.nn.Module
    seed : int
        The same seed gives the same weights.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for name, parameter in network.named_parameters():
            if name.endswith(("bias", "shift")):
                parameter.zero_()
            elif name.endswith("gain"):
                parameter.fill_(1.0)
            else:
                n_inputs = parameter[0].numel() if name.endswith("weight") else parameter.shape[1]
                parameter.normal_(std=1.0 / math.sqrt(n_inputs))
        unsettle_constants(network)
