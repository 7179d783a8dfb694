"""Features of few neurons beside those of all: time, size and accuracy on words and on sentences, and what few labels teach.

Words: Penn tags of English EWT. Sentences: its five kinds of text (answers, email, newsgroup, reviews, weblog), told by `sent_id`.
Without EWT there is nothing to measure. The neurons are a minimal set (the exact probe, lambdas of 1e-3, within 2 points on dev),
and those that are left after choosing a layer and one neuron of each cluster of correlated ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import common
import data
import machine
import neurosieve as ns

LAMBDAS = {"l1": 1e-3, "l2": 1e-3}
DELTA = 0.02
FEW = (100, 300, 1000, 3000)
SEEDS = 3


def main() -> None:
    args = common.options(__doc__ or "")
    if not data.EWT.is_dir():
        raise SystemExit("English EWT is not beside the repository; there is nothing to measure")
    report = machine.Report("compact")
    model = data.model_folder()
    try:
        for unit, n_train in (("word", 500), ("sentence", 3000)):
            parts = corpus(n_train // (10 if args.quick else 1))
            store = ns.extract(
                ns.Corpus([s for part in parts.values() for s in part], name=f"compact-{unit}"),
                ns.load_model(model),
                data.WORK / f"store-compact-{unit}{'-quick' if args.quick else ''}",
                unit=unit,
            )
            measure(report, store, parts, unit=unit, model=model)
    finally:
        report.write(args.out)


def corpus(n_train: int) -> dict[str, list[ns.Sentence]]:
    """Every n-th sentence of EWT's train, half as many for dev (of train) and for test (of test), with all kinds of text."""
    found = {}
    for split, file, n, skip in (
        ("train", "train", n_train, 0),
        ("dev", "train", n_train // 2, 1),
        ("test", "test", n_train // 2, 0),
    ):
        path = data.EWT / f"en_ewt-ud-{file}.conllu"
        kinds = [
            line.split("= ")[1].split("-")[0]
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("# sent_id")
        ]
        sentences = list(ns.load_corpus(path, properties=["xpos"]).sentences)
        every = max(2, len(sentences) // n)
        found[split] = [
            replace(s, split=split, sentence_labels={"kind": kind})
            for s, kind in list(zip(sentences, kinds, strict=True))[skip::every][:n]
        ]
    return found


def measure(
    report: machine.Report, store: ns.ActivationStore, parts: dict[str, list[ns.Sentence]], *, unit: str, model: Path
) -> None:
    """All neurons, a minimal set, and the neurons that redundancy leaves."""
    prop = "xpos" if unit == "word" else "kind"
    splits = ns.Splits.from_store(store, prop, rare_labels="keep")
    probe = ns.fit_probes(splits.train.activations, [ns.ProbeSpec(splits.train.y, **LAMBDAS)], "exact")[0]
    started = time.perf_counter()
    minimal = ns.minimal_neurons(probe, ns.weight_mass_ranking(probe), splits, deltas=[DELTA], solver="exact").sets[
        DELTA
    ]
    report.add(f"{unit}s: seconds to find the minimal set", time.perf_counter() - started, "s", better="lower")
    started = time.perf_counter()
    left = ns.reduced_neurons(splits, store.neurons["layer"].to_numpy(), delta=DELTA, solver="exact", **LAMBDAS)
    report.add(
        f"{unit}s: seconds to reduce by layer and cluster",
        time.perf_counter() - started,
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
    y = {split: np.array(labels(parts[split], unit)) for split in ("train", "test")}
    seconds, X = {}, {}
    for name, chosen in sets.items():
        features = ns.CompactFeatures(model, neurons=names[chosen].tolist(), unit=unit).fit()
        seconds[name] = machine.time_of(lambda f=features: f.transform(texts), repeats=3)
        X[name] = {
            "test": features.transform(texts),
            "train": features.transform([list(s.words) for s in parts["train"]]),
        }
        weights = sum(p.numel() for p in features._model._reader._model.parameters())
        size = f"{weights / 1e6:.1f} M weights, {X[name]['test'].nbytes / 1e6:.2f} MB of features"
        note = f"{len(chosen)} neurons, as far as layer {features.n_layers_}; {size}"
        report.add(f"{unit}s, {name}: seconds for the test text", seconds[name], "s", better="lower", note=note)
    for name in ("minimal", "reduced"):
        report.add(f"{unit}s, {name}: times faster than all", seconds["all"] / seconds[name], "x")
    for name, score in zip(sets, accuracy, strict=True):
        report.add(f"{unit}s, {name}: accuracy on test", 100 * float(score), "%")
    for n in FEW:
        if n > len(y["train"]):
            continue
        for name in sets:
            found = [few_labels(X[name], y, n, seed) for seed in range(SEEDS)]
            note = (
                f"logistic regression, {SEEDS} draws of labels, from {100 * min(found):.1f} to {100 * max(found):.1f}"
            )
            report.add(f"{unit}s, {name}: accuracy from {n} labels", 100 * float(np.mean(found)), "%", note=note)


def labels(sentences: Sequence[ns.Sentence], unit: str) -> list[str]:
    if unit == "sentence":
        return [str(s.sentence_labels["kind"]) for s in sentences]
    return [str(label) for s in sentences for label in s.labels["xpos"]]


def few_labels(X: dict[str, np.ndarray], y: dict[str, np.ndarray], n: int, seed: int) -> float:
    """Accuracy on test of a logistic regression that has seen `n` labels."""
    rows = np.random.default_rng(seed).permutation(len(y["train"]))[:n]
    mean, deviation = X["train"][rows].mean(axis=0), X["train"][rows].std(axis=0) + 1e-6
    fitted = LogisticRegression(max_iter=200, tol=1e-3).fit((X["train"][rows] - mean) / deviation, y["train"][rows])
    return float(fitted.score((X["test"] - mean) / deviation, y["test"]))


if __name__ == "__main__":
    main()
