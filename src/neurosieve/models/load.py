"""One door to all families of models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosieve.errors import ModelError
from neurosieve.models.language_model import LanguageModel

POOLINGS = ("last", "first", "mean")
DTYPES = ("float32", "float64", "float16", "bfloat16")

CPU_BATCH_TOKENS = 1024
"""Measured with a model of 6 layers x 384 on one core and on two: 2,048 is up to 10 % slower, 4,096 20 %."""

GPU_BATCH_TOKENS = 16_384
"""Enough to keep a GPU busy with small models, and little beside the memory of large ones."""


def load_model(
    name_or_path: str | Path,
    *,
    pooling: str = "last",
    layers: Sequence[int | str] | None = None,
    site: str = "residual",
    device: str | None = None,
    dtype: str = "float32",
    untrained: int | None = None,
    batch_tokens: int | None = None,
    trust_remote_code: bool = False,
    revision: str | None = None,
    self_test: bool = True,
) -> LanguageModel:
    """Load a language model of any family.

    Parameters
    ----------
    name_or_path : str or Path
        A name on the Hugging Face hub; a Hugging Face folder; a folder with ELMo's ``*options.json`` and
        ``*weights.hdf5``; or a transformer-ELMo archive ``model.tar.gz``.
    pooling : {"last", "first", "mean"}
        Which sub-words make a word's vector. Models that read characters have one vector a word whatever is chosen.
    layers : sequence of int or str, optional
        Names (``"L3"``) or depths (3; -1 = the deepest) of the layers to return; others are not computed. Default: all.
    site : str
        ``"residual"``, ``"mlp"``, ``"attention"``, ``"heads"``, or a pattern of module names (see
        `neurosieve.models.huggingface.sites`).
    device : str, optional
        Such as ``"cpu"`` or ``"cuda"``. Default: a CUDA device if there is one.
    dtype : {"float32", "float64", "float16", "bfloat16"}
        In which the model computes; the vectors are float32 in any case.
    untrained : int, optional
        Seed of fresh random weights in place of the trained ones.
    batch_tokens : int, optional
        Most tokens in a batch, padding included. Default: 1,024 on a CPU, 16,384 elsewhere.
    trust_remote_code : bool
        Allow a hub model to run its own code on this machine.
    revision : str, optional
        Branch, tag or commit of a hub model.
    self_test : bool
        Check on three short sentences that the vectors are those of a plain forward pass.

    Raises
    ------
    ModelError
        If there is no such model, it is incomplete or damaged, an option does not fit, or the self-test fails.
    """
    if pooling not in POOLINGS:
        raise ModelError(f"pooling is {pooling!r}; expected one of {', '.join(POOLINGS)}")
    if dtype not in DTYPES:
        raise ModelError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
    if batch_tokens is not None and batch_tokens < 1:
        raise ModelError(f"batch_tokens is {batch_tokens}; expected at least 1")
    family = _family(name_or_path, needs_weights=untrained is None)
    device = _usable_device(device)
    batch_tokens = batch_tokens or (CPU_BATCH_TOKENS if device == "cpu" else GPU_BATCH_TOKENS)
    path = Path(name_or_path).expanduser()
    if family != "huggingface":
        if site != "residual":
            raise ModelError(
                f"site is {site!r}, but a model of the family {family} is read at the site 'residual' only"
            )
        from neurosieve.models.elmo.loading import load_characters

        return load_characters(
            path,
            family=family,
            layers=layers,
            device=device,
            dtype=dtype,
            untrained=untrained,
            batch_tokens=batch_tokens,
            check=self_test,
        )
    from neurosieve.models.huggingface.loading import load_huggingface

    return load_huggingface(
        path if path.exists() else str(name_or_path),
        pooling=pooling,
        layers=layers,
        site=site,
        device=device,
        dtype=dtype,
        untrained=untrained,
        batch_tokens=batch_tokens,
        trust_remote_code=trust_remote_code,
        revision=revision,
        check=self_test,
    )


def _usable_device(device: str | None) -> str:
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"device {device!r} cannot be used ({reason}); leave it out, or use 'cpu'") from error
    return device


def _family(name_or_path: str | Path, *, needs_weights: bool) -> str:
    """Recognise the family from what is there; only what is not a path at all is taken for a name on the hub."""
    path = Path(name_or_path).expanduser()
    if path.is_file():
        if path.name.endswith((".tar.gz", ".tgz", ".tar")):
            return "transformer-elmo"
        raise ModelError(f"'{path}' is a file, but not a model.tar.gz; give a model's folder, archive or hub name")
    if not path.exists():
        if _looks_like_path(str(name_or_path)):
            raise ModelError(
                f"there is no model at '{name_or_path}'; check the path, or give a hub name such as 'gpt2'"
            )
        return "huggingface"
    if any(path.glob("*options.json")) and any(path.glob("*weights.hdf5")):
        return "elmo"
    if not (path / "config.json").is_file():
        raise ModelError(
            f"the folder '{path}' holds no model: expected config.json with its weights, or ELMo's *options.json and "
            "*weights.hdf5"
        )
    has_weights = any(any(path.glob(pattern)) for pattern in ("*.safetensors", "pytorch_model*.bin"))
    if needs_weights and not has_weights:
        raise ModelError(
            f"the folder '{path}' has a config.json but no weights; expected *.safetensors or pytorch_model*.bin "
            "(download them, or ask for the untrained model)"
        )
    return "huggingface"


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1 or name.endswith((".gz", ".tgz", ".tar"))
