"""One door to all families of models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosieve.models.families import family_of
from neurosieve.models.language_model import LanguageModel
from neurosieve.models.options import LoadOptions
from neurosieve.models.sizes import ModelSize


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
    head: bool = False,
    self_test: bool = True,
) -> LanguageModel:
    """Load a language model of any family (see `neurosieve.models.families`).

    Parameters
    ----------
    name_or_path : str or Path
        A name on the Hugging Face hub; a Hugging Face folder; a folder with ELMo's ``*options.json`` and
        ``*weights.hdf5``; a transformer-ELMo archive ``model.tar.gz``; or whatever a further family recognises.
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
    head : bool
        Keep the language-model head, so that `LanguageModel.logits` works; all blocks are then kept as well. The vectors
        are the same.
    self_test : bool
        Check on three short sentences that the vectors are those of a plain forward pass.

    Raises
    ------
    ModelError
        If there is no such model, it is incomplete or damaged, an option does not fit, or the self-test fails.
    """
    options = LoadOptions(
        pooling=pooling,
        layers=layers,
        site=site,
        device=device,
        dtype=dtype,
        untrained=untrained,
        batch_tokens=batch_tokens,
        trust_remote_code=trust_remote_code,
        revision=revision,
        head=head,
        self_test=self_test,
    )
    family, place = family_of(name_or_path)
    family.require(options)
    return family.load(place, options)


def model_size(
    name_or_path: str | Path, *, site: str = "residual", revision: str | None = None, trust_remote_code: bool = False
) -> ModelSize:
    """Read a model's size off its configuration.

    Parameters
    ----------
    name_or_path : str or Path
        As in `load_model`; of a hub model only the configuration is fetched.
    site : str
    revision : str, optional
    trust_remote_code : bool

    Raises
    ------
    ModelError
        If the configuration cannot be read or does not tell, or the family has not such an option.
    """
    family, place = family_of(name_or_path)
    options = LoadOptions(site=site, revision=revision, trust_remote_code=trust_remote_code)
    family.require(options)
    return family.size(place, options)
