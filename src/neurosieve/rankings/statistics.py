"""The one pass over labelled activations that rankings without training share: sums, squares and histograms by label.

Neurons are seen as ``z = (x - center) / scale``, center and scale being the median and a robust deviation of a sample of the
words. Of a neuron that has the same value at most words, such as a unit that is silent unless something calls it, the scale is the
typical distance of its other values, found over all words where the sample has few of them. The bins of the histogram then fit
every neuron: they are quarters of the octaves of ``|z|`` between 1/8 and 32, on either side of the center, with all that lies
nearer or further in the first or last. A bin is read off the bits of the float.

Memory is labels x neurons (times the bins) and blocks of words, never words x neurons; where histograms of all neurons are too
large for the memory limit, there are several passes, each for a range of the neurons.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.half import OUT_OF_RANGE, widened
from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels, is_labelled
from neurosieve.activations.source import ActivationSource, as_source
from neurosieve.bars import Progress
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import available_bytes
from neurosieve.rankings.block import N_BINS, WIDER, Block, Room, bin_numbers
from neurosieve.rankings.by_label import LabelStatistics
from neurosieve.rankings.scaling import SAMPLE_WORDS, center_and_scale

__all__ = ["N_BINS", "SAMPLE_WORDS", "WORKERS", "LabelStatistics", "bin_numbers", "label_statistics"]

_BLOCK_WORDS, _BLOCK_BYTES = 1 << 14, 1 << 28
_FEWEST = 16  # neurons of a pass, however little memory there is
_COLUMNS = 256  # that one worker takes at a time: a label's counts stay in its nearest cache, and 16 bits number them
_SIDE_BY_SIDE = 16  # words that are reduced together
_ROUNDING = 1e-9  # of means in float64, at most
WORKERS = min(4, os.cpu_count() or 1)


def label_statistics(
    split: LabelledSplit,
    *,
    name: str,
    bins: bool = False,
    squares: bool = True,
    ends: bool = True,
    progress: Progress | None = None,
) -> Iterator[LabelStatistics]:
    """Yield the statistics of all neurons, range by range; nearly always there is one range, from one pass.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,).
    name : str
        The ranking that asks, for errors.
    bins, squares, ends : bool
        Whether to take histograms, sums of squares, and the smallest and largest values.
    progress : callable, optional
        Called as ``progress(words_done, words_in_all)``; each range reads all words.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, or an activation is not finite.
    """
    known = split.y[is_labelled(split.y)]
    if len(known) and isinstance(known[0], (float, np.floating)):
        raise NeurosieveError(f"the labels are real values, and '{name}' compares labels; rank by 'correlation'")
    encoded = encode_labels(split.y)
    if len(encoded.classes) < 2:
        raise NeurosieveError(f"'{name}' found only the label {str(encoded.classes[0])!r}; pass words of two or more")
    source = as_source(split.activations)
    n_labels, n_neurons = len(encoded.classes), source.n_neurons
    each = n_labels * (16 + (4 * N_BINS if bins else 0))
    most = max(_FEWEST, available_bytes() // 4 // each)
    ranges = [(start, min(start + most, n_neurons)) for start in range(0, n_neurons, most)]
    for number, columns in enumerate(ranges):

        def advance(words: int, before: int = number * source.n_words) -> None:
            if progress is not None:
                progress(before + words, len(ranges) * source.n_words)

        one = _Pass(source, encoded.codes, encoded.classes, slice(*columns))
        yield one.statistics(bins=bins, squares=squares, ends=ends, advance=advance)


class _Pass:
    """One pass for the neurons in `columns`."""

    def __init__(
        self, source: ActivationSource, codes: NDArray[np.int64], classes: NDArray[np.generic], columns: slice
    ) -> None:
        self.source, self.codes, self.classes, self.columns = source, codes, classes, columns
        self.known = np.flatnonzero(codes >= 0)
        self.n_labels, self.n_neurons = len(classes), columns.stop - columns.start
        self.center, self.scale = np.zeros(self.n_neurons), np.ones(self.n_neurons)
        self.sums = np.zeros((self.n_labels, self.n_neurons))
        self.low = np.full(self.n_neurons, np.inf)
        self.high = np.full(self.n_neurons, -np.inf)
        self.squared: NDArray[np.float64] | None = None
        self.histogram: NDArray[np.int32] | None = None  # by label and neuron: what a worker adds to lies together

    def statistics(self, *, bins: bool, squares: bool, ends: bool, advance: Callable[[int], None]) -> LabelStatistics:
        counts = np.bincount(self.codes[self.known], minlength=self.n_labels).astype(np.float64)
        self.centred = bins or squares
        # A float16 that is not finite shows by the ends alone.
        self.ends = self.centred or ends or self.source.dtype == np.float16
        if self.centred:
            self.center, self.scale = center_and_scale(self.source, self.known, self.columns)
        if bins:
            self.histogram = np.zeros((self.n_labels, self.n_neurons, N_BINS), dtype=np.int32)
        if squares:
            self.squared = np.zeros((self.n_labels, self.n_neurons))
        most = _COLUMNS if bins else WIDER * _COLUMNS
        chunks = [slice(a, min(a + most, self.n_neurons)) for a in range(0, self.n_neurons, most)]
        with ThreadPoolExecutor(WORKERS) as workers:
            for done, block in self._blocks():
                list(workers.map(lambda chunk, b=block: self._add(b, chunk), chunks))
                advance(done)
        self._require_finite()
        z = np.stack([self.low, self.high]) - self.center
        extremes = (z.astype(np.float32) * _steepness(self.scale)).astype(np.float64)
        return LabelStatistics(
            self.classes,
            counts,
            self.center,
            self.scale,
            self.sums / self.scale,
            self.low == self.high if self.ends else self._constant(counts),
            extremes if self.ends else None,
            None if self.squared is None else self.squared / self.scale**2,
            None if self.histogram is None else self.histogram.transpose(1, 0, 2),
        )

    def _blocks(self) -> Iterator[tuple[int, Block]]:
        """Each block and how many words have been read with it; the next is read meanwhile."""
        n_words, by_label = self.source.n_words, self.histogram is not None
        # In the order of labels: the more words a block has, the fewer counts there are to clear and add for each.
        wanted = n_words if by_label else _BLOCK_WORDS
        room = min(_BLOCK_BYTES, available_bytes() // 8) // (self.source.n_neurons * self.source.dtype.itemsize)
        n_blocks = -(-n_words // max(256, min(wanted, room)))
        bounds = np.linspace(0, n_words, n_blocks + 1).astype(int).tolist()

        def of(number: int) -> Block:
            start, stop = bounds[number : number + 2]
            codes = self.codes[start:stop]

            def read(first: int, last: int) -> NDArray[np.floating]:
                return self.source.read(start + first, start + last)[:, self.columns]

            if not by_label:
                return Block.as_read(read(0, stop - start), codes)
            out = np.empty((int((codes >= 0).sum()), self.n_neurons), dtype=self.source.dtype)
            return Block.by_label(read, codes, out)

        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(of, 0)
            for number in range(n_blocks):
                here = coming.result()
                if number + 1 < n_blocks:
                    coming = reader.submit(of, number + 1)
                yield bounds[number + 1], here

    def _add(self, block: Block, chunk: slice) -> None:
        """Add the words of a block for some of the neurons; workers share nothing that they write."""
        rows = block.rows[:, chunk]
        largest = max((tile.rows.stop - tile.rows.start for tile in block.tiles), default=0)
        room = Room(largest, rows.shape[1], np.float64 if rows.dtype == np.float64 else np.float32)
        center = self.center[chunk].astype(room.values.dtype)
        steepness = _steepness(self.scale[chunk])
        for tile in block.tiles:
            here = rows[tile.rows]
            n = len(here)
            # Sums are of float64: labels that are told apart wholly leave squares that cancel.
            d = room.wide(n)
            with np.errstate(invalid="ignore", over="ignore"):  # told in the end, by the neuron's number
                x = widened(here, room.values[:n]) if self.centred or here.dtype == np.float16 else here
                if self.ends:
                    np.minimum(self.low[chunk], _over_words(np.minimum, x), out=self.low[chunk])
                    np.maximum(self.high[chunk], _over_words(np.maximum, x), out=self.high[chunk])
                if self.centred:
                    x -= center
                np.copyto(d, x)
                self.sums[tile.labels, chunk] += tile.sums(d)
                if self.squared is not None:
                    self.squared[tile.labels, chunk] += tile.squares(d)
                if self.histogram is not None:
                    z = room.narrow(x)
                    z *= steepness
                    for label, counts in zip(tile.labels, room.counts(tile, z), strict=True):
                        self.histogram[label, chunk] += counts

    def _constant(self, counts: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which neurons never change, of those whose means are so near to each other that they may not."""
        means = self.sums / counts[:, None]
        tolerance = _ROUNDING * np.abs(means).max(axis=0)
        found = np.asarray(means.max(axis=0) - means.min(axis=0) <= tolerance)
        maybe = np.flatnonzero(found)
        if len(maybe):
            first = self.source.read(int(self.known[0]), int(self.known[0]) + 1, maybe + self.columns.start)
            for start in range(0, self.source.n_words, _BLOCK_WORDS):
                stop = min(start + _BLOCK_WORDS, self.source.n_words)
                rows = self.source.read(start, stop, maybe + self.columns.start)[self.codes[start:stop] >= 0]
                found[maybe] &= (rows == first).all(axis=0)
        return found

    def _require_finite(self) -> None:
        finite = np.isfinite(self.sums).all(axis=0)
        if self.squared is not None:
            finite &= np.isfinite(self.squared).all(axis=0)
        if self.source.dtype == np.float16:
            finite &= np.maximum(np.abs(self.low), np.abs(self.high)) < OUT_OF_RANGE
        broken = np.flatnonzero(~finite)
        if len(broken):
            raise NeurosieveError(
                f"neuron {self.columns.start + broken[0]} has activations that are not finite ({len(broken)} neurons do); "
                "extract them again"
            )


def _steepness(scale: NDArray[np.float64]) -> NDArray[np.float32]:
    """Its inverse, as large as float32 can say of neurons that hardly vary."""
    with np.errstate(over="ignore"):
        return np.minimum(1 / scale, np.finfo(np.float32).max).astype(np.float32)


def _over_words(ufunc: np.ufunc, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Reduce `x` (n_words, n_some_neurons) to (n_some_neurons,), many words side by side: long rows are reduced faster."""
    n, width = x.shape
    if n % _SIDE_BY_SIDE == 0 and x.flags.c_contiguous:
        x = ufunc.reduce(x.reshape(-1, _SIDE_BY_SIDE * width), axis=0).reshape(_SIDE_BY_SIDE, width)
    found: NDArray[np.floating] = ufunc.reduce(x, axis=0)
    return found
