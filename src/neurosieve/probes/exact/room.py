"""Memory of one probe that is being solved: what it holds in any case, and how large its samples and matrices may be."""

from __future__ import annotations

from dataclasses import dataclass

from neurosieve.probes.exact.passes import CHUNK_WORDS

SAMPLE_WORDS = 12_288
"""Words that a model looks at to begin with, where memory allows; of few words, half: a step from far away needs no more."""

_WORDS_PER_COLUMN = 2
"""But so many words a column, as fewer are soon learned by heart."""

_MOST_BYTES = 768 << 20
"""Of the activations of so many words, and of all labels' matrices together, at most."""

FEWEST_COLUMNS = 128
"""Of a label's matrix, however few columns it uses; half as many where there is little memory."""

_PER_WORD, _PER_WEIGHT = 12, 16
"""Values kept at once for each label and word, sampled ones once more, and for each label and column."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much a probe may hold.

    Attributes
    ----------
    sample_words, most_words : int
        Words of the first model, and of one that has grown.
    block_columns : int
        Square root of the sum of squares of the sizes of all labels' matrices.
    """

    sample_words: int
    most_words: int
    block_columns: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """What decides how much a probe holds.

    Attributes
    ----------
    n_words, n_labels, n_columns : int
    itemsize, sample_itemsize : int
        Bytes of a value in what is computed and in samples of the activations.
    """

    n_words: int
    n_labels: int
    n_columns: int
    itemsize: int
    sample_itemsize: int

    @property
    def least(self) -> int:
        """Bytes that a probe holds in any case: its logits and weights."""
        return self.itemsize * self.n_labels * (_PER_WORD * self.n_words + _PER_WEIGHT * self.n_columns)

    @property
    def _per_sampled(self) -> int:
        return self.n_columns * self.sample_itemsize + _PER_WORD * self.n_labels * self.itemsize

    @property
    def _per_entry(self) -> int:
        """Bytes of an entry of a label's matrix and its factor: the former is in float64, and as large as two of float32."""
        return 3 * self.itemsize

    @property
    def _blocks(self) -> int:
        return min(_MOST_BYTES, self._per_entry * self.n_labels * self.n_columns**2)

    @property
    def _samples(self) -> int:
        """Bytes of the first sample, though one of all words takes the pieces of a copy that is there."""
        return max(min(self.n_words, SAMPLE_WORDS), self._sampled_words) * self._per_sampled

    @property
    def _sampled_words(self) -> int:
        """Words of the first model, where memory allows."""
        enough = min(_WORDS_PER_COLUMN * self.n_columns, _MOST_BYTES // (self.n_columns * self.sample_itemsize))
        return min(self.n_words, max(min(SAMPLE_WORDS, self.n_words // 2), CHUNK_WORDS, enough))

    @property
    def wanted(self) -> int:
        """Bytes that a probe takes to begin with, where they are to be had."""
        return self.least + self._blocks + self._samples

    @property
    def grown(self) -> int:
        """Bytes that it takes where samples have been doubled."""
        return self.wanted + self._samples

    def room(self, n_bytes: int) -> Room:
        """What fits in so many bytes: matrices and samples share what is left by what must be there."""
        left = max(0, n_bytes - self.least)
        blocks = min(self._blocks, left * self._blocks // (self._blocks + self._samples))
        most = max(CHUNK_WORDS, (left - blocks) // self._per_sampled)
        entries = blocks // self._per_entry
        columns = max(int(entries**0.5), int(self.n_labels**0.5 * FEWEST_COLUMNS / 2))
        return Room(sample_words=min(self._sampled_words, most), most_words=most, block_columns=columns)
