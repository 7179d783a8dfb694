"""Loading an ELMo of either kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from neurosieve.models.digest import weights_digest
from neurosieve.models.elmo.lstm import ElmoNetwork, read_elmo
from neurosieve.models.elmo.model import CharacterModel
from neurosieve.models.elmo.transformer import MAX_POSITIONS, TransformerElmoNetwork, read_transformer_elmo
from neurosieve.models.language_model import ModelInfo
from neurosieve.models.self_test import SENTENCES, self_test
from neurosieve.models.untrained import unsettle_constants


def load_characters(
    path: Path,
    *,
    family: str,
    layers: Sequence[int | str] | None,
    device: str,
    dtype: str,
    untrained: int | None,
    batch_tokens: int,
    check: bool,
) -> CharacterModel:
    """Load an ELMo; see `neurosieve.models.load.load_model`, which checks and fills in the options."""
    network: ElmoNetwork | TransformerElmoNetwork
    network = read_elmo(path) if family == "elmo" else read_transformer_elmo(path)
    if untrained is not None:
        draw_afresh(network, seed=untrained)
    network.to(device=device, dtype=getattr(torch, dtype))
    model = CharacterModel(
        info=ModelInfo(
            name=path.resolve().name,
            family=family,
            architecture=type(network).__name__,
            revision="",
            digest=weights_digest(network.state_dict()),
            settings={"dtype": dtype, "untrained": untrained, "stateless": True},
        ),
        network=network,
        window=None if family == "elmo" else MAX_POSITIONS,
        batch_tokens=batch_tokens,
    )
    model.choose_layers(layers)
    if check:
        self_test(model, SENTENCES, [model.embed([words])[0].layers for words in SENTENCES], dtype=dtype)
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
