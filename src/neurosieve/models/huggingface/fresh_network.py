"""The untrained twin: the same architecture with fresh seeded weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosieve.models.untrained import DEFAULT_SPREAD, unsettle_constants

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel


def fresh_network(
    config: PretrainedConfig,
    *,
    kind: Any,  # noqa: ANN401 (a class of transformers)
    seed: int,
    dtype: torch.dtype,
    trust_remote_code: bool = False,
) -> PreTrainedModel:
    """Build a network with random weights; the same seed gives the same weights.

    The architecture's own initialisation is used. It sets some parameters to constants (norm weights to 1, biases to
    0), which a trained model may still hold; `unsettle_constants` makes these differ as well.

    Parameters
    ----------
    config : transformers.PretrainedConfig
    kind : type
        ``transformers.AutoModel``, or the class that loads the model with its head.
    seed : int
    dtype : torch.dtype
    trust_remote_code : bool
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Any = kind.from_config(config, trust_remote_code=trust_remote_code)
        spread = getattr(config, "initializer_range", None)
        unsettle_constants(network, spread=spread if spread else DEFAULT_SPREAD)
        result: PreTrainedModel = network.to(dtype)
    return result
