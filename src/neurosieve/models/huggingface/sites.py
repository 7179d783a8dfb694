"""Neurons elsewhere than in the residual stream: hidden units of the MLP, attention output, single heads.

A site is what enters (``:in``) or leaves (``:out``) one module in every block, found by the pattern of its name. The
table names for each architecture the two linear maps that end a block's halves; what a user means by

- ``mlp`` is what enters the second map of the feed-forward half (hidden units after the activation function, times the
  gate where there is one),
- ``heads`` is what enters the output map of the self-attention (the heads' outputs side by side, before they are mixed),
- ``attention`` is what leaves it (before it is added to the residual stream).

Any other place is asked for by ``name=pattern:in`` or ``name=pattern:out``, such as ``gate=layers.{}.mlp.gate_proj:out``
(``{}`` stands for a number; the module names are those of ``AutoModel``'s network).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from neurosieve.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

SITES = ("residual", "mlp", "attention", "heads")

_BERT = ("encoder.layer.{}.attention.output.dense", "encoder.layer.{}.output.dense")
_LLAMA = ("layers.{}.self_attn.o_proj", "layers.{}.mlp.down_proj")
_BART = ("{side}.layers.{}.self_attn.out_proj", "{side}.layers.{}.fc2")
_T5 = ("{side}.block.{}.layer.0.SelfAttention.o", "{side}.block.{}.layer.{}.DenseReluDense.wo")

OUTPUT_MAPS: Mapping[str, tuple[str, str]] = {
    "albert": (
        "encoder.albert_layer_groups.{}.albert_layers.{}.attention.dense",
        "encoder.albert_layer_groups.{}.albert_layers.{}.ffn_output",
    ),
    "bart": _BART,
    "bert": _BERT,
    "camembert": _BERT,
    "deberta": _BERT,
    "deberta-v2": _BERT,
    "distilbert": ("transformer.layer.{}.attention.out_lin", "transformer.layer.{}.ffn.lin2"),
    "electra": _BERT,
    "gemma": _LLAMA,
    "gpt2": ("h.{}.attn.c_proj", "h.{}.mlp.c_proj"),
    "gpt_neox": ("layers.{}.attention.dense", "layers.{}.mlp.dense_4h_to_h"),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "modernbert": ("layers.{}.attn.Wo", "layers.{}.mlp.Wo"),
    "mpnet": ("encoder.layer.{}.attention.attn.o", "encoder.layer.{}.output.dense"),
    "mt5": _T5,
    "olmo2": _LLAMA,
    "opt": ("decoder.layers.{}.self_attn.out_proj", "decoder.layers.{}.fc2"),
    "phi3": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "roberta": _BERT,
    "t5": _T5,
    "xlm-roberta": _BERT,
    "xlnet": ("layer.{}.rel_attn", "layer.{}.ff.layer_2"),
}
"""For each ``model_type`` the output maps of the self-attention and of the feed-forward half of a block. XLNet keeps the
first as a parameter of the attention module itself, and is read there (see `neurosieve.models.huggingface.taps`)."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place in every block.

    Attributes
    ----------
    name : str
        ``"mlp"``, ``"attention"``, ``"heads"``, or the user's name.
    pattern : str
        Of the module names, with ``{}`` for a number.
    end : str
        ``"in"`` or ``"out"``.
    """

    name: str
    pattern: str
    end: str


def parse_site(text: str, model_type: str) -> Site:
    """Find the place that is asked for.

    Parameters
    ----------
    text : str
        ``"mlp"``, ``"attention"``, ``"heads"``, or ``"name=pattern:in"`` or ``"name=pattern:out"``.
    model_type : str
        Of the model's configuration.

    Raises
    ------
    ModelError
        If the site is neither, or the architecture is not in the table.
    """
    custom = re.fullmatch(r"(\w+)=(.+):(in|out)", text)
    if custom:
        return Site(*custom.groups())
    if text not in SITES[1:]:
        raise ModelError(
            f"site is {text!r}; expected one of {', '.join(SITES)}, or name=pattern:in or name=pattern:out, such as "
            "gate=layers.{}.mlp.gate_proj:out"
        )
    if model_type not in OUTPUT_MAPS:
        raise ModelError(
            f"the site {text!r} is not known for {model_type!r} models, only for {', '.join(sorted(OUTPUT_MAPS))}; name "
            f"the module yourself, such as {text}=layers.{{}}.mlp.down_proj:in"
        )
    attention, mlp = OUTPUT_MAPS[model_type]
    return Site(text, mlp if text == "mlp" else attention, "out" if text == "attention" else "in")


def block_pattern(model_type: str) -> str | None:
    """Pattern of the names of an architecture's blocks, in which both of its output maps lie; None if it is not in the table."""
    if model_type not in OUTPUT_MAPS:
        return None
    halves = (pattern.split(".") for pattern in OUTPUT_MAPS[model_type])
    shared = [part for part, _ in takewhile(lambda pair: pair[0] == pair[1], zip(*halves, strict=False))]
    while shared[-1] != "{}":
        shared.pop()
    return ".".join(shared)


def matching_modules(model: nn.Module, pattern: str) -> dict[str, nn.Module]:
    """Modules whose names fit the pattern of a `Site`, by name; none is an error that lists what there is."""
    expression = re.escape(pattern).replace(r"\{side\}", "(?:encoder|decoder)").replace(r"\{\}", r"\d+")
    modules = {name: module for name, module in model.named_modules() if re.fullmatch(expression, name)}
    if not modules:
        numbered = sorted({re.sub(r"\b\d+\b", "{}", name) for name, _ in model.named_modules() if "." in name})
        raise ModelError(f"no module is named {pattern}; this model has {', '.join(numbered)}")
    return modules
