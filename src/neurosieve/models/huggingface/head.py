"""The head of a language model: which one a model has, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.families import Place
from neurosieve.models.huggingface.readers import Inputs, without_caches
from neurosieve.models.passages import SubwordSentence

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


@dataclass(frozen=True)
class Head:
    """A language model's head.

    Attributes
    ----------
    network : transformers.PreTrainedModel
        The whole network, head included.
    kind : str
        ``"masked"``, ``"causal"`` or ``"seq2seq"`` (see `neurosieve.models.logits.SentenceLogits`). XLNet, whose every
        position sees the whole text, counts as masked.
    mask_id : int or None
        Number of the mask token.
    """

    network: PreTrainedModel
    kind: str
    mask_id: int | None

    def forward(self, inputs: Inputs) -> list[NDArray[np.float32]]:
        """Logits of one batch: for each sequence (n_positions, n_vocabulary), padding left out."""
        import torch

        mask = inputs["decoder_attention_mask" if self.kind == "seq2seq" else "attention_mask"].bool()
        with torch.inference_mode():
            logits = self.network(**inputs, **without_caches(self.network)).logits
            return [values[here].to("cpu", torch.float32).numpy() for values, here in zip(logits, mask, strict=True)]

    def mask(self, units: Sequence[SubwordSentence], masked: Sequence[Sequence[int]]) -> list[SubwordSentence]:
        """Sentences whose words at the given places are hidden behind the mask token.

        Raises
        ------
        ModelError
            If the head predicts no masked words, or there is no such word.
        """
        if self.kind != "masked" or self.mask_id is None:
            raise ModelError(
                f"words can be masked only for a masked head and a tokenizer with a mask token; this head is {self.kind}"
                f"{'' if self.kind != 'masked' else ', and there is no mask token'}"
            )
        if len(masked) != len(units):
            raise ModelError(f"masked has {len(masked)} entries for {len(units)} sentences; give one for each")
        hidden = []
        for number, (unit, words) in enumerate(zip(units, masked, strict=True)):
            for word in words:
                if not 0 <= word < unit.n_words:
                    raise ModelError(f"sentence {number} has no word {word}; it has {unit.n_words}, counted from 0")
            hidden.append(replace(unit, ids=np.where(np.isin(unit.words, words), self.mask_id, unit.ids)))
        return hidden


def class_with_head(config: PretrainedConfig, place: Place) -> Any:  # noqa: ANN401 (a class of transformers)
    """The ``AutoModel...`` class that loads a model with its head.

    Encoder-decoders predict their decoder's text; else an architecture that can have both heads has the masked one,
    unless its configuration says that it is a decoder.

    Raises
    ------
    ModelError
        If the architecture has no such head.
    """
    import transformers

    kinds = [("ForMaskedLM", "MASKED_LM"), ("ForCausalLM", "CAUSAL_LM")]
    if config.is_encoder_decoder:
        kinds = [("ForSeq2SeqLM", "SEQ_TO_SEQ_CAUSAL_LM")]
    elif getattr(config, "is_decoder", False):
        kinds = kinds[1:]
    for name, mapping in kinds:
        own = getattr(config, "auto_map", None) or {}
        if f"AutoModel{name}" in own or type(config) in getattr(transformers, f"MODEL_FOR_{mapping}_MAPPING"):
            return getattr(transformers, f"AutoModel{name}")
    raise ModelError(
        f"'{place}' is a {config.model_type!r} model, for which transformers has no language-model head; leave head=True out"
    )
