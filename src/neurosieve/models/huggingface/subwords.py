"""Words to sub-words with a Hugging Face fast tokenizer, aligned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.alignment import BLANK_MARKERS, NO_WORD, align, join_words
from neurosieve.models.passages import SubwordSentence

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

N_OWN = 100
"""How many entries of its own vocabulary a tokenizer that knows no usual word is asked about."""
_PROBES = ("a", "the", ".", "1", "中")


class SubwordTokenizer:
    """A fast tokenizer that neither truncates nor pads, and that takes special tokens inside a text as plain text.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerFast
        Left as it is: we work on a copy of its rules.

    Attributes
    ----------
    prefix, suffix : list of int
        Special tokens that the tokenizer puts around a text.
    type_ids : tuple of (list of int, int, list of int)
        Segment numbers of the prefix, of every sub-word of the text, and of the suffix.

    Raises
    ------
    ModelError
        If the tokenizer has no character offsets (a "slow" one), or puts special tokens inside a text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise ModelError(
                f"{type(tokenizer).__name__} gives no character offsets, which word alignment needs; "
                "use a model with a fast tokenizer (a tokenizer.json file)"
            )
        self._rules = _own_rules(tokenizer)
        self._rules.no_truncation()
        self._rules.no_padding()
        self._rules.encode_special_tokens = True
        unknown = tokenizer.unk_token_id
        self._unknown = -1 if unknown is None else int(unknown)
        self.prefix, self.suffix, self.type_ids = self._special_tokens()
        self._vanishes = lru_cache(maxsize=None)(self._gives_no_subword)

    @property
    def n_special(self) -> int:
        """Number of special tokens around a text."""
        return len(self.prefix) + len(self.suffix)

    def __call__(self, sentences: Sequence[Sequence[str]], *, first: int = 0) -> list[SubwordSentence]:
        """Tokenise and align sentences.

        Parameters
        ----------
        sentences : sequence of sequence of str
            Words of each sentence.
        first : int
            Number of the first sentence, for error messages.

        Raises
        ------
        ModelError
            If a sentence can be aligned neither by offsets (see `neurosieve.models.huggingface.alignment.align`) nor word by word.
        """
        texts = [join_words(words) for words in sentences]
        encodings = self._rules.encode_batch(texts, add_special_tokens=False)
        result = []
        for number, (words, encoding) in enumerate(zip(sentences, encodings, strict=True), start=first):
            where = f"sentence {number} ({_excerpt(words)})"
            try:
                aligned = align(words, encoding.tokens, encoding.offsets, vanishes=self._vanishes, where=where)
            except ModelError:
                found = self._align_word_by_word(words, encoding.ids)
                if found is None:
                    raise
                aligned = found
            ids = np.array(encoding.ids, dtype=np.int64)
            result.append(SubwordSentence(ids, aligned, len(words), int(np.count_nonzero(ids == self._unknown))))
        return result

    def _special_tokens(self) -> tuple[list[int], list[int], tuple[list[int], int, list[int]]]:
        for probe in (*_PROBES, *self._own_words()):
            encoding = self._rules.encode(probe)
            special = encoding.special_tokens_mask
            text = [i for i, flag in enumerate(special) if not flag]
            if not text:
                continue
            start, stop = text[0], text[-1] + 1
            if any(special[start:stop]):
                raise ModelError("the tokenizer puts special tokens inside a text; such a model cannot be aligned")
            ids, types = encoding.ids, encoding.type_ids
            if ids[start] == self._unknown:
                continue
            return ids[:start], ids[stop:], (types[:start], types[start], types[stop:])
        raise ModelError(
            f"the tokenizer knows neither {' '.join(_PROBES)} nor what it lists itself: its vocabulary is missing; get the "
            "tokenizer's files again"
        )

    def _own_words(self) -> list[str]:
        """Some entries of the vocabulary, for models of other things than words, such as DNA."""
        special = {token.content for token in self._rules.get_added_tokens_decoder().values()}
        known = sorted(self._rules.get_vocab().items(), key=lambda entry: entry[1])
        return [word for word, _ in known if word not in special and word.strip()][:N_OWN]

    def _align_word_by_word(self, words: Sequence[str], ids: Sequence[int]) -> NDArray[np.int64] | None:
        """Align without offsets, which some tokenizers misreport around characters that they drop.

        Each word is tokenised alone, with and without the blank before it. If the sub-words of all words in a row are
        those of the sentence, that is the alignment; otherwise there is none.
        """
        found: list[int] = []
        for number, word in enumerate(words):
            spellings = [f" {word}", word] if number else [word]
            alone = [self._rules.encode(spelling, add_special_tokens=False) for spelling in spellings]
            here = [e for e in alone if e.ids == list(ids[len(found) : len(found) + len(e.ids)])]
            if not here:
                return None
            best = max(here, key=len)
            found.extend(number if subword.strip(BLANK_MARKERS) else NO_WORD for subword in best.tokens)
        return np.array(found, dtype=np.int64) if len(found) == len(ids) else None

    def _gives_no_subword(self, character: str) -> bool:
        encoding = self._rules.encode(character, add_special_tokens=False)
        return not any(subword.strip(BLANK_MARKERS) for subword in encoding.tokens)


def _own_rules(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """A copy of a tokenizer's rules.

    Raises
    ------
    ModelError
        If a part of them is written in Python, which cannot be copied.
    """
    from tokenizers import Tokenizer

    return Tokenizer.from_str(_written(tokenizer))


def rules_digest(tokenizer: PreTrainedTokenizerFast) -> str:
    """SHA-256 (hex) of a tokenizer's rules."""
    return sha256(_written(tokenizer).encode()).hexdigest()


def _written(tokenizer: PreTrainedTokenizerFast) -> str:
    try:
        return str(tokenizer.backend_tokenizer.to_str())
    except Exception as error:  # the tokenizers' library has no kind of its own
        raise ModelError(
            f"the tokenizer {type(tokenizer).__name__} cannot be written out ({error}): a part of it is Python code, whose "
            "sub-words cannot be checked; use a model whose tokenizer is all in tokenizer.json"
        ) from error


def _excerpt(words: Sequence[str], *, n_characters: int = 40) -> str:
    text = join_words(words)
    return repr(text if len(text) <= n_characters else text[: n_characters - 3] + "...")
