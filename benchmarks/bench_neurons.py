"""Looking at neurons: what 40 of them do over a text, in one pass, against the time of reading the store."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

import common
import data
import machine
import neurosieve as ns
from neurosieve.analysis.neurons.records import neuron_records
from neurosieve.analysis.neurons.text import Text

N_ASKED = 40
REPEATS = 15


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("neurons")
    store = data.store(quick=args.quick)
    try:
        _cost(report, store)
    finally:
        report.write(args.out)


def _cost(report: machine.Report, store: ns.ActivationStore) -> None:
    words, labels = store.words, store.labels(data.prop())
    asked = np.random.default_rng(0).permutation(store.n_neurons)[:N_ASKED]

    def read() -> None:
        for _ in store.batches():
            pass

    def look(n: int) -> None:
        neuron_records(store, Text.of(words, labels), neurons=asked[:n])

    size = store.n_words * store.n_neurons * store.dtype.itemsize
    how = f"{store.n_words:,} words x {store.n_neurons:,} neurons, {size / 1e6:.0f} MB, in the system's cache"
    for n in (N_ASKED, 1):
        read(), look(n)
        seconds = [(_seconds(read), _seconds(lambda n=n: look(n))) for _ in range(REPEATS)]  # in turns
        wall, processor = (statistics.median(b[i] / a[i] for a, b in seconds) for i in (0, 1))
        reading, looking = (statistics.median(each[side][1] for each in seconds) for side in (0, 1))
        what = f"looking at {n} neurons" if n > 1 else "looking at one neuron"
        if n > 1:
            report.add("reading the store, processor time", reading, "s", note=how)
        note = f"{looking:.3f} s, median of {REPEATS} pairs"
        report.add(f"{what}, processor time", processor, "of reading", target=1.5, better="lower", note=note)
        report.add(f"{what}, wall time", wall, "of reading", target=1.5, better="lower")


def _seconds(run: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor time; the second says more on a machine that others use."""
    with machine.timed() as timing:
        run()
    return timing.wall, timing.own_cpu


if __name__ == "__main__":
    main()
