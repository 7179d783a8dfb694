"""Looking at neurons: what 40 of them do over a text, in one pass, against the time of reading the store."""

from __future__ import annotations

import numpy as np

import common
import data
import machine
import neurosieve as ns
from neurosieve.analysis.neurons.records import neuron_records
from neurosieve.analysis.neurons.text import Text

N_ASKED = 40


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
    reading = machine.time_of(read, repeats=7)
    how = f"{store.n_words:,} words x {store.n_neurons:,} neurons, {size / 1e6:.0f} MB, in the system's cache"
    report.add("reading the store", reading, "s", note=how)
    looking = machine.time_of(lambda: look(N_ASKED), repeats=7)
    note = f"{looking:.3f} s, {1000 * looking / N_ASKED:.1f} ms a neuron"
    report.add(f"looking at {N_ASKED} neurons", looking / reading, "of reading", target=1.5, better="lower", note=note)
    one = machine.time_of(lambda: look(1), repeats=7)
    report.add("looking at one neuron", one / reading, "of reading", target=1.5, better="lower", note=f"{one:.3f} s")


if __name__ == "__main__":
    main()
