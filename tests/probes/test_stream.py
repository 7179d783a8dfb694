"""Batches visit every word exactly once an epoch, from memory or in windows, and are seeded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.activations.source import ArraySource, RowSource
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.memory import available_bytes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.probes.stream import CHUNK_WORDS, ActivationStream, one_stream, shared_stream

CPU = torch.device("cpu")
WIDTH = 3


def _matrix(n_words, dtype=np.float32):
    """Each row tells its own number, so that a row in the wrong place shows; below 2,048 float16 holds them exactly."""
    return (np.arange(n_words)[:, None] % 2048 + np.array([0.0, 0.5, 0.25])).astype(dtype)


def _stream(X, *, windowed, **options):
    return ActivationStream(ArraySource(X), device=CPU, memory_limit=1 if windowed else 1 << 30, **options)


def _visit(stream, batch_size, generator=None):
    rows, values = [], []
    for numbers, X in stream.batches(batch_size, generator):
        assert X.dtype == stream.dtype == (torch.float64 if stream.source.dtype == np.float64 else torch.float32)
        assert 0 < len(numbers) == len(X) <= batch_size
        rows.append(numbers.numpy().copy())
        values.append(X.numpy().copy())  # the buffer is used again
    return np.concatenate(rows), np.concatenate(values)


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("n_words", [1, 5, CHUNK_WORDS - 1, CHUNK_WORDS, CHUNK_WORDS + 1, 3 * CHUNK_WORDS + 7])
@pytest.mark.parametrize("batch_size", [64, 100_000])
def test_every_word_once(n_words, batch_size, windowed):
    X = _matrix(n_words)
    stream = _stream(X, windowed=windowed)
    assert (stream.resident is None) == windowed
    generator = np.random.default_rng(0)
    orders = []
    for _ in range(2):  # two epochs
        rows, values = _visit(stream, batch_size, generator)
        assert np.array_equal(np.sort(rows), np.arange(n_words))
        assert np.array_equal(values, X[rows])
        orders.append(rows)
    if n_words > 5:
        assert not np.array_equal(orders[0], orders[1])
        assert not np.array_equal(orders[0], np.arange(n_words))


@pytest.mark.parametrize("windowed", [False, True])
def test_stored_order_without_a_generator(windowed):
    X = _matrix(2 * CHUNK_WORDS + 100)
    rows, values = _visit(_stream(X, windowed=windowed), 64)
    assert np.array_equal(rows, np.arange(len(X)))
    assert np.array_equal(values, X)


@pytest.mark.parametrize("windowed", [False, True])
def test_the_order_is_seeded(windowed):
    stream = _stream(_matrix(3 * CHUNK_WORDS), windowed=windowed)
    one, same, other = (_visit(stream, 64, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_windows_mix_words_of_distant_chunks():
    X = _matrix(12 * CHUNK_WORDS)
    rows = 4 * CHUNK_WORDS  # a third of the words at once, in 32 chunks: two windows, and the chunk that is being read
    stream = ActivationStream(ArraySource(X), device=CPU, memory_limit=rows * WIDTH * 4)
    assert stream.resident is None
    assert stream.chunk_words == CHUNK_WORDS // 8
    assert stream.window_words == 15 * stream.chunk_words
    first = next(iter(stream.batches(512, np.random.default_rng(0))))[0].numpy()
    chunks = set((first // stream.chunk_words).tolist())
    assert len(chunks) == 15  # 512 words of 15 chunks: each is missed with (14 / 15) ** 512
    assert chunks != set(range(15))  # chunks come in random order too


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("batch_size", [7, 500])
def test_batches_are_full_whatever_the_windows(windowed, batch_size):
    stream = _stream(_matrix(3 * CHUNK_WORDS + 5), windowed=windowed)
    sizes = [len(rows) for rows, _ in stream.batches(batch_size, np.random.default_rng(0))]
    assert set(sizes[:-1]) == {batch_size}
    assert 0 < sizes[-1] <= batch_size


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_columns_mean_and_scale(windowed, dtype):
    X = _matrix(CHUNK_WORDS + 50, dtype)
    columns, mean, scale = np.array([2, 0]), np.array([1.0, -2.0]), np.array([2.0, 0.5])
    stream = _stream(X, windowed=windowed, columns=columns, mean=mean, scale=scale)
    rows, values = _visit(stream, 64, np.random.default_rng(0))
    assert stream.width == 2
    assert np.array_equal(values, ((X[rows][:, columns].astype(float) - mean) / scale).astype(np.float32))  # all exact


class _Recorder(ArraySource):
    """Remembers what was asked for."""

    def __init__(self, array):
        super().__init__(array)
        self.asked: list[tuple[int, int, int]] = []

    def read(self, start, stop, columns=None):
        rows = super().read(start, stop, columns)
        self.asked.append((start, stop, rows.shape[1]))
        return rows


def test_what_does_not_fit_is_read_a_chunk_at_a_time_and_only_the_columns_wanted():
    source = _Recorder(_matrix(4 * CHUNK_WORDS + 3))
    stream = ActivationStream(source, device=CPU, memory_limit=1, columns=np.array([1]))
    assert source.asked == []
    _visit(stream, 100, np.random.default_rng(0))
    assert sorted(source.asked) == [
        (start, min(start + 32, source.n_words), 1)
        for start in range(0, source.n_words, 32)  # 32: the shortest chunk
    ]


def test_what_fits_is_read_once_and_an_array_is_not_copied():
    X = _matrix(500)
    source = _Recorder(X)
    stream = ActivationStream(source, device=CPU, memory_limit=1 << 20)
    for _ in range(3):
        _visit(stream, 100, np.random.default_rng(0))
    assert source.asked == [(0, 500, WIDTH)]
    assert np.shares_memory(stream.resident.numpy(), X)


def test_an_error_of_the_reader_reaches_the_caller():
    class Broken(ArraySource):
        def read(self, start, stop, columns=None):
            if start:
                raise OSError("the disk is gone")
            return super().read(start, stop, columns)

    stream = ActivationStream(Broken(_matrix(3 * CHUNK_WORDS)), device=CPU, memory_limit=1)
    with pytest.raises(OSError, match="the disk is gone"):
        _visit(stream, 100)


def test_windowed_training_is_seeded_and_about_as_good_as_resident():
    data = make_planted(n_words=6000, n_neurons=20, n_labels=4, n_informative=6, random_state=1)
    train, test = slice(0, 5000), slice(5000, None)
    X, y = data.X[train].astype(np.float16), data.y[train]
    settings = {"epochs": 4, "batch_size": 128, "learning_rate": 5e-3}
    resident = fit_probes(X, [ProbeSpec(y)], solver="adam", **settings)[0]
    windowed, again = (fit_probes(X, [ProbeSpec(y)], memory_limit=1, solver="adam", **settings)[0] for _ in range(2))
    assert windowed.coef_.tobytes() == again.coef_.tobytes()
    assert windowed.coef_.tobytes() != resident.coef_.tobytes()  # another order of the words
    accuracy = [probe.score(data.X[test], data.y[test]) for probe in (resident, windowed)]
    assert accuracy[0] > 0.8
    # 1,000 words put the standard error of an accuracy near 0.9 at 0.01; the two are tested on the same words.
    assert abs(accuracy[0] - accuracy[1]) < 0.01


def test_calls_share_a_stream_of_the_same_activations_and_let_go_of_it():
    X = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    options = {"device": torch.device("cpu"), "memory_limit": 1 << 20, "scale": None}
    one, same, other = ArraySource(X), ArraySource(X), ArraySource(X.copy())
    apart = [shared_stream(one, mean=None, **options) for _ in range(2)]
    assert apart[0] is not apart[1]
    assert apart[0].kept is None
    with one_stream():
        first = shared_stream(one, mean=None, **options)
        first.kept["made"] = first
        assert shared_stream(same, mean=None, **options) is first  # of the same array
        assert available_bytes(1 << 20) == (1 << 20) - 2 * X.nbytes  # its own, and what was made of it: itself
        moved = shared_stream(one, mean=np.ones(4), **options)
        assert moved is not first
        assert first.kept == {}  # nothing refers to its activations any more
        assert shared_stream(other, mean=np.ones(4), **options) is not moved
        last = shared_stream(other, mean=np.ones(4), **options)
        last.kept["made"] = last
    assert last.kept == {}
    assert available_bytes(1 << 20) == 1 << 20
    assert shared_stream(other, mean=np.ones(4), **options) is not last


def test_calls_share_a_stream_of_the_same_rows():
    X = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    options = {"device": CPU, "memory_limit": 1 << 20, "mean": None, "scale": None}
    one, same = ArraySource(X), ArraySource(X)
    with one_stream():
        rows = shared_stream(RowSource(one, np.arange(9)), **options)
        assert shared_stream(RowSource(same, np.arange(9)), **options) is rows
        assert shared_stream(one, **options) is not rows
        moved = shared_stream(RowSource(one, np.arange(1, 10)), **options)
        assert moved is not rows
        assert np.array_equal(moved.resident.numpy(), X[1:10])
