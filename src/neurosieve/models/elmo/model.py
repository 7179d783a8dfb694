"""Both kinds of ELMo as a `LanguageModel`: whole words in, one vector per word and layer out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from neurosieve.models.elmo.characters import SENTENCE_ENDS, CharacterNetwork, character_numbers
from neurosieve.models.language_model import Layer, ModelInfo
from neurosieve.models.passage_model import PassageModel
from neurosieve.models.passages import Passage, SubwordSentence


class BidirectionalNetwork(Protocol):
    """Two language models, one reading forwards and one backwards, on top of a character network."""

    characters: CharacterNetwork
    n_layers: int

    def contextualise(self, vectors: Tensor, lengths: Tensor) -> list[Tensor]:
        """Map token vectors (n_passages, n_positions, width) to one such tensor of twice the width for each layer.

        Positions at and beyond a passage's length hold anything.
        """


class CharacterModel(PassageModel):
    """An ELMo of either kind; made by `neurosieve.models.load.load_model`.

    Each different word's character network runs once per call of `embed`. A word without characters has no vector.

    Parameters
    ----------
    info : ModelInfo
    network : BidirectionalNetwork
    window : int or None
        Most words of a passage, its two ends included; None = any number.
    batch_tokens : int
        Most words in a batch, padding included.
    """

    def __init__(
        self, *, info: ModelInfo, network: BidirectionalNetwork, window: int | None, batch_tokens: int
    ) -> None:
        super().__init__(pooling="last", window=window, n_special=2, causal=False, batch_tokens=batch_tokens)
        self.info = info
        width = 2 * network.characters.options.projection
        self.layers = tuple(Layer(f"L{depth}", width, depth) for depth in range(network.n_layers + 1))
        self._network = network

    def _units(self, sentences: Sequence[Sequence[str]]) -> tuple[list[SubwordSentence], Tensor | None]:
        numbers: dict[str, int] = {}
        units = []
        for words in sentences:
            with_characters = np.array([i for i, word in enumerate(words) if word], dtype=np.int64)
            ids = [numbers.setdefault(words[i], len(numbers) + 2) for i in with_characters]
            units.append(SubwordSentence(np.array(ids, dtype=np.int64), with_characters, len(words), n_unknown=0))
        with torch.inference_mode():
            spelled = [character_numbers(word) for word in (*SENTENCE_ENDS, *numbers)]
            return units, self._network.characters.vectors(spelled)

    def _vectors(self, passages: Sequence[Passage], lexicon: Tensor | None) -> list[Tensor]:
        if lexicon is None:
            raise TypeError("the passages of a character model come with the vectors of their words")
        lengths = [len(passage.ids) + 2 for passage in passages]
        ids = np.zeros((len(passages), max(lengths)), dtype=np.int64)
        for row, passage in zip(ids, passages, strict=True):
            row[1 : len(passage.ids) + 1] = passage.ids
            row[len(passage.ids) + 1] = 1
        tokens = lexicon[torch.from_numpy(ids).to(lexicon.device)]
        states = self._network.contextualise(tokens, torch.tensor(lengths, device=lexicon.device))
        width = ids.shape[1]
        flat = np.concatenate([i * width + 1 + passage.positions for i, passage in enumerate(passages)])
        places = torch.from_numpy(flat).to(lexicon.device)
        layers = [torch.cat([tokens, tokens], dim=-1), *states]
        return [
            layers[layer.depth].flatten(0, 1).index_select(0, places).to("cpu", torch.float32) for layer in self.layers
        ]
