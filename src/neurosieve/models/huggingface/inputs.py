"""Inputs of a forward pass: special tokens, padding, attention mask, decoder input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.subwords import SubwordTokenizer
from neurosieve.models.passages import Passage, SubwordSentence

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

LEFT_PADDED = frozenset({"xlnet"})
"""Model types that were trained with padding before the text; all others are padded behind it."""


class InputBuilder:
    """Makes the inputs of a forward pass from passages.

    Parameters
    ----------
    network : transformers.PreTrainedModel
        As ``AutoModel`` gives it.
    tokenizer : SubwordTokenizer
    pad_id : int
        What padding is written with; the attention mask leaves it out.
    with_types : bool
        True if the model takes segment numbers.

    Raises
    ------
    ModelError
        If the model has a decoder that reads an encoder, but does not say with which token the decoder starts.
    """

    def __init__(self, network: PreTrainedModel, tokenizer: SubwordTokenizer, *, pad_id: int, with_types: bool) -> None:
        config = network.config
        self._tokenizer = tokenizer
        self._pad_id = pad_id
        self._with_types = with_types
        self._left = config.model_type in LEFT_PADDED
        self._n_embeddings = network.get_input_embeddings().num_embeddings
        self._device = next(network.parameters()).device
        self._decoder_start: int | None = None
        if getattr(config, "is_encoder_decoder", False):
            self._decoder_start = config.decoder_start_token_id
            if self._decoder_start is None:
                raise ModelError("the model's config.json has no decoder_start_token_id; add it to read the decoder")

    def __call__(self, passages: Sequence[Passage]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Make the inputs of one batch.

        Parameters
        ----------
        passages : sequence of Passage

        Returns
        -------
        inputs : dict of str to Tensor of shape (n_passages, n_positions)
            Keyword arguments of the model's ``forward``.
        places : dict of str to Tensor of shape (n_needed,), int64
            For each side (see `neurosieve.models.huggingface.readers.side_of`) where the needed sub-words of all passages lie in
            the flattened batch.

        Raises
        ------
        ModelError
            If a sub-word is outside the model's vocabulary.
        """
        import torch

        prefix, suffix = self._tokenizer.prefix, self._tokenizer.suffix
        ids, mask, starts = self._pad([[*prefix, *passage.ids, *suffix] for passage in passages])
        if ids.max() >= self._n_embeddings:
            raise ModelError(
                f"the tokenizer gives sub-word number {ids.max()}, but the model has only {self._n_embeddings} "
                "embeddings; tokenizer and weights do not belong together"
            )
        arrays = {"input_ids": ids, "attention_mask": mask}
        if self._with_types:
            before, text, after = self._tokenizer.type_ids
            types = [[*before, *[text] * len(passage.ids), *after] for passage in passages]
            arrays["token_type_ids"] = self._pad(types, value=0)[0]
        side = "" if self._decoder_start is None else "enc"
        places = {side: _places(passages, starts + len(prefix), ids.shape[1])}
        if self._decoder_start is not None:
            # Shifted right: the start token stands first and the special tokens at the end go, so every sub-word is read.
            ids, mask, starts = self._pad([[self._decoder_start, *prefix, *passage.ids] for passage in passages])
            arrays |= {"decoder_input_ids": ids, "decoder_attention_mask": mask}
            places["dec"] = _places(passages, starts + 1 + len(prefix), ids.shape[1], only_text=True)
        return (
            {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()},
            {name: torch.from_numpy(array).to(self._device) for name, array in places.items()},
        )

    def whole(self, rows: Sequence[NDArray[np.int64]]) -> tuple[dict[str, Tensor], NDArray[np.int64]]:
        """Inputs of texts that have their special tokens already, and where each starts in its row.

        Parameters
        ----------
        rows : sequence of ndarray of int64
            Sub-words of each text.
        """
        import torch

        ids, mask, starts = self._pad([row.tolist() for row in rows])
        arrays = {"input_ids": ids, "attention_mask": mask}
        if self._with_types:
            before, text, after = self._tokenizer.type_ids
            types = [[*before, *[text] * (len(row) - len(before) - len(after)), *after] for row in rows]
            arrays["token_type_ids"] = self._pad(types, value=0)[0]
        return {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()}, starts

    def word_maps(self, passages: Sequence[Passage]) -> dict[str, tuple[Tensor, Tensor]]:
        """Words of all positions of one batch.

        Parameters
        ----------
        passages : sequence of Passage

        Returns
        -------
        dict of str to (Tensor of shape (n_passages, n_positions), Tensor of shape (n_passages,)), int64
            For each side the word of each position, -1 for none, and the number of words of each passage's sentence.
        """
        import torch

        before = [-1] * len(self._tokenizer.prefix)
        rows = [[*before, *p.words.tolist(), *[-1] * len(self._tokenizer.suffix)] for p in passages]
        maps = {"" if self._decoder_start is None else "enc": self._pad(rows, value=-1)[0]}
        if self._decoder_start is not None:
            maps["dec"] = self._pad([[-1, *before, *p.words.tolist()] for p in passages], value=-1)[0]
        n_words = torch.tensor([p.n_words for p in passages], device=self._device)
        return {side: (torch.from_numpy(words).to(self._device), n_words) for side, words in maps.items()}

    def positions_of(self, sentence: SubwordSentence, *, decoded: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What stands at the positions of a sentence that is read alone: sub-words and their words, -1 for special tokens.

        Parameters
        ----------
        sentence : SubwordSentence
        decoded : bool
            True for the decoder's input, which is shifted by one, instead of the encoder's.
        """
        before, after = list(self._tokenizer.prefix), list(self._tokenizer.suffix)
        if decoded and self._decoder_start is not None:
            before, after = [self._decoder_start, *before], []
        ids = np.array([*before, *sentence.ids, *after], dtype=np.int64)
        return ids, np.array([*[-1] * len(before), *sentence.words, *[-1] * len(after)], dtype=np.int64)

    def _pad(
        self, rows: Sequence[Sequence[int]], value: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the padded rows, their mask, and where each row starts."""
        width = max(len(row) for row in rows)
        padded = np.full((len(rows), width), self._pad_id if value is None else value, dtype=np.int64)
        mask = np.zeros_like(padded)
        starts = np.array([width - len(row) if self._left else 0 for row in rows], dtype=np.int64)
        for i, (row, start) in enumerate(zip(rows, starts, strict=True)):
            padded[i, start : start + len(row)] = row
            mask[i, start : start + len(row)] = 1
        return padded, mask, starts


def _places(
    passages: Sequence[Passage], starts: NDArray[np.int64], width: int, *, only_text: bool = False
) -> NDArray[np.int64]:
    """Flat indices of the needed sub-words, given where each passage's first sub-word stands in its row.

    A decoder that reads an encoder has no special token behind the text, and those before it have not read it: with
    `only_text` the last sub-word takes the place of special tokens.
    """

    def positions(passage: Passage) -> NDArray[np.int64]:
        p, n = passage.positions, len(passage.ids)
        return np.where((p < 0) | (p >= n), n - 1, p) if only_text else p

    return np.concatenate([i * width + starts[i] + positions(passage) for i, passage in enumerate(passages)])
