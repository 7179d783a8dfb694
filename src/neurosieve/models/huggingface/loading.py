"""Loading a Hugging Face model and all that is needed to read it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.errors import ModelError
from neurosieve.models.digest import weights_digest
from neurosieve.models.families import Place
from neurosieve.models.huggingface.counts import require_possible
from neurosieve.models.huggingface.editing import Editor
from neurosieve.models.huggingface.fresh_network import fresh_network
from neurosieve.models.huggingface.head import Head, class_with_head
from neurosieve.models.huggingface.hub import quietly, stating
from neurosieve.models.huggingface.inputs import InputBuilder
from neurosieve.models.huggingface.model import HuggingFaceModel
from neurosieve.models.huggingface.oddities import class_without_decoder, settle_attention, without_pooler
from neurosieve.models.huggingface.places import require_no_adapter, require_weights
from neurosieve.models.huggingface.plain_forward import plain_vectors, takes_types
from neurosieve.models.huggingface.readers import Reader, ResidualReader
from neurosieve.models.huggingface.sites import parse_site
from neurosieve.models.huggingface.subwords import SubwordTokenizer, rules_digest
from neurosieve.models.huggingface.tap_reader import TapReader
from neurosieve.models.huggingface.taps import site_taps
from neurosieve.models.language_model import ModelInfo
from neurosieve.models.options import LoadOptions
from neurosieve.models.passages import Passage, SpecialPlace, whole_passage
from neurosieve.models.self_test import SENTENCES, self_test

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

LONGEST_WINDOW = 1_000_000
"""A maximum length above this says only that nobody set one."""


def load_huggingface(place: Place, options: LoadOptions) -> HuggingFaceModel:
    """Load a Hugging Face model; see `neurosieve.models.load.load_model`."""
    import torch

    require_no_adapter(place)
    if options.untrained is None:
        require_weights(place)
    device = options.usable_device()
    with quietly(), stating(place, options.revision):
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        commit = _commit(place, options.revision)
        where = {"trust_remote_code": options.trust_remote_code, "revision": commit or options.revision or "main"}
        precision = getattr(torch, options.dtype)
        require_possible(place, **where)
        config = AutoConfig.from_pretrained(place, **where)  # `where` has the revision  # nosec B615
        kind = class_with_head(config, place) if options.head else class_without_decoder(config, place) or AutoModel
        whole: Any
        if options.untrained is None:
            whole = _pretrained(place, kind=kind, dtype=precision, where=where)
        else:
            own_code = options.trust_remote_code
            whole = fresh_network(
                config, kind=kind, seed=options.untrained, dtype=precision, trust_remote_code=own_code
            )
        wrapper: Any = AutoTokenizer.from_pretrained(place, **where)  # `where` has the revision  # nosec B615
    network = whole.base_model if options.head else whole
    if getattr(network, "pooler", None) is not None:  # which no layer needs and many checkpoints lack
        network.pooler = without_pooler()
    attention = settle_attention(network)
    if (
        getattr(whole, "quantization_method", None) is None
    ):  # what is quantised stays where it was put, and refuses to move
        whole.to(device)
    whole.eval()

    tokenizer = SubwordTokenizer(wrapper)
    with_types = takes_types(network, wrapper)
    inputs = InputBuilder(network, tokenizer, pad_id=_pad_id(network, wrapper), with_types=with_types)
    window = _window(network, wrapper, tokenizer.n_special)
    with torch.inference_mode():
        example = _example(tokenizer, window)
        residual = ResidualReader(network, inputs([example])[0], may_cut=not options.head)
        causal = _is_causal(residual, inputs, example)
        reader: Reader = residual
        if options.site != "residual":
            taps = site_taps(network, parse_site(options.site, network.config.model_type))
            reader = TapReader(network, taps, taps.layers(network, inputs([example])[0]))
    head = None
    if options.head:
        kind_of_head = "seq2seq" if config.is_encoder_decoder else "causal" if causal else "masked"
        head = Head(whole, kind_of_head, wrapper.mask_token_id)
    model = HuggingFaceModel(
        info=ModelInfo(
            name=place.resolve().name if isinstance(place, Path) else place,
            family="huggingface",
            architecture=type(network).__name__,
            revision=commit,
            digest=weights_digest(network.state_dict()),
            settings={
                "pooling": options.pooling,
                "site": options.site,
                "dtype": options.dtype,
                "untrained": options.untrained,
                "window": window,
                "tokenizer": rules_digest(wrapper),
                **attention,
            },
        ),
        reader=reader,
        tokenizer=tokenizer,
        inputs=inputs,
        pooling=options.pooling,
        window=window,
        causal=causal,
        batch_tokens=options.batch_tokens_on(device),
        editor=Editor(network, inputs([example])[0], whole=whole),
        special=_special_place(tokenizer, wrapper, causal=causal),
        head=head,
    )
    if not options.self_test:
        model.choose_layers(options.layers)
        return model
    sentences = _fitting(tokenizer, window)
    plain = [
        plain_vectors(
            words, network=network, wrapper=wrapper, tokenizer=tokenizer, reader=reader, pooling=options.pooling
        )
        for words in sentences
    ]
    chosen = model.choose_layers(options.layers)
    self_test(model, sentences, [[vectors[i] for i in chosen] for vectors in plain], dtype=options.dtype)
    return model


def _commit(place: Place, revision: str | None) -> str:
    """Return the commit of a hub model, by which all its files are then read; empty for a folder."""
    if isinstance(place, Path):
        return ""
    from transformers.utils.hub import cached_file

    found = re.search(r"snapshots[/\\]([0-9a-f]{40})[/\\]", str(cached_file(place, "config.json", revision=revision)))
    return found.group(1) if found else ""


def _pretrained(place: Place, *, kind: Any, dtype: torch.dtype, where: dict[str, Any]) -> PreTrainedModel:  # noqa: ANN401
    """Load the trained network and see that its checkpoint is complete (but for the pooler, which no layer needs)."""
    network: PreTrainedModel
    network, report = kind.from_pretrained(
        place,
        torch_dtype=dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # the loading library would refuse without a name
        **where,
    )
    for key, found, expected in sorted(report["mismatched_keys"]):
        if not key.startswith("pooler"):
            raise ModelError(
                f"the weights {key!r} of '{place}' have the shape {tuple(found)}, where config.json asks for "
                f"{tuple(expected)}; weights and configuration do not belong together"
            )
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler"))
    inside = f"{network.base_model_prefix}."
    if missing and network.base_model is not network and not missing[0].startswith(inside):
        raise ModelError(
            f"'{place}' has no language-model head: its weights lack {missing[0]!r} of {type(network).__name__}; leave "
            "head=True out, or use a checkpoint that was saved with its head"
        )
    if missing:
        raise ModelError(
            f"the weights of '{place}' lack {missing[0]!r}"
            + (f" and {len(missing) - 1} more of {type(network).__name__}" if len(missing) > 1 else "")
            + "; use a complete checkpoint (a missing weight would be drawn at random)"
        )
    return network


def _pad_id(network: PreTrainedModel, wrapper: PreTrainedTokenizerFast) -> int:
    """Return the padding's number; without a padding token any number does, as the attention mask leaves it out."""
    embeddings: Any = network.get_input_embeddings()
    for number in (getattr(network.config, "pad_token_id", None), wrapper.pad_token_id):
        if isinstance(number, int) and 0 <= number < embeddings.num_embeddings:
            return number
    return 0


