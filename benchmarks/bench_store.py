"""Opening and loading a store, against NeuroX's loading of the same activations."""

from __future__ import annotations

import numpy as np

import common
import data
import machine
import neurosieve as ns


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("store")
    python = common.neurox_python(args.neurox)
    store = data.store(quick=args.quick)
    prop = data.prop()
    try:
        _read(report, store, prop)
        _compare(report, store, prop, python)
    finally:
        report.write(args.out)


def _read(report: machine.Report, store: ns.ActivationStore, prop: str) -> None:
    size = store.n_words * store.n_neurons * store.dtype.itemsize
    how = f"{store.n_words:,} words x {store.n_neurons:,} neurons, {size / 1e6:.0f} MB, in the system's cache"
    store.labels(prop)  # pandas is imported
    seconds = machine.time_of(lambda: ns.open_store(store.path), repeats=9)
    report.add("opening", seconds, "s", target=0.2, better="lower", note=how)
    seconds = machine.time_of(lambda: ns.open_store(store.path).labels(prop), repeats=5)
    report.add("opening, with words and labels", seconds, "s", better="lower")
    seconds = machine.time_of(lambda: ns.open_store(store.path).read(0, store.n_words), repeats=5)
    copied = machine.copy_rate(size=1 << 28)
    report.add("reading everything", size / seconds / 1e9, "GB/s", note=f"{seconds:.3f} s")
    report.add(
        "reading everything, achieved / floor",
        seconds / (2 * size / copied),
        "x",
        better="lower",
        note="floor: one copy",
    )
    columns = np.sort(np.random.default_rng(0).permutation(store.n_neurons)[: store.n_neurons // 50])
    few = machine.time_of(lambda: ns.open_store(store.path).read(0, store.n_words, columns), repeats=5)
    report.add("reading 2 % of the neurons", few / seconds, "of reading all", better="lower", note=f"{few:.3f} s")
    starts = np.random.default_rng(0).integers(0, max(1, store.n_words - 1024), size=20)
    rows = machine.time_of(lambda: [store.read(int(a), min(int(a) + 1024, store.n_words)) for a in starts], repeats=3)
    report.add("reading 1,024 words at a random place", 1000 * rows / len(starts), "ms", better="lower")


def _compare(report: machine.Report, store: ns.ActivationStore, prop: str, python: common.Path | None) -> None:
    if python is None:
        report.add("against NeuroX's load_activations", None, "x", note="no NeuroX environment")
        return
    work = data.WORK / "neurox-store"
    words = data.corpus(quick=store.manifest["corpus"]["name"].endswith("-quick"))
    data.write_text(words, work / "text")
    _write_hdf5(store.split("train"), words.split("train"), work / "train.hdf5")
    labels = store.split("train").labels(prop)
    job = {"task": "loading", "work": str(work), "text": str(work / "text"), "majority": str(labels[0])}
    with machine.timed():
        side = common.run_side("neurox", job, python=python)
    (work / "train.hdf5").unlink()
    view = ns.open_store(store.path).split("train")
    theirs = side["seconds"]["loading"]
    note = f"NeuroX: {theirs:.2f} s, and {side['seconds']['tensors']:.2f} s for tensors"
    opening = machine.time_of(lambda: ns.open_store(store.path), repeats=9)
    report.add("opening: times faster than NeuroX's load_activations", theirs / opening, "x", note=note)
    both = theirs + side["seconds"]["tensors"]
    loading = machine.time_of(lambda: ns.open_store(store.path).split("train").xy(prop), repeats=3)
    note = f"{loading:.3f} s, {view.n_words:,} words"
    report.add("one float32 matrix and labels: times faster than NeuroX", both / loading, "x", note=note)


def _write_hdf5(view: ns.ActivationStore, words: ns.Corpus, path: common.Path) -> None:
    """The same activations in NeuroX's format: one dataset a sentence, (layers, words, width), and an index."""
    import json

    import h5py

    layers = view.manifest["layers"]
    path.parent.mkdir(parents=True, exist_ok=True)
    if view.n_words != words.n_words:
        raise SystemExit("the store left words out; NeuroX's file cannot be made from it")
    index, start = {}, 0
    with h5py.File(path, "w") as file:
        for number, sentence in enumerate(words.sentences):
            rows = view.read(start, start + len(sentence)).astype(np.float32)
            start += len(sentence)
            file.create_dataset(str(number), data=rows.reshape(len(rows), len(layers), -1).swapaxes(0, 1))
            index[f"{number} " + " ".join(sentence.words)] = str(number)
        file.create_dataset("sentence_to_index", (1,), dtype=h5py.special_dtype(vlen=str))[0] = json.dumps(index)


if __name__ == "__main__":
    main()
