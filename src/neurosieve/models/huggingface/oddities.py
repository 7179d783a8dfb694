"""What some architectures do in their own way: poolers that must be there, attention that changes, encoders kept alone."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosieve.models.families import Place

if TYPE_CHECKING:
    from torch import nn
    from transformers import PretrainedConfig, PreTrainedModel

log = logging.getLogger(__name__)

FULL = "original_full"


def without_pooler() -> nn.Module:
    """What stands in a pooler's place: it has no weights and hands on what it is given, as some models call it unasked."""
    from torch import nn

    class NoPooler(nn.Module):
        """Hands on what it is given."""

        def forward(self, states: Any, *_rest: object, **_options: object) -> Any:  # noqa: ANN401 (whatever a model has)
            return states

    return NoPooler()


def settle_attention(network: PreTrainedModel) -> dict[str, str]:
    """Give a model whose attention changes with the length of its input (BigBird) one and the same attention for good.

    Such a model goes over to full attention at the first short input and stays there, so that a word's vector would depend on
    what was read before, and on the sentences read beside it.

    Returns
    -------
    dict of str to str
        ``attention`` and its kind, for the model's settings; empty for a model whose attention is always the same.
    """
    changed: list[Any] = [
        module
        for module in network.modules()
        if hasattr(module, "set_attention_type") and getattr(module, "attention_type", FULL) != FULL
    ]
    if not changed:
        return {}
    was = changed[0].attention_type
    for module in changed:
        module.set_attention_type(FULL)
    log.warning(
        "%s has %s attention in long inputs and full attention in short ones; it is read with full attention throughout, so that "
        "a word's vector depends on its sentence alone (long sentences differ from the model's own)",
        type(network).__name__,
        was,
    )
    return {"attention": FULL}


def class_without_decoder(config: PretrainedConfig, place: Place) -> Any | None:  # noqa: ANN401 (a class of transformers)
    """The class that loads an encoder-decoder's encoder alone, where the weights in a folder hold no decoder; else None."""
    import transformers

    whole, alone = transformers.MODEL_MAPPING, transformers.MODEL_FOR_TEXT_ENCODING_MAPPING
    if not isinstance(place, Path) or type(config) not in alone or alone[type(config)] is whole.get(type(config), None):
        return None
    names = weight_names(place)
    return None if not names or any("decoder." in name for name in names) else transformers.AutoModelForTextEncoding


def weight_names(folder: Path) -> set[str]:
    """Names of the weights in a folder's safetensors files; empty where there are none, or their head is damaged."""
    names: set[str] = set()
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > path.stat().st_size:
                return set()
            try:
                names |= set(json.loads(file.read(size)))
            except ValueError:
                return set()
    return names - {"__metadata__"}
