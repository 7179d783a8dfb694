"""Words as characters, and the convolutional network that makes vectors of them; shared by both kinds of ELMo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurosieve.errors import ModelError
from neurosieve.models.elmo.weights import LARGEST

MAX_CHARACTERS = 50
"""Character numbers of a word; longer words are cut, as these models were trained: to the first 48 bytes."""

N_CHARACTERS = 262
"""256 bytes, the ends of a sentence, the ends of a word, padding, and 0 for nothing at all."""

_SENTENCE_BEGIN, _SENTENCE_END, _WORD_BEGIN, _WORD_END, _PADDING = 257, 258, 259, 260, 261

_WORDS_AT_ONCE = 256
"""Bounds the memory of the convolutions: some 2 MB a word at the original size."""


SENTENCE_ENDS = {"<S>": _SENTENCE_BEGIN, "</S>": _SENTENCE_END}
"""How these models write the ends of a sentence; each is one sign, not its letters."""


def character_numbers(word: str) -> list[int]:
    """Numbers of a word's bytes plus one, between the signs for its ends, padded to `MAX_CHARACTERS`."""
    if word in SENTENCE_ENDS:
        return _framed([SENTENCE_ENDS[word]])
    return _framed([byte + 1 for byte in word.encode("utf-8", "ignore")[: MAX_CHARACTERS - 2]])


def _framed(numbers: list[int]) -> list[int]:
    framed = [_WORD_BEGIN, *numbers, _WORD_END]
    return framed + [_PADDING] * (MAX_CHARACTERS - len(framed))


@dataclass(frozen=True)
class CharacterOptions:
    """Sizes of a character network.

    Attributes
    ----------
    embedding : int
        Width of a character's vector.
    filters : tuple of (int, int)
        Characters that a convolution spans, and how many filters it has.
    n_highway : int
        Number of highway layers.
    projection : int
        Width of a word's vector.
    activation : str
        ``"relu"`` or ``"tanh"``.
    project_first : bool
        True if the projection stands before the highway layers.
    normed : bool
        True if the word's vector passes through a `Norm` at last.
    """

    embedding: int
    filters: tuple[tuple[int, int], ...]
    n_highway: int
    projection: int
    activation: str = "relu"
    project_first: bool = False
    normed: bool = False

    @property
    def n_filters(self) -> int:
        """Number of all filters together."""
        return sum(n for _, n in self.filters)

    @property
    def highway_width(self) -> int:
        """Width of the highway layers."""
        return self.projection if self.project_first else self.n_filters


def parse_filters(value: object, *, where: str) -> tuple[tuple[int, int], ...]:
    """Check the option that lists the convolutions: pairs of characters spanned and number of filters.

    Raises
    ------
    ModelError
        If it is anything else.
    """
    pairs = value if isinstance(value, list) else []
    if not pairs or not all(isinstance(p, list) and len(p) == 2 and all(type(n) is int for n in p) for p in pairs):
        raise ModelError(f"{where}: option 'filters' is {value!r}, where pairs of integers are expected")
    if any(not 1 <= span <= MAX_CHARACTERS or not 1 <= n <= LARGEST for span, n in pairs):
        raise ModelError(
            f"{where}: option 'filters' is {value!r}; expected spans from 1 to {MAX_CHARACTERS} characters, and 1 to "
            f"{LARGEST:,} filters of each"
        )
    return tuple((span, n) for span, n in pairs)


def parse_activation(value: object, *, where: str) -> str:
    """Check the option that names the activation function.

    Raises
    ------
    ModelError
        If it is neither ``"relu"`` nor ``"tanh"``.
    """
    if value not in ("relu", "tanh"):
        raise ModelError(f"{where}: option 'activation' is {value!r}; expected 'relu' or 'tanh'")
    return str(value)


class Norm(nn.Module):
    """Layer norm by the standard deviation (with n, as the last release of the original code has it), to which, not to
    the variance, the small constant is added.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        deviation, mean = torch.std_mean(x, dim=-1, correction=0, keepdim=True)
        return self.gain * (x - mean) / (deviation + 1e-6) + self.shift


class Highway(nn.Module):
    """``carry * relu(transform(x)) + (1 - carry) * x``, the carry being the logistic function of a linear map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.transform = nn.Linear(width, width)
        self.carry = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, width) to (n, width)."""
        carry = torch.sigmoid(self.carry(x))
        return carry * torch.relu(self.transform(x)) + (1 - carry) * x


class CharacterNetwork(nn.Module):
    """Character numbers of words to one vector a word.

    Parameters
    ----------
    options : CharacterOptions
    """

    def __init__(self, options: CharacterOptions) -> None:
        super().__init__()
        self.options = options
        self.embedding = nn.Embedding(N_CHARACTERS, options.embedding)
        self.convolutions = nn.ModuleList(nn.Conv1d(options.embedding, n, span) for span, n in options.filters)
        self.highways = nn.ModuleList(Highway(options.highway_width) for _ in range(options.n_highway))
        self.projection = nn.Linear(options.n_filters, options.projection)
        self.norm = Norm(options.projection) if options.normed else nn.Identity()

    def forward(self, words: Tensor) -> Tensor:
        """Map character numbers (n_words, MAX_CHARACTERS) to vectors (n_words, projection)."""
        activate = torch.relu if self.options.activation == "relu" else torch.tanh
        characters = self.embedding(words).transpose(1, 2)
        with torch.backends.cudnn.flags(allow_tf32=False):  # which would round to ten bits on some devices
            x = torch.cat([activate(conv(characters).amax(-1)) for conv in self.convolutions], dim=-1)
        if self.options.project_first:
            x = self.projection(x)
        for highway in self.highways:
            x = highway(x)
        x = x if self.options.project_first else self.projection(x)
        normed: Tensor = self.norm(x)
        return normed

    def vectors(self, words: Sequence[Sequence[int]]) -> Tensor:
        """Vectors (n_words, projection) of any number of words, a part at a time."""
        numbers = torch.tensor(words, device=self.embedding.weight.device)
        starts = range(0, len(words), _WORDS_AT_ONCE)
        return torch.cat([self(numbers[start : start + _WORDS_AT_ONCE]) for start in starts])
