"""Any Hugging Face encoder, decoder, or encoder-decoder as a `LanguageModel`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import replace
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.asked import Asked, AskedPair
from neurosieve.models.batching import length_sorted_batches
from neurosieve.models.edits import Edit
from neurosieve.models.huggingface.answers import Answerer
from neurosieve.models.huggingface.asking import Asker
from neurosieve.models.huggingface.editing import Editing, Editor
from neurosieve.models.huggingface.head import Head
from neurosieve.models.huggingface.inputs import InputBuilder
from neurosieve.models.huggingface.readers import Inputs, Reader, ResidualReader, side_of
from neurosieve.models.huggingface.subwords import SubwordTokenizer
from neurosieve.models.huggingface.tap_reader import TapReader
from neurosieve.models.language_model import ModelInfo
from neurosieve.models.logits import SentenceLogits
from neurosieve.models.passage_model import PassageModel
from neurosieve.models.passages import Passage, SpecialPlace, SubwordSentence, plan_special, whole_passage
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
    editor : Editor
    special : SpecialPlace, optional
        The token that stands for a whole sentence.
    head : Head, optional
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
        editor: Editor,
        special: SpecialPlace | None = None,
        head: Head | None = None,
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
        self._editor = editor
        self._editing: Editing | None = None
        self._head = head
        self.special_token = None if special is None else special.name
        self.head = None if head is None else head.kind

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

        with self._edits(inputs, passages):
            return self._reader.read(inputs, take)

    def _edits(self, inputs: Inputs, passages: Sequence[Passage]) -> AbstractContextManager[None]:
        """The model's edits, if there are any, in a forward pass with these inputs."""
        if self._editing is None:
            return nullcontext()
        return self._editing.acting(inputs, lambda: self._inputs.word_maps(passages))

    def edited(self, edits: Sequence[Edit]) -> HuggingFaceModel:
        """The same model with changes in its forward pass (see `LanguageModel.edited`)."""
        settings = {key: value for key, value in self.info.settings.items() if key != "edits"}
        model = copy(self)
        model._editing = None
        if edits:
            model._editing = self._editor.editing(edits, highest=self._highest())
            settings["edits"] = [edit.described() for edit in edits]
            if isinstance(self._reader, ResidualReader):  # output_hidden_states may be taken before an edit
                taps, _ = self._editor.places("residual")
                model._reader = TapReader(self._editor.network, taps, self.layers)
        model.info = replace(self.info, settings=settings)
        return model

    def _highest(self) -> dict[str, float] | None:
        """For each side the deepest layer whose values reach what is read; None if all do."""
        if self._head is not None:
            return None
        highest: dict[str, float] = {}
        for layer in self.layers:
            side = side_of(layer)
            highest[side] = max(layer.depth, highest.get(side, 0))
        if "dec" in highest:  # which reads the whole encoder
            highest["enc"] = inf
        return highest

    def logits(
        self, sentences: Sequence[Sequence[str]], *, masked: Sequence[Sequence[int]] | None = None
    ) -> list[SentenceLogits]:
        """What the model's head says of sentences (see `LanguageModel.logits`)."""
        head = self._require_head()
        self._require_words(sentences)
        units = self.tokenizer(sentences)
        if self._capacity is not None:
            for number, unit in enumerate(units):
                if len(unit.ids) > self._capacity:
                    raise ModelError(
                        f"sentence {number} has {len(unit.ids)} sub-words, but the model reads {self._capacity} at once, and "
                        "logits are not put together from several windows; shorten it"
                    )
        read = units if masked is None else head.mask(units, masked)
        passages = [whole_passage(unit) for unit in read]
        found: list[SentenceLogits | None] = [None] * len(units)
        for batch in length_sorted_batches([len(p.ids) + self._n_special for p in passages], self.batch_tokens):
            members = [passages[i] for i in batch]
            inputs, _ = self._inputs(members)
            with self._edits(inputs, members):
                rows = head.forward(inputs)
            for i, values in zip(batch, rows, strict=True):
                found[i] = SentenceLogits(values, *self._inputs.positions_of(units[i], decoded=self.head == "seq2seq"))
        return [logits for logits in found if logits is not None]

    def ask_pairs(
        self,
        pairs: Sequence[tuple[Sequence[str], Sequence[str]]],
        *,
        reading: str | None = None,
        paired: Sequence[Sequence[str]] | None = None,
    ) -> list[AskedPair | str]:
        """How the head is asked about minimal pairs (see `LanguageModel.ask_pairs`)."""
        asker = self._asker()
        chosen = asker.reading(reading)
        donors = [None] * len(pairs) if paired is None else list(paired)
        return [asker.pair(*pair, paired=donor, reading=chosen) for pair, donor in zip(pairs, donors, strict=True)]

    def ask_texts(self, sentences: Sequence[Sequence[str]]) -> list[Asked | str]:
        """Ask the head about every sub-word of sentences (see `LanguageModel.ask_texts`)."""
        asker = self._asker()
        return [asker.text(words) if words else "it has no words" for words in sentences]

    def answers(
        self,
        texts: Sequence[Asked],
        variants: Sequence[Sequence[Edit]] = (),
        *,
        measure: str | Sequence[str] = "log_probability",
        progress: Callable[[float, float], None] | None = None,
    ) -> list[NDArray[np.float32]]:
        """What the head says of the model and of edited versions of it (see `LanguageModel.answers`)."""
        self._asker()
        if self._editing is not None:
            raise ModelError("the model is edited already; ask the one that was loaded, and give all edits as variants")
        return self._answerer(texts, variants, measure=measure, progress=progress)

    @cached_property
    def _answerer(self) -> Answerer:
        return Answerer(self._require_head(), self._editor, self._inputs)

    def _asker(self) -> Asker:
        head = self._require_head()
        if head.kind == "seq2seq":
            raise ModelError(
                f"'{self.info.name}' has a seq2seq head; pairs and texts are asked of causal and masked heads"
            )
        return Asker(self.tokenizer, head, window=self.window)

    def _require_head(self) -> Head:
        if self._head is None:
            raise ModelError(f"'{self.info.name}' was loaded without its language-model head; load it with head=True")
        return self._head
