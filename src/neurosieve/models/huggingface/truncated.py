"""Saving a Hugging Face network without the blocks above a depth, as a folder that loads by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.hub import quietly
from neurosieve.models.huggingface.oddities import class_without_decoder
from neurosieve.models.huggingface.readers import block_list


def save_truncated(place: str, out: Path, *, n_blocks: int, options: Mapping[str, Any]) -> None:
    """Write the first blocks of a network and its tokenizer.

    Parameters
    ----------
    place : str
        A folder or name of the hub.
    out : Path
        The folder to write; files of the same names are replaced.
    n_blocks : int
        Blocks to keep; at least one, and no more than there are.
    options : mapping
        Of `load_model`: ``dtype``, ``revision``, ``trust_remote_code``, ``untrained``.

    Raises
    ------
    ModelError
        If the network's blocks are not one list, as in models with an encoder and a decoder.
    """
    import torch

    if options.get("untrained") is not None:
        raise ModelError(f"'{place}' has fresh weights here; only a trained network can be exported")
    with quietly():
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        where = {
            "trust_remote_code": bool(options.get("trust_remote_code")),
            "revision": options.get("revision") or "main",
        }
        config = AutoConfig.from_pretrained(place, **where)  # `where` has the revision  # nosec B615
        kind: Any = class_without_decoder(config, Path(place) if Path(place).is_dir() else place) or AutoModel
        network: Any = kind.from_pretrained(
            place, torch_dtype=getattr(torch, str(options.get("dtype", "float32"))), **where
        )
        whole = getattr(network.config, "num_hidden_layers", None)
        found = None if whole is None else block_list(network, whole)
        if whole is None or found is None:
            raise ModelError(f"the blocks of '{place}' are not one list that could be cut; use the whole model")
        kept = min(max(1, n_blocks), whole)
        parent, name = found
        setattr(parent, name, getattr(parent, name)[:kept])
        _shorten(network.config, whole, kept)
        network.save_pretrained(out)
        tokenizer = AutoTokenizer.from_pretrained(place, **where)  # `where` has the revision  # nosec B615
        tokenizer.save_pretrained(out)


def _shorten(config: Any, whole: int, kept: int) -> None:  # noqa: ANN401 (every architecture has its own class)
    """Say the new number of blocks, also where there is one entry a block."""
    for name, value in list(vars(config).items()):
        if isinstance(value, (list, tuple)) and len(value) == whole:
            setattr(config, name, type(value)(value[:kept]))
    config.num_hidden_layers = kept
