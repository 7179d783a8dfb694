"""Any Hugging Face encoder, decoder, or encoder-decoder as a `LanguageModel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosieve.models.huggingface.inputs import InputBuilder
from neurosieve.models.huggingface.readers import Reader
from neurosieve.models.huggingface.subwords import SubwordTokenizer
from neurosieve.models.language_model import ModelInfo
from neurosieve.models.passage_model import PassageModel
from neurosieve.models.passages import Passage, SpecialPlace, SubwordSentence, plan_special
from neurosieve.models.vectors import VectorBatch

if TYPE_CHECKING:
    from torch import Tensor


class HuggingFaceModel(PassageModel):
    """A Hugging Face model; made by `neurosieve.models.load.load_model`.

    Parameters
    ----------
    info : ModelInfo
    reader : Reader
        Runs the model; its layers are the model's.
    tokenizer : SubwordTokenizer
    inputs : InputBuilder
        Makes the model's inputs of passages.
    pooling, window, causal, batch_tokens
        See `PassageModel`.
    special : SpecialPlace, optional
        The token that stands for a whole sentence.
    """

    def __init__(
        self,
        *,
        info: ModelInfo,
        reader: Reader,
        tokenizer: SubwordTokenizer,
        inputs: InputBuilder,
        pooling: str,
        window: int | None,
        causal: bool,
        batch_tokens: int,
        special: SpecialPlace | None = None,
    ) -> None:
        super().__init__(
            pooling=pooling, window=window, n_special=tokenizer.n_special, causal=causal, batch_tokens=batch_tokens
        )
        self.info = info
        self.layers = tuple(reader.layers)
        self.tokenizer = tokenizer
        self._reader = reader
        self._inputs = inputs
        self._special = special
        self.special_token = None if special is None else special.name

    def choose_layers(self, wanted: Sequence[int | str] | None) -> list[int]:
        """Restrict the model to some of its layers, so that others are not computed; return their positions."""
        chosen = super().choose_layers(wanted)
        self._reader.keep(chosen)
        return chosen

    def _units(self, sentences: Sequence[Sequence[str]]) -> tuple[list[SubwordSentence], Tensor | None]:
        return self.tokenizer(sentences), None

    def _embed_special(self, sentences: Sequence[Sequence[str]]) -> VectorBatch:
        self._require_words(sentences)
        if self._special is None:
            raise TypeError("only a model with a special token is asked for it")
        units = self.tokenizer(sentences)
        reading = plan_special(units, place=self._special, capacity=self._capacity)
        return self._read(units, reading, None, averaged=True)

    def _vectors(self, passages: Sequence[Passage], lexicon: Tensor | None) -> list[Tensor]:  # noqa: ARG002
        import torch

        inputs, places = self._inputs(passages)

        def take(state: Tensor, side: str) -> Tensor:
            return state.flatten(0, 1).index_select(0, places[side]).to("cpu", torch.float32)

        return self._reader.read(inputs, take)
