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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.readers import Inputs, Take, side_of, without_caches
from neurosieve.models.language_model import Layer

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

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
first as a parameter of the attention module itself, and is read there (see `_tap_xlnet_attention`)."""


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


class SiteReader:
    """Reads one site of every block by hooks, and ends the forward pass when all that is asked for is read.

    Blocks are numbered in the order in which they run, so a block that is used many times (ALBERT) is as many layers.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        As ``AutoModel`` gives it.
    site : Site
    example : mapping of str to Tensor
        Inputs of a short text, from which the number of layers and their widths are read.

    Attributes
    ----------
    layers : list of Layer

    Raises
    ------
    ModelError
        If no module has such a name, or what passes there is not one vector a position.
    """

    def __init__(self, model: PreTrainedModel, site: Site, example: Inputs) -> None:
        self._model = model
        self._site = site
        self._modules = matching_modules(model, site.pattern)
        self._encodes_and_decodes = bool(getattr(model.config, "is_encoder_decoder", False))
        self.layers: list[Layer] = []
        widths: dict[str, list[int]] = {}

        def note(value: Tensor, side: str) -> bool:
            widths.setdefault(side, []).append(value.shape[-1])
            return False

        self._forward(example, note)
        for side, of_side in widths.items():
            prefix = f"{side}." if side else ""
            self.layers += [Layer(f"{prefix}L{i}.{site.name}", w, i, site.name) for i, w in enumerate(of_side, start=1)]

    def keep(self, chosen: Sequence[int]) -> None:
        """Restrict `layers` to those at the given positions."""
        self.layers = [self.layers[i] for i in chosen]

    def read(self, inputs: Inputs, take: Take) -> list[Tensor]:
        """One forward pass; one tensor for each of `layers`."""
        wanted = {(side_of(layer), layer.depth): i for i, layer in enumerate(self.layers)}
        depths: dict[str, int] = {}
        taken: dict[int, Tensor] = {}

        def record(value: Tensor, side: str) -> bool:
            depths[side] = depths.get(side, 0) + 1
            place = wanted.get((side, depths[side]))
            if place is not None:
                taken[place] = take(value, side)
            return len(taken) == len(wanted)

        self._forward(inputs, record)
        return [taken[i] for i in range(len(self.layers))]

    def _forward(self, inputs: Inputs, record: Callable[[Tensor, str], bool]) -> None:
        """Run the model and give every value of the site to `record` until that returns True."""
        n_sequences, n_positions = inputs["input_ids"].shape
        n_decoded = inputs["decoder_input_ids"].shape[1] if self._encodes_and_decodes else 0

        def hand_over(value: Tensor, name: str) -> None:
            side = "" if not self._encodes_and_decodes else "dec" if name.startswith("decoder.") else "enc"
            shape = (n_sequences, n_decoded if side == "dec" else n_positions)
            if record(
                _one_vector_a_position(value, shape, name, transposed=self._model.config.model_type == "xlnet"), side
            ):
                raise _AllReadError

        with _taps(self._modules, self._site, hand_over), suppress(_AllReadError):
            self._model(**inputs, **without_caches(self._model))


class _AllReadError(Exception):
    """Ends a forward pass of which nothing more is needed."""


def matching_modules(model: nn.Module, pattern: str) -> dict[str, nn.Module]:
    """Modules whose names fit the pattern of a `Site`, by name; none is an error that lists what there is."""
    expression = re.escape(pattern).replace(r"\{side\}", "(?:encoder|decoder)").replace(r"\{\}", r"\d+")
    modules = {name: module for name, module in model.named_modules() if re.fullmatch(expression, name)}
    if not modules:
        numbered = sorted({re.sub(r"\b\d+\b", "{}", name) for name, _ in model.named_modules() if "." in name})
        raise ModelError(f"no module is named {pattern}; this model has {', '.join(numbered)}")
    return modules


@contextmanager
def _taps(modules: Mapping[str, nn.Module], site: Site, hand_over: Callable[[Tensor, str], None]) -> Iterator[None]:
    """Hand over what passes at the site, with the module's name, as long as the context lasts."""
    removers: list[Callable[[], None]] = []
    for name, module in modules.items():
        if hasattr(module, "post_attention"):
            removers.append(_tap_xlnet_attention(module, name, hand_over, end=site.end))
        elif site.end == "in":

            def before(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any], *, name: str = name) -> None:
                hand_over(args[0] if args else next(iter(options.values())), name)

            removers.append(module.register_forward_pre_hook(before, with_kwargs=True).remove)
        else:

            def after(_: nn.Module, __: tuple[Any, ...], out: Any, *, name: str = name) -> None:  # noqa: ANN401
                hand_over(out[0] if isinstance(out, tuple) else out, name)

            removers.append(module.register_forward_hook(after).remove)
    try:
        yield
    finally:
        for remove in removers:
            remove()


def _tap_xlnet_attention(
    module: nn.Module, name: str, hand_over: Callable[[Tensor, str], None], *, end: str
) -> Callable[[], None]:
    """XLNet mixes its heads by a parameter in a method, ``post_attention``: wrap that."""
    import torch

    attention: Any = module
    original = attention.post_attention

    def wrapped(h: Tensor, heads: Tensor, *args: Any, **options: Any) -> Tensor:  # noqa: ANN401
        value = heads.flatten(2) if end == "in" else torch.einsum("ibnd,hnd->ibh", heads, attention.o)
        hand_over(value, name)
        result: Tensor = original(h, heads, *args, **options)
        return result

    attention.post_attention = wrapped

    def remove() -> None:
        del attention.post_attention

    return remove


def _one_vector_a_position(value: Tensor, shape: tuple[int, int], name: str, *, transposed: bool) -> Tensor:
    """Bring what was read to (n_sequences, n_positions, width)."""
    if transposed:
        value = value.transpose(0, 1)
    if value.dim() == 2 and value.shape[0] == shape[0] * shape[1]:  # some feed-forward halves flatten the batch
        value = value.reshape(*shape, -1)
    if value.dim() != 3 or tuple(value.shape[:2]) != shape:
        raise ModelError(
            f"module {name} has a tensor of shape {tuple(value.shape)}, where one vector for each of {shape[0]} x {shape[1]} "
            "positions is expected; choose another module"
        )
    return value
