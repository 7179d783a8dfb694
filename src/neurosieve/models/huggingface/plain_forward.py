"""The plainest way to a sentence's vectors, against which the way that is used is checked."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.alignment import join_words
from neurosieve.models.huggingface.readers import Reader
from neurosieve.models.huggingface.subwords import SubwordTokenizer
from neurosieve.models.passages import needed_subwords

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def plain_vectors(
    words: Sequence[str],
    *,
    network: PreTrainedModel,
    wrapper: PreTrainedTokenizerFast,
    tokenizer: SubwordTokenizer,
    reader: Reader,
    pooling: str,
) -> list[NDArray[np.float32]]:
    """Vectors of one sentence that fits into the window: its text through the model's own tokenizer, one forward pass.

    Parameters
    ----------
    words : sequence of str
    network, wrapper : transformers.PreTrainedModel, transformers.PreTrainedTokenizerFast
        The model and tokenizer as they were loaded.
    tokenizer : SubwordTokenizer
        Tells which sub-words belong to which word.
    reader : Reader
    pooling : {"last", "first", "mean"}

    Returns
    -------
    list of ndarray of shape (n_kept, width), float32
        One for each layer of the reader.

    Raises
    ------
    ModelError
        If the model's own tokenizer gives other sub-words than ours.
    """
    import torch

    sentence = tokenizer([words])[0]
    prefix, suffix = tokenizer.prefix, tokenizer.suffix
    encoded = wrapper(join_words(words), return_tensors="pt")
    ids = [*prefix, *sentence.ids.tolist(), *suffix]
    if encoded["input_ids"][0].tolist() != ids:
        raise ModelError(
            f"self-test failed: the tokenizer gives {encoded['input_ids'][0].tolist()} for {join_words(words)!r}, where "
            f"{ids} is expected; its special tokens depend on more than tokenizer.json says: pass self_test=False to go on"
        )
    tensors = {name: encoded[name] for name in ("input_ids", "attention_mask", "token_type_ids") if name in encoded}
    if "token_type_ids" in tensors and not takes_types(network, wrapper):
        del tensors["token_type_ids"]
    starts = {"": len(prefix), "enc": len(prefix), "dec": len(prefix) + 1}
    if getattr(network.config, "is_encoder_decoder", False):
        shifted = [network.config.decoder_start_token_id, *prefix, *sentence.ids.tolist()]
        tensors["decoder_input_ids"] = torch.tensor([shifted])
    positions, shares = needed_subwords(sentence.words, pooling)
    _, rows = np.unique(sentence.words[positions], return_inverse=True)

    def pooled(state: Tensor, side: str) -> Tensor:
        values = state[0].to("cpu", torch.float32)[starts[side] + torch.from_numpy(positions)]
        result = torch.zeros((len(np.unique(rows)), values.shape[1]))
        return result.index_add_(0, torch.from_numpy(rows), values * torch.from_numpy(shares)[:, None])

    with torch.inference_mode():
        states = reader.read({name: tensor.to(network.device) for name, tensor in tensors.items()}, pooled)
    return [state.numpy() for state in states]


def takes_types(network: PreTrainedModel, wrapper: PreTrainedTokenizerFast) -> bool:
    """Tell whether the model is given segment numbers."""
    name = "token_type_ids"
    return name in wrapper.model_input_names and name in inspect.signature(network.forward).parameters