def _window(network: PreTrainedModel, wrapper: PreTrainedTokenizerFast, n_special: int) -> int | None:
    """Most tokens that the model reads at once, special tokens included."""
    limits = [wrapper.model_max_length] if wrapper.model_max_length < LONGEST_WINDOW else []
    positions = getattr(network.config, "max_position_embeddings", None)
    if isinstance(positions, int) and 0 < positions < LONGEST_WINDOW:
        limits.append(positions - _reserved_positions(network, positions))
    if not limits:
        return None
    if min(limits) <= n_special:
        raise ModelError(f"the model reads {min(limits)} tokens at once, and {n_special} of them are special tokens")
    return int(min(limits))


def _reserved_positions(network: PreTrainedModel, positions: int) -> int:
    """Count the position embeddings that no token uses: those up to the padding's own (RoBERTa and its kin)."""
    from torch import nn

    for name, module in network.named_modules():
        is_position_table = isinstance(module, nn.Embedding) and "position" in name.rpartition(".")[2]
        if is_position_table and module.num_embeddings == positions and module.padding_idx is not None:
            return int(module.padding_idx) + 1
    return 0


def _example(tokenizer: SubwordTokenizer, window: int | None) -> Passage:
    """Return a short text that is read whole."""
    sentence = tokenizer([SENTENCES[1]])[0]
    n = len(sentence.ids) if window is None else min(len(sentence.ids), window - tokenizer.n_special)
    return whole_passage(replace(sentence, ids=sentence.ids[:n], words=sentence.words[:n]))


def _fitting(tokenizer: SubwordTokenizer, window: int | None) -> list[tuple[str, ...]]:
    """Return the self-test's sentences, each with as many words as fit into one window."""
    fitting = []
    for sentence in SENTENCES:
        words = sentence
        while window is not None and words and len(tokenizer([words])[0].ids) + tokenizer.n_special > window:
            words = words[:-1]
        if words:
            fitting.append(words)
    return fitting


def _is_causal(reader: Reader, inputs: InputBuilder, example: Passage) -> bool:
    """Tell whether what stands behind a sub-word leaves its vector as it is."""
    changed = replace(example, ids=np.append(example.ids[:1], np.abs(example.ids[1:] - 1)))
    first = [reader.read(inputs([p])[0], lambda state, _: state[0, 0])[-1].float() for p in (example, changed)]
    return bool((first[0] - first[1]).abs().max() <= 1e-6 * first[0].abs().max())


def _special_place(
    tokenizer: SubwordTokenizer, wrapper: PreTrainedTokenizerFast, *, causal: bool
) -> SpecialPlace | None:
    """Return the token that stands for a sentence: the class token, else any that has read all of it, else None.

    In a model that sees only what stands before, no token at the beginning has read anything (its vector is the same for
    all sentences), so the last position is taken.
    """
    prefix, suffix = tokenizer.prefix, tokenizer.suffix
    if causal:
        return SpecialPlace("last position", len(suffix) - 1, behind=True, last_window=True)
    around = [(number, i - len(prefix), False) for i, number in enumerate(prefix)]
    around += [(number, i, True) for i, number in enumerate(suffix)]
    around.sort(key=lambda token: token[0] != wrapper.cls_token_id)
    if not around:
        return None
    number, offset, behind = around[0]
    return SpecialPlace(str(wrapper.convert_ids_to_tokens(number)), offset, behind=behind, last_window=False)
