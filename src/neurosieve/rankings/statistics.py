"""The one pass over labelled activations that rankings without training share: sums, squares and histograms by label.

Neurons are seen as ``z = (x - center) / scale``, center and scale being the median and a robust deviation of a sample of the
words. The bins of the histogram then fit every neuron: they are quarters of the octaves of ``|z|`` between 1/8 and 32, on
either side of the center, with all that lies nearer or further in the first or last. A bin is read off the bits of the float.

Memory is labels x neurons (times the bins), never words x neurons; where histograms of all neurons are too large for the
memory limit, there are several passes, each for a range of the neurons.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels, is_labelled
from neurosieve.activations.source import ActivationSource, RowSource, as_source
from neurosieve.errors import NeurosieveError
from neurosieve.probes.memory import available_bytes

N_BINS = 64
SAMPLE_WORDS = 1024
"""Words that give center and scale."""
_RUNS = 16  # of neighbouring words, so that a store need not be read whole for the sample
_BLOCK_WORDS, _BLOCK_BYTES = 4096, 1 << 28
_COLUMNS = 128  # of a block that one worker takes at a time: what it works on stays in its cache
_LOWEST_OCTAVE = (127 - 3) << 2  # 1/8: the float's exponent is biased by 127, and two bits of the mantissa follow it
_LAST = N_BINS // 2 - 1
_WORKERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class LabelStatistics:
    """What one pass says of a range of neurons; words without label have no part in it.

    Attributes
    ----------
    labels : ndarray of shape (n_labels,)
    counts : ndarray of shape (n_labels,), float64
        Words of each label.
    center, scale : ndarray of shape (n_neurons,), float64
    sums, squares : ndarray of shape (n_labels, n_neurons), float64
        Sums of ``z`` and of its square over the words of each label.
    low, high : ndarray of shape (n_neurons,), float64
        Smallest and largest ``z``.
    histogram : ndarray of shape (n_neurons, n_labels, N_BINS), int32, or None
        Words of each label in each bin, from the lowest ``z`` to the highest.
    """

    labels: NDArray[np.generic]
    counts: NDArray[np.float64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    histogram: NDArray[np.int32] | None = None

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


def label_statistics(split: LabelledSplit, *, name: str, bins: bool = False) -> Iterator[LabelStatistics]:
    """Yield the statistics of all neurons, range by range; nearly always there is one range, from one pass.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,).
    name : str
        The ranking that asks, for errors.
    bins : bool
        Whether to take histograms.

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
    for start in range(0, n_neurons, most):
        stop = min(start + most, n_neurons)
        yield _Pass(source, encoded.codes, encoded.classes, (start, stop)).statistics(bins=bins)


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
        self.squares = np.zeros((self.n_labels, self.n_neurons))
        self.low = np.full(self.n_neurons, np.inf)
        self.high = np.full(self.n_neurons, -np.inf)
        self.histogram: NDArray[np.int32] | None = None

    def _center_and_scale(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = np.flatnonzero(self.codes >= 0)
        if len(known) > SAMPLE_WORDS:
            firsts = np.linspace(0, len(known) - SAMPLE_WORDS // _RUNS, _RUNS).astype(np.intp)
            runs = [known[first : first + SAMPLE_WORDS // _RUNS] for first in firsts]
        else:
            runs = [known]
        parts = [RowSource(self.source, run).read(0, len(run))[:, slice(*self.columns)] for run in runs]
        sample = np.sort(np.concatenate(parts).astype(np.result_type(self.source.dtype, np.float32)).T, axis=1).astype(
            np.float64
        )
        n = sample.shape[1]
        center = sample[:, n // 2]  # a value that occurs, so that a neuron that never changes is at zero
        with np.errstate(invalid="ignore", over="ignore"):
            scale = (sample[:, int(0.84 * (n - 1))] - sample[:, int(0.16 * (n - 1))]) / 2
            scale = np.where(scale > 0, scale, sample.std(axis=1))
        return center, np.where((scale > 0) & np.isfinite(scale), scale, 1.0)

    def statistics(self, *, bins: bool) -> LabelStatistics:
        from scipy import sparse

        if bins:
            self.histogram = np.zeros((self.n_neurons, self.n_labels, N_BINS), dtype=np.int32)
        source = self.source
        block = max(256, min(_BLOCK_WORDS, _BLOCK_BYTES // (source.n_neurons * source.dtype.itemsize)))
        chunks = [slice(a, min(a + _COLUMNS, self.n_neurons)) for a in range(0, self.n_neurons, _COLUMNS)]
        with ThreadPoolExecutor(_WORKERS) as workers:
            for start in range(0, source.n_words, block):
                stop = min(start + block, source.n_words)
                codes = self.codes[start:stop]
                kept = np.flatnonzero(codes >= 0)
                if not len(kept):
                    continue
                rows = source.read(start, stop)[:, slice(*self.columns)]
                if len(kept) < len(codes):
                    rows, codes = rows[kept], codes[kept]
                each = (np.ones(len(codes)), (codes, np.arange(len(codes))))
                members = sparse.csr_array(each, shape=(self.n_labels, len(codes)))
                # Where the counts of each word and neuron of a chunk begin, the same for all chunks of the block.
                places = (codes * N_BINS)[:, None] + np.arange(_COLUMNS) * (self.n_labels * N_BINS) if bins else None
                list(
                    workers.map(lambda chunk, r=rows, m=members, p=places: self._add(r[:, chunk], m, p, chunk), chunks)
                )
        broken = np.flatnonzero(~(np.isfinite(self.sums) & np.isfinite(self.squares)).all(axis=0))
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
            self.squares,
            self.low,
            self.high,
            self.histogram,
        )

    def _add(
        self,
        rows: NDArray[np.floating],
        members: object,
        places: NDArray[np.int64] | None,
        chunk: slice,
    ) -> None:
        """Add the words of a block for some of the neurons; workers share nothing that they write."""
        with np.errstate(invalid="ignore", over="ignore"):
            wide = rows.astype(
                np.float64
            )  # of a few columns: labels that are told apart wholly leave squares that cancel
            wide -= self.center[chunk]
            wide /= self.scale[chunk]
            z = wide.astype(np.float32)
            self.sums[:, chunk] += members @ wide  # type: ignore[operator]
            np.minimum(self.low[chunk], z.min(axis=0), out=self.low[chunk])
            np.maximum(self.high[chunk], z.max(axis=0), out=self.high[chunk])
            np.multiply(wide, wide, out=wide)
            self.squares[:, chunk] += members @ wide  # type: ignore[operator]
        if self.histogram is not None and places is not None:
            place = places[:, : z.shape[1]] + bin_numbers(z)
            found = np.bincount(place.ravel(), minlength=z.shape[1] * self.n_labels * N_BINS)
            self.histogram[chunk] += found.reshape(z.shape[1], self.n_labels, N_BINS).astype(np.int32)


def bin_numbers(z: NDArray[np.float32]) -> NDArray[np.int32]:
    """The bin of each value: the sign and a quarter of the octave, which the upper bits of a float32 say."""
    bits = np.ascontiguousarray(z, dtype=np.float32).view(np.int32)
    negative = bits >> 31  # -1 below zero, else 0
    octave = bits & 0x7FFFFFFF
    octave >>= 21
    octave -= _LOWEST_OCTAVE
    np.clip(octave, 0, _LAST, out=octave)
    octave ^= negative  # below zero the bins run the other way
    octave += _LAST + 1
    return np.asarray(octave, dtype=np.int32)
