"""Where a forward pass can be read and changed: every place of one site, in the order in which they are passed.

At a site of modules (see `neurosieve.models.huggingface.sites`) that is what enters or leaves them. The residual stream is
taken where it enters each block, and at last where it leaves the network, so that a change takes effect in all that
follows. Blocks are numbered as they run, so a block that is used many times (ALBERT) is as many layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.readers import Inputs, block_list, without_caches
from neurosieve.models.huggingface.sites import Site, block_pattern, matching_modules
from neurosieve.models.language_model import Layer

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

Touch = Callable[["Tensor", str, int], "Tensor | None"]
"""Gets what passes (n_sequences, n_positions, width), its side (``"enc"``, ``"dec"`` or ``""``) and its depth; returns what
shall pass instead, or None."""

_Handle = Callable[["Tensor"], "Tensor | None"]


@dataclass(frozen=True)
class Tap:
    """One place.

    Attributes
    ----------
    name : str
        Of the module.
    module : torch.nn.Module
    end : str
        ``"in"`` or ``"out"``.
    side : str
    transposed : bool
        Whether positions come before sequences there (XLNet).
    """

    name: str
    module: nn.Module
    end: str
    side: str
    transposed: bool


@dataclass(frozen=True)
class Taps:
    """All places of one site.

    Attributes
    ----------
    site : str
        Name of the site.
    places : tuple of Tap
    first : int
        Depth of the first of them: 0 for the residual stream, 1 for what lies in blocks.
    """

    site: str
    places: tuple[Tap, ...]
    first: int

    @contextmanager
    def open(self, inputs: Inputs, touch: Touch) -> Iterator[None]:
        """Give `touch` all that passes in one forward pass with `inputs`."""
        shapes = {"": inputs["input_ids"].shape, "enc": inputs["input_ids"].shape}
        if "decoder_input_ids" in inputs:
            shapes["dec"] = inputs["decoder_input_ids"].shape
        depths: dict[str, int] = {}

        def handle(value: Tensor, tap: Tap) -> Tensor | None:
            depths[tap.side] = depths.get(tap.side, self.first - 1) + 1
            straight = _one_vector_a_position(value, shapes[tap.side], tap)
            changed = touch(straight, tap.side, depths[tap.side])
            if changed is None:
                return None
            return (changed.transpose(0, 1) if tap.transposed else changed).reshape(value.shape)

        with ExitStack() as stack:
            for tap in self.places:
                stack.callback(_hook(tap, partial(handle, tap=tap)))
            yield

    def layers(self, network: PreTrainedModel, inputs: Inputs) -> list[Layer]:
        """The layers at these places, as a forward pass finds them."""
        widths: dict[str, list[int]] = {}

        def note(value: Tensor, side: str, depth: int) -> None:  # noqa: ARG001
            widths.setdefault(side, []).append(value.shape[-1])

        with self.open(inputs, note):
            network(**inputs, **without_caches(network))
        suffix = "" if self.site == "residual" else f".{self.site}"
        return [
            Layer(f"{side}.L{depth}{suffix}" if side else f"L{depth}{suffix}", width, depth, self.site)
            for side, of_side in widths.items()
            for depth, width in enumerate(of_side, start=self.first)
        ]


def site_taps(network: PreTrainedModel, site: Site) -> Taps:
    """The places of a site of modules.

    Raises
    ------
    ModelError
        If no module has such a name.
    """
    return Taps(site.name, _places(network, matching_modules(network, site.pattern), site.end), first=1)


def residual_taps(
    network: PreTrainedModel, inputs: Inputs, layers: Mapping[str, int], *, whole: PreTrainedModel
) -> Taps:
    """The places of the residual stream.

    Parameters
    ----------
    network : transformers.PreTrainedModel
    inputs : mapping of str to Tensor
        Of a short text.
    layers : mapping of str to int
        For each side its number of blocks.
    whole : transformers.PreTrainedModel
        The network with its head, or again the network.

    Raises
    ------
    ModelError
        If the network's blocks are not to be found.
    """
    model: Any = network
    places: list[Tap] = []
    pattern = block_pattern(network.config.model_type)
    if pattern is not None:
        places += _places(network, matching_modules(network, pattern), "in")
    else:
        names = {id(module): name for name, module in network.named_modules()}
        for side, n_blocks in layers.items():
            part = {"": lambda: model, "enc": model.get_encoder, "dec": model.get_decoder}[side]()
            found = block_list(part, n_blocks)
            if found is None:
                raise ModelError(
                    f"the blocks of {type(network).__name__} are not to be found, so that its residual stream cannot be "
                    "changed; choose a site of modules, such as mlp"
                )
            parent, name = found
            places += _places(network, {names[id(block)]: block for block in getattr(parent, name)}, "in")
    if "dec" in layers or "enc" in layers:
        ends = {"enc": model.get_encoder(), "dec": model.get_decoder()}
        places += [Tap(f"the {side}oder", module, "out", side, transposed=False) for side, module in ends.items()]
    else:
        places.append(Tap("the network", _last_end(network, whole, inputs), "out", "", transposed=False))
    return Taps("residual", tuple(places), first=0)


def _places(network: PreTrainedModel, modules: Mapping[str, nn.Module], end: str) -> tuple[Tap, ...]:
    two_sided = bool(getattr(network.config, "is_encoder_decoder", False))
    transposed = network.config.model_type == "xlnet"

    def side(name: str) -> str:
        return "" if not two_sided else "dec" if "decoder" in name.split(".") else "enc"

    return tuple(Tap(name, module, end, side(name), transposed) for name, module in modules.items())


def _last_end(network: PreTrainedModel, whole: PreTrainedModel, inputs: Inputs) -> nn.Module:
    """The outermost part of the network that runs in `whole` and returns the last hidden states.

    That is not always the network: a head may call a part of it alone (OPT).
    """
    ends: list[nn.Module] = []

    def note(module: nn.Module, _: object, out: Any) -> None:  # noqa: ANN401
        if getattr(out, "last_hidden_state", None) is not None:
            ends.append(module)

    removers = [module.register_forward_hook(note).remove for module in network.modules()]
    try:
        whole(**inputs, **without_caches(whole))
    finally:
        for remove in removers:
            remove()
    return ends[-1]


def _hook(tap: Tap, handle: _Handle) -> Callable[[], None]:
    """Call `handle` with what passes a place, and pass on what it returns; the result takes the hook away."""
    if hasattr(tap.module, "post_attention"):
        return _hook_post_attention(tap.module, handle, end=tap.end)
    if tap.end == "in":

        def before(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any] | None:
            first = None if args else next(iter(options))
            changed = handle(options[first] if first else args[0])
            if changed is None:
                return None
            return (args, {**options, first: changed}) if first else ((changed, *args[1:]), options)

        remove: Callable[[], None] = tap.module.register_forward_pre_hook(before, with_kwargs=True).remove
        return remove

    def after(_: nn.Module, __: tuple[Any, ...], out: Any) -> Any:  # noqa: ANN401
        if hasattr(out, "last_hidden_state"):
            changed = handle(out.last_hidden_state)
            if changed is not None:
                out.last_hidden_state = changed
            return out
        changed = handle(out[0] if isinstance(out, tuple) else out)
        if changed is None:
            return out
        return (changed, *out[1:]) if isinstance(out, tuple) else changed

    return tap.module.register_forward_hook(after).remove


def _hook_post_attention(module: nn.Module, handle: _Handle, *, end: str) -> Callable[[], None]:
    """XLNet mixes its heads by a parameter in a method, ``post_attention``: wrap that, once for all that look there."""
    import torch

    attention: Any = module
    if "post_attention" in vars(attention):
        handles = attention.post_attention.handles
    else:
        original, handles = attention.post_attention, []

        def wrapped(h: Tensor, heads: Tensor, residual: bool = True) -> Tensor:  # noqa: FBT001, FBT002 (as the original)
            for look, where in handles:
                changed = look(heads.flatten(2)) if where == "in" else None
                heads = heads if changed is None else changed.view(heads.shape)
            mixed = torch.einsum("ibnd,hnd->ibh", heads, attention.o)
            changes = False
            for look, where in handles:
                changed = look(mixed) if where == "out" else None
                mixed, changes = (mixed, changes) if changed is None else (changed, True)
            if changes:
                normed: Tensor = attention.layer_norm(mixed + h if residual else mixed)
                return normed
            result: Tensor = original(h, heads, residual)
            return result

        wrapped.handles = handles  # type: ignore[attr-defined]
        attention.post_attention = wrapped
    entry = (handle, end)
    handles.append(entry)

    def remove() -> None:
        handles.remove(entry)
        if not handles:
            del attention.post_attention

    return remove


def _one_vector_a_position(value: Tensor, shape: tuple[int, ...], tap: Tap) -> Tensor:
    """Bring what passes to (n_sequences, n_positions, width)."""
    if tap.transposed:
        value = value.transpose(0, 1)
    if value.dim() == 2 and value.shape[0] == shape[0] * shape[1]:  # some feed-forward halves flatten the batch
        value = value.reshape(*shape, -1)
    if value.dim() != 3 or tuple(value.shape[:2]) != tuple(shape):
        raise ModelError(
            f"module {tap.name} has a tensor of shape {tuple(value.shape)}, where one vector for each of {shape[0]} x "
            f"{shape[1]} positions is expected; choose another module"
        )
    return value
