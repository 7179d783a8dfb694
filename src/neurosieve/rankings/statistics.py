"""The one pass over labelled activations that rankings without training share: sums, squares and histograms by label.

Neurons are seen as ``z = (x - center) / scale``, center and scale being the median and a robust deviation of a sample of the
words. Of a neuron that has the same value at most words, such as a unit that is silent unless something calls it, the scale is the
typical distance of its other values, found over all words where the sample has few of them. The bins of the histogram then fit
every neuron: they are quarters of the octaves of ``|z|`` between 1/8 and 32, on either side of the center, with all that lies
nearer or further in the first or last. A bin is read off the bits of the float.

Memory is labels x neurons (times the bins), never words x neurons; where histograms of all neurons are too large for the
memory limit, there are several passes, each for a range of the neurons.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.half import as_float32
from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels, is_labelled
from neurosieve.activations.source import ActivationSource, RowSource, as_source
from neurosieve.bars import Progress
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import available_bytes
from neurosieve.rankings.block import N_BINS, Block, bin_numbers
from neurosieve.rankings.distances import Distances

__all__ = ["N_BINS", "SAMPLE_WORDS", "WORKERS", "LabelStatistics", "bin_numbers", "label_statistics"]

SAMPLE_WORDS = 1024
"""Words that give center and scale."""
_RUNS = 16  # of neighbouring words, so that a store need not be read whole for the sample
_BLOCK_WORDS, _BLOCK_BYTES = 4096, 1 << 28
_COLUMNS = 64  # of a block that one worker takes at a time, and
_VALUES = 1 << 18  # how many values: what it works on stays in its cache
_ENOUGH = 32  # values of a sample that say how far from its usual value a neuron goes
WORKERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class LabelStatistics:
    """What one pass says of a range of neurons; words without label have no part in it.

    Attributes
    ----------
    labels : ndarray of shape (n_labels,)
    counts : ndarray of shape (n_labels,), float64
        Words of each label.
    center, scale : ndarray of shape (n_neurons,), float64
    sums : ndarray of shape (n_labels, n_neurons), float64
        Sums of ``z`` over the words of each label.
    low, high : ndarray of shape (n_neurons,), float64
        Smallest and largest ``z``.
    squared : ndarray of shape (n_labels, n_neurons), float64, or None
        Sums of the square of ``z``, if they were asked for.
    histogram : ndarray of shape (n_neurons, n_labels, N_BINS), int32, or None
        Words of each label in each bin, from the lowest ``z`` to the highest, if they were asked for.
    """

    labels: NDArray[np.generic]
    counts: NDArray[np.float64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    sums: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    squared: NDArray[np.float64] | None = None
    histogram: NDArray[np.int32] | None = None

    @property
    def squares(self) -> NDArray[np.float64]:
        """Sums of the square of ``z``, shape (n_labels, n_neurons).

        Raises
        ------
        NeurosieveError
            If the pass took none.
        """
        if self.squared is None:
            raise NeurosieveError("the pass took no squares; declare the measure with squares=True")
        return self.squared

    def part(self, columns: slice) -> LabelStatistics:
        """The statistics of some of the neurons."""
        return replace(
            self,
            center=self.center[columns],
            scale=self.scale[columns],
            sums=self.sums[:, columns],
            low=self.low[columns],
            high=self.high[columns],
            squared=None if self.squared is None else self.squared[:, columns],
            histogram=None if self.histogram is None else self.histogram[columns],
        )

    @property
    def n_words(self) -> float:
        """Labelled words."""
        return float(self.counts.sum())

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Neurons that never change, shape (n_neurons,)."""
        return np.asarray(self.low == self.high)

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean ``z`` of each label, shape (n_labels, n_neurons)."""
        return self.sums / self.counts[:, None]

    @property
    def rest(self) -> NDArray[np.float64]:
        """Mean ``z`` of the words of all other labels, shape (n_labels, n_neurons)."""
        n = (self.n_words - self.counts)[:, None]
        return np.asarray((self.sums.sum(axis=0) - self.sums) / n)

    @property
    def total_squares(self) -> NDArray[np.float64]:
        """Sum over words of the squared distance from the mean of all, shape (n_neurons,)."""
        return _spread(self.squares.sum(axis=0), self.sums.sum(axis=0), self.n_words)

    @property
    def own_squares(self) -> NDArray[np.float64]:
        """The same within each label, shape (n_labels, n_neurons)."""
        return _spread(self.squares, self.sums, self.counts[:, None])

    @property
    def rest_squares(self) -> NDArray[np.float64]:
        """The same within the words of all other labels, shape (n_labels, n_neurons)."""
        n = (self.n_words - self.counts)[:, None]
        return _spread(self.squares.sum(axis=0) - self.squares, self.sums.sum(axis=0) - self.sums, n)

    def binned(self) -> NDArray[np.int32]:
        """The histogram.

        Raises
        ------
        NeurosieveError
            If the pass took none.
        """
        if self.histogram is None:
            raise NeurosieveError("the pass took no histograms; declare the measure with bins=True")
        return self.histogram


def _spread(
    squares: NDArray[np.float64], sums: NDArray[np.float64], n: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.maximum(squares - sums**2 / n, 0.0)


def label_statistics(
    split: LabelledSplit, *, name: str, bins: bool = False, squares: bool = True, progress: Progress | None = None
) -> Iterator[LabelStatistics]:
    """Yield the statistics of all neurons, range by range; nearly always there is one range, from one pass.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,).
    name : str
        The ranking that asks, for errors.
    bins, squares : bool
        Whether to take histograms, and sums of squares.
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
    most = max(_COLUMNS, available_bytes() // 4 // each)
    ranges = [(start, min(start + most, n_neurons)) for start in range(0, n_neurons, most)]
    for number, columns in enumerate(ranges):

        def advance(words: int, before: int = number * source.n_words) -> None:
            if progress is not None:
                progress(before + words, len(ranges) * source.n_words)

        one = _Pass(source, encoded.codes, encoded.classes, columns)
        yield one.statistics(bins=bins, squares=squares, advance=advance)


class _Pass:
    """One pass for the neurons from `columns[0]` to `columns[1]`."""

    def __init__(
        self,
        source: ActivationSource,
        codes: NDArray[np.int64],
        classes: NDArray[np.generic],
        columns: tuple[int, int],
    ) -> None:
        self.source, self.codes, self.classes, self.columns = source, codes, classes, columns
        self.n_labels, self.n_neurons = len(classes), columns[1] - columns[0]
        self.center, self.scale = self._center_and_scale()
        self.sums = np.zeros((self.n_labels, self.n_neurons))
        self.squared: NDArray[np.float64] | None = None
        self.low = np.full(self.n_neurons, np.inf)
        self.high = np.full(self.n_neurons, -np.inf)
        self.histogram: NDArray[np.int32] | None = None

    def _center_and_scale(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = np.flatnonzero(self.codes >= 0)
        if len(known) > SAMPLE_WORDS:
            firsts = np.linspace(0, len(known) - SAMPLE_WORDS // _RUNS, _RUNS).astype(np.intp)
            places = np.unique(firsts[:, None] + np.arange(SAMPLE_WORDS // _RUNS))
            known = known[places]
        rows = RowSource(self.source, known).read(0, len(known))[:, slice(*self.columns)]
        sample = np.sort(rows.astype(np.result_type(self.source.dtype, np.float32)).T, axis=1)
        n = sample.shape[1]
        center = sample[:, n // 2].astype(np.float64)  # a value that occurs: a neuron that never changes is at zero
        with np.errstate(invalid="ignore", over="ignore"):
            scale = (sample[:, int(0.84 * (n - 1))] - sample[:, int(0.16 * (n - 1))]).astype(np.float64) / 2
            still = np.flatnonzero(scale <= 0)
            if len(still):
                scale[still] = self._typical_distance(still, center[still], sample[still])
        return center, np.where((scale > 0) & np.isfinite(scale), scale, 1.0)

    def _typical_distance(
        self, neurons: NDArray[np.intp], center: NDArray[np.float64], sample: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Geometric mean of the distances from the center that are not zero, of all words where the sample has few."""
        found = Distances(len(neurons))
        found.add(sample.T.astype(np.float64) - center, slice(None))
        few = np.flatnonzero(found.counts < _ENOUGH)
        if len(few) and sample.shape[1] < (self.codes >= 0).sum():
            found.clear(few)
            wanted, block = neurons[few] + self.columns[0], max(1, _VALUES // len(few))
            for start in range(0, self.source.n_words, block):
                stop = min(start + block, self.source.n_words)
                rows = self.source.read(start, stop, wanted)[self.codes[start:stop] >= 0]
                found.add(rows.astype(np.float64) - center[few], few)
        return found.typical()

    def statistics(self, *, bins: bool, squares: bool, advance: Callable[[int], None]) -> LabelStatistics:
        if bins:
            self.histogram = np.zeros((self.n_neurons, self.n_labels, N_BINS), dtype=np.int32)
        if squares:
            self.squared = np.zeros((self.n_labels, self.n_neurons))
        # A block has no fewer words than there are bins of all labels, or clearing these would cost more than counting.
        wanted = max(_BLOCK_WORDS, N_BINS * self.n_labels) if bins else _BLOCK_WORDS
        block = max(256, min(wanted, _BLOCK_BYTES // (self.source.n_neurons * self.source.dtype.itemsize)))
        width = min(_COLUMNS, max(4, _VALUES // block))
        chunks = [slice(a, min(a + width, self.n_neurons)) for a in range(0, self.n_neurons, width)]
        starts = range(0, self.source.n_words, block)
        with ThreadPoolExecutor(WORKERS) as workers:
            coming: Future[Block] = workers.submit(self._read, starts[0], block, width)
            for number in range(len(starts)):
                here = coming.result()
                if number + 1 < len(starts):
                    coming = workers.submit(self._read, starts[number + 1], block, width)
                if len(here.order):
                    list(workers.map(lambda chunk, b=here: self._add(b, chunk), chunks))
                advance(min(starts[number] + block, self.source.n_words))
        self.sums /= self.scale
        if self.squared is not None:
            self.squared /= self.scale**2
        finite = np.isfinite(self.sums) if self.squared is None else np.isfinite(self.squared)
        broken = np.flatnonzero(~finite.all(axis=0))
        if len(broken):
            raise NeurosieveError(
                f"neuron {self.columns[0] + broken[0]} has activations that are not finite ({len(broken)} neurons do); "
                "extract them again"
            )
        counts = np.bincount(self.codes[self.codes >= 0], minlength=self.n_labels).astype(np.float64)
        return LabelStatistics(
            self.classes,
            counts,
            self.center,
            self.scale,
            self.sums,
            self.low,
            self.high,
            self.squared,
            self.histogram,
        )

    def _read(self, start: int, block: int, n_columns: int) -> Block:
        stop = min(start + block, self.source.n_words)
        rows = self.source.read(start, stop)[:, slice(*self.columns)]
        return Block.of(rows, self.codes[start:stop], n_labels=self.n_labels, n_columns=n_columns)

    def _add(self, block: Block, chunk: slice) -> None:
        """Add the words of a block for some of the neurons; workers share nothing that they write."""
        rows = block.rows[block.order, chunk]  # np.take would copy the columns first
        with np.errstate(invalid="ignore", over="ignore"):
            # Sums are of float64: labels that are told apart wholly leave squares that cancel.
            narrow = as_float32(rows) if rows.dtype == np.float16 else rows
            wide = narrow.astype(np.float64)
            wide -= self.center[chunk]
            if self.histogram is None:  # the ends need no z of all: none is passed by another on the way to it
                ends = np.stack([narrow.min(axis=0), narrow.max(axis=0)]).astype(np.float64) - self.center[chunk]
            else:
                ends = wide
            z = ends.astype(np.float32)
            z *= (1 / self.scale[chunk]).astype(np.float32)
            self.low[chunk] = np.minimum(self.low[chunk], z.min(axis=0))
            self.high[chunk] = np.maximum(self.high[chunk], z.max(axis=0))
            self.sums[block.labels, chunk] += block.members @ wide
            if self.squared is not None:
                np.multiply(wide, wide, out=wide)
                self.squared[block.labels, chunk] += block.members @ wide
        if self.histogram is not None:
            self.histogram[chunk, block.labels] += block.counts(z)
