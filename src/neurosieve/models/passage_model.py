"""What all families share: sentences to passages, passages to batches, batches to one array a layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.batching import length_sorted_batches
from neurosieve.models.language_model import LanguageModel
from neurosieve.models.layers import choose_layers
from neurosieve.models.passages import Passage, Reading, SubwordSentence, plan_reading
from neurosieve.models.vectors import VectorBatch

if TYPE_CHECKING:
    from torch import Tensor


class PassageModel(LanguageModel):
    """A language model that reads passages, from one family or another.

    A family says how sentences become units (sub-words, or whole words), and how a batch of passages becomes vectors.

    Parameters
    ----------
    pooling : {"last", "first", "mean"}
        Which units make a word's vector.
    window : int or None
        Most units of a passage, those that stand for its ends included; None = any number.
    n_special : int
        Units that are put around each passage.
    causal : bool
        True if a position sees only what stands before it.
    batch_tokens : int
        Most units in a batch, padding included.
    """

    def __init__(self, *, pooling: str, window: int | None, n_special: int, causal: bool, batch_tokens: int) -> None:
        self.window = window
        self.batch_tokens = batch_tokens
        self._pooling = pooling
        self._n_special = n_special
        self._causal = causal

    @abstractmethod
    def _units(self, sentences: Sequence[Sequence[str]]) -> tuple[list[SubwordSentence], Tensor | None]:
        """Split sentences into units; with them whatever `_vectors` needs to know of all of them."""

    @abstractmethod
    def _vectors(self, passages: Sequence[Passage], lexicon: Tensor | None) -> list[Tensor]:
        """Forward one batch; one float32 tensor (n_needed units, width) a layer, on the CPU."""

    def choose_layers(self, wanted: Sequence[int | str] | None) -> list[int]:
        """Restrict the model to some of its layers; return their positions (see `layers.choose_layers`)."""
        chosen = choose_layers(self.layers, wanted)
        self.layers = tuple(self.layers[i] for i in chosen)
        return chosen

    @property
    def _capacity(self) -> int | None:
        """Units of text that fit into one window; None = any number."""
        return None if self.window is None else self.window - self._n_special

    def _require_words(self, sentences: Sequence[Sequence[str]]) -> None:
        for number, words in enumerate(sentences):
            if not words:
                raise ModelError(f"sentence {number} has no words; leave empty sentences out")

    def embed(self, sentences: Sequence[Sequence[str]]) -> VectorBatch:
        """Embed sentences (see `LanguageModel.embed`).

        Raises
        ------
        ModelError
            If a sentence has no words, or cannot be aligned with its sub-words.
        """
        self._require_words(sentences)
        units, lexicon = self._units(sentences)
        reading = plan_reading(
            units,
            pooling=self._pooling,
            capacity=self._capacity,
            causal=self._causal,
        )
        return self._read(units, reading, lexicon, averaged=self._pooling == "mean")

    def _read(
        self, units: Sequence[SubwordSentence], reading: Reading, lexicon: Tensor | None, *, averaged: bool
    ) -> VectorBatch:
        """Forward what was planned."""
        return VectorBatch(
            layers=tuple(self._run(reading, lexicon, averaged=averaged)),
            kept=np.concatenate([np.zeros(0, dtype=np.bool_), *reading.kept]),
            offsets=np.cumsum([0, *(len(kept) for kept in reading.kept)], dtype=np.int64),
            n_windows=np.array(reading.n_windows, dtype=np.int64),
            n_subwords=np.array([len(sentence.ids) for sentence in units], dtype=np.int64),
            n_unknown=np.array([sentence.n_unknown for sentence in units], dtype=np.int64),
        )

    def _run(self, reading: Reading, lexicon: Tensor | None, *, averaged: bool) -> list[NDArray[np.float32]]:
        """Forward all passages; one array (n_kept words of all sentences, width) a layer."""
        import torch

        allocate = torch.zeros if averaged else torch.empty  # without averaging every row is written once
        n_rows = sum(int(kept.sum()) for kept in reading.kept)
        values = [allocate((n_rows, layer.width), dtype=torch.float32) for layer in self.layers]
        lengths = [len(passage.ids) + self._n_special for passage in reading.passages]
        with torch.inference_mode():
            for batch in length_sorted_batches(lengths, self.batch_tokens):
                passages = [reading.passages[i] for i in batch]
                rows = torch.from_numpy(np.concatenate([passage.rows for passage in passages]))
                shares = torch.from_numpy(np.concatenate([passage.shares for passage in passages]))
                for value, vectors in zip(values, self._vectors(passages, lexicon), strict=True):
                    if averaged:
                        value.index_add_(0, rows, vectors * shares[:, None])
                    else:
                        value.index_copy_(0, rows, vectors)
        return [value.numpy() for value in values]
