"""Features of few neurons beside those of all: time, size and accuracy on words and on sentences, and what few labels teach.

Words: Penn tags of English EWT, and chunks of CoNLL-2000. Sentences of EWT: its five kinds of text (answers, email, newsgroup,
reviews, weblog), told by `sent_id`; and whether a sentence ended in a question mark or a full stop, which is taken away, as many
of each. Without these corpora there is nothing to measure. The neurons are a minimal set (the exact probe, lambdas of 1e-3,
within 2 points on dev), and those that are left after choosing a layer and one neuron of each cluster of correlated ones. Seconds
are of the processor, which what others do on the machine changes little.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import common
import data
import machine
import neurosieve as ns

CHUNKS = data.EWT.parent / "conll2000"
LAMBDAS = {"l1": 1e-3, "l2": 1e-3}
DELTA = 0.02
FEW = (100, 300, 1000, 3000)
SEEDS = 3


TASKS = {"xpos": ("word", 300), "chunk": ("word", 300), "kind": ("sentence", 3000), "question": ("sentence", 1000)}
"""For each property its unit, and the sentences of train."""


def main() -> None:
    args = common.options(__doc__ or "", tasks={"default": ",".join(TASKS), "help": "properties, divided by commas"})
    if not data.EWT.is_dir() or not CHUNKS.is_dir():
        raise SystemExit("English EWT or CoNLL-2000 is not beside the repository; there is nothing to measure")
    report = machine.Report("compact")
    model = data.model_folder()
    try:
        for prop in args.tasks.split(","):
            unit, n_train = TASKS[prop]
            parts = corpus(prop, n_train // (10 if args.quick else 1))
            store = ns.extract(
                ns.Corpus([s for part in parts.values() for s in part], name=f"compact-{prop}"),
                ns.load_model(model),
                data.WORK / f"store-compact-{prop}{'-quick' if args.quick else ''}",
                unit=unit,
            )
            measure(report, store, parts, prop=prop, unit=unit, model=model)
            report.write(args.out)  # what is done is kept
    finally:
        report.write(args.out)


def corpus(prop: str, n_train: int) -> dict[str, list[ns.Sentence]]:
    """Every n-th sentence of train, half as many for dev (of train) and for test (of test)."""
    found = {}
    for split, file, n, skip in (
        ("train", "train", n_train, 0),
        ("dev", "train", n_train // 2, 1),
        ("test", "test", n_train // 2, 0),
    ):
        sentences = labelled(prop, file)
        every = max(2, len(sentences) // n)
        found[split] = [replace(s, split=split) for s in sentences[skip::every][:n]]
    return found


def labelled(prop: str, file: str) -> list[ns.Sentence]:
    """Sentences of a file with the labels of a task."""
    if prop == "chunk":
        return list(ns.load_corpus(CHUNKS / f"{file}.txt", properties=["chunk"]).sentences)
    path = data.EWT / f"en_ewt-ud-{file}.conllu"
    sentences = list(ns.load_corpus(path, properties=["xpos"]).sentences)
    if prop == "kind":
        kinds = [
            line.split("= ")[1].split("-")[0]
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("# sent_id")
        ]
        return [replace(s, sentence_labels={"kind": kind}) for s, kind in zip(sentences, kinds, strict=True)]
    if prop == "question":
        ends = {mark: [s for s in sentences if len(s) > 3 and s.words[-1] == mark] for mark in "?."}
        n = min(map(len, ends.values()))
        both = [without_end(s) for some in ends.values() for s in some[:: len(some) // n][:n]]
        return [both[i] for i in np.random.default_rng(0).permutation(len(both))]
    return sentences


def without_end(sentence: ns.Sentence) -> ns.Sentence:
    """A sentence without its last mark, which is its label."""
    cut = {name: given[:-1] for name, given in sentence.labels.items()}
    return replace(sentence, words=sentence.words[:-1], labels=cut, sentence_labels={"question": sentence.words[-1]})


def measure(
    report: machine.Report,
    store: ns.ActivationStore,
    parts: dict[str, list[ns.Sentence]],
    *,
    prop: str,
    unit: str,
    model: Path,
) -> None:
    """All neurons, a minimal set, and the neurons that redundancy leaves."""
    splits = ns.Splits.from_store(store, prop, rare_labels="keep")
    probe = ns.fit_probes(splits.train.activations, [ns.ProbeSpec(splits.train.y, **LAMBDAS)], "exact")[0]
    started = time.process_time()
    minimal = ns.minimal_neurons(probe, ns.weight_mass_ranking(probe), splits, deltas=[DELTA], solver="exact").sets[
        DELTA
    ]
    report.add(f"{prop}: seconds to find the minimal set", time.process_time() - started, "s", better="lower")
    started = time.process_time()
    left = ns.reduced_neurons(splits, store.neurons["layer"].to_numpy(), delta=DELTA, solver="exact", **LAMBDAS)
    report.add(
        f"{prop}: seconds to reduce by layer and cluster",
        time.process_time() - started,
        "s",
        better="lower",
        note=f"up to layer {left.highest}: {left.n_below} neurons, {len(left.representatives)} clusters, {len(left.neurons)} left",
    )
    names = store.neurons["neuron"].to_numpy()
    sets = {"all": np.arange(len(names)), "minimal": minimal.neurons, "reduced": left.neurons}
    specs = [ns.ProbeSpec(splits.train.y, neurons=chosen, **LAMBDAS) for chosen in sets.values()]
    accuracy = ns.score_probes(
        splits.test.activations, ns.fit_probes(splits.train.activations, specs, "exact"), splits.test.y
    )
    texts = [list(s.words) for s in parts["test"]]
    y = {split: np.array(labels(parts[split], prop, unit)) for split in ("train", "test")}
    seconds, X = {}, {}
    for name, chosen in sets.items():
        features = ns.CompactFeatures(model, neurons=names[chosen].tolist(), unit=unit).fit()
        seconds[name] = processor_time(lambda f=features: f.transform(texts))
        X[name] = {
            "test": features.transform(texts),
            "train": features.transform([list(s.words) for s in parts["train"]]),
        }
        weights = sum(p.numel() for p in features._model._reader._model.parameters())
        size = f"{weights / 1e6:.1f} M weights, {X[name]['test'].nbytes / 1e6:.2f} MB of features"
        note = f"{len(chosen)} neurons, as far as layer {features.n_layers_}; {size}"
        report.add(f"{prop}, {name}: seconds for the test text", seconds[name], "s", better="lower", note=note)
    for name in ("minimal", "reduced"):
        report.add(f"{prop}, {name}: times faster than all", seconds["all"] / seconds[name], "x")
    for name, score in zip(sets, accuracy, strict=True):
        report.add(f"{prop}, {name}: accuracy on test", 100 * float(score), "%")
    for n in FEW:
        if n > len(y["train"]):
            continue
        for name in sets:
            found = [few_labels(X[name], y, n, seed) for seed in range(SEEDS)]
            note = (
                f"logistic regression, {SEEDS} draws of labels, from {100 * min(found):.1f} to {100 * max(found):.1f}"
            )
            report.add(f"{prop}, {name}: accuracy from {n} labels", 100 * float(np.mean(found)), "%", note=note)


def processor_time(run: Callable[[], object], repeats: int = 3) -> float:
    """The median processor seconds."""
    spent = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        spent.append(time.process_time() - started)
    return statistics.median(spent)


def labels(sentences: Sequence[ns.Sentence], prop: str, unit: str) -> list[str]:
    if unit == "sentence":
        return [str(s.sentence_labels[prop]) for s in sentences]
    return [str(label) for s in sentences for label in s.labels[prop]]


def few_labels(X: dict[str, np.ndarray], y: dict[str, np.ndarray], n: int, seed: int) -> float:
    """Accuracy on test of a logistic regression that has seen `n` labels."""
    rows = np.random.default_rng(seed).permutation(len(y["train"]))[:n]
    mean, deviation = X["train"][rows].mean(axis=0), X["train"][rows].std(axis=0) + 1e-6
    fitted = LogisticRegression(max_iter=200, tol=1e-3).fit((X["train"][rows] - mean) / deviation, y["train"][rows])
    return float(fitted.score((X["test"] - mean) / deviation, y["test"]))


if __name__ == "__main__":
    main()
