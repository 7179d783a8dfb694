"""Compares the rankings on real text: agreement, detectors, probes on the top neurons, and three lenses on the rankings themselves.

    .venv/bin/python studies/rankings.py STORE PROPERTY OUT [--train WORDS] [--sizes 10,50] [--slow gaussian,l1-path]

STORE is a folder of activations, such as `studies/ranking_stores.py` makes. The lambdas of the weight-mass ranking and of the
linear probes are the same for all: l1 = l2 = 1e-3, no search. Train is cut to its first WORDS rows, to take minutes.
OUT gets the tables of docs/rankings.md. The lenses ask, after Chanin (2026, arXiv 2605.18229), of every ranking without training:
does another text give the same neurons (`again.csv`: two halves of train), does it find neurons that were made to tell labels that
say nothing (`planted.csv`), and do more words make it better (`words.csv`)?
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import neurosieve as ns
from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.source import RowSource
from neurosieve.analysis.ranking_comparison import agreement, best_detectors, overlaps
from neurosieve.experiments.baselines import lookup, rotated
from neurosieve.experiments.cross_table import accuracy_interval, cross_table
from neurosieve.experiments.gaussian_probe import gaussian_codes
from neurosieve.rankings.detectors import detector_scores
from neurosieve.rankings.registry import METHODS, rank

LAMBDAS = {"l1": 1e-3, "l2": 1e-3}
SLOW: dict[str, dict[str, int]] = {"gaussian": {"n_words": 1500, "n_candidates": 100}, "l1-path": {"n_steps": 5}}
PLANTED, SHIFT = 50, 1.0
"""Neurons that are made to tell a label, by how many of their standard deviations."""
SEEDS = 3


def first_words(part: LabelledSplit, n_words: int) -> LabelledSplit:
    """The first rows of a split."""
    rows = np.arange(min(n_words, len(part.y)))
    cut = [None if given is None else given[rows] for given in (part.words, part.sentences)]
    return LabelledSplit(RowSource(part.activations, rows), part.y[rows], *cut)


def main() -> None:
    """Rank, compare, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("prop")
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=8_000)
    parser.add_argument("--sizes", default="10,50")
    parser.add_argument("--slow", default="gaussian", help="rankings beyond those of the shared pass, or nothing")
    parser.add_argument("--probes", default="exact,gaussian")
    parser.add_argument(
        "--untrained", action="store_true", help="only rankings and probes in closed form: a minute or less"
    )
    args = parser.parse_args()
    sizes = [int(k) for k in args.sizes.split(",")]
    args.out.mkdir(parents=True, exist_ok=True)
    store = ns.open_store(args.store)
    splits = ns.Splits.from_store(store, args.prop, rare_labels="keep")
    splits = replace(splits, train=first_words(splits.train, args.train))
    seconds: dict[str, float] = {}

    probe = None
    if not args.untrained:
        started = time.perf_counter()
        probe = ns.fit_probes(splits.train.activations, [ns.ProbeSpec(splits.train.y, **LAMBDAS)], "exact")[0]
        seconds["probe on all neurons"] = time.perf_counter() - started
        print("probe", f"{seconds['probe on all neurons']:.0f} s", flush=True)
    started = time.perf_counter()
    found = ns.rank_all(split=splits, probe=probe)
    seconds["shared pass"] = time.perf_counter() - started
    for name in () if args.untrained else filter(None, args.slow.split(",")):
        started = time.perf_counter()
        found[name] = rank(name, split=splits.train, **SLOW[name])
        seconds[name] = time.perf_counter() - started
        print(name, f"{seconds[name]:.0f} s", flush=True)
    found["random"] = rank("random", split=splits.train)
    found = {name: found[name] for name in METHODS if name in found}
    (args.out / "seconds.csv").write_text(pd.Series(seconds).round(1).to_csv(header=False), encoding="utf-8")

    table = agreement(found, sizes).merge(
        best_detectors(found, sizes, detector_scores(splits.test)), on=["ranking", "k"]
    )
    table.round(4).to_csv(args.out / "agreement.csv", index=False)
    for k in sizes:
        overlaps(found, k).round(3).to_csv(args.out / f"overlap-{k}.csv")
    for name, lens in {"again": again, "planted": planted, "words": words}.items():
        lens(splits).round(4).to_csv(args.out / f"{name}.csv", index=False)
        print(name, flush=True)
    started = time.perf_counter()
    kinds = ["gaussian"] if args.untrained else args.probes.split(",")
    probes = cross_table(splits, found, sizes=sizes, probes=kinds, **LAMBDAS)
    probes.round(4).to_csv(args.out / "probes.csv", index=False)
    print(f"cross table: {time.perf_counter() - started:.0f} s", flush=True)
    if probe is not None:
        baselines(splits, store, probe).round(4).to_csv(args.out / "baselines.csv", index=False)


def part_of(split: LabelledSplit, rows: np.ndarray) -> LabelledSplit:
    """Some rows of a split, in ascending order."""
    sentences = None if split.sentences is None else split.sentences[rows]
    return LabelledSplit(RowSource(split.activations, rows), split.y[rows], None, sentences)


def again(splits: ns.Splits) -> pd.DataFrame:
    """Jaccard overlap of the top 50 of two halves of train, sentences being dealt at random, `SEEDS` times."""
    rows = []
    for seed in range(SEEDS):
        sentences = np.unique(splits.train.sentences)
        first = np.random.default_rng(seed).permutation(sentences)[: len(sentences) // 2]
        is_first = np.isin(splits.train.sentences, first)
        halves = [ns.rank_all(split=part_of(splits.train, np.flatnonzero(half))) for half in (is_first, ~is_first)]
        for name in halves[0]:
            pair = overlaps({"a": halves[0][name], "b": halves[1][name]}, 50)
            rows.append({"ranking": name, "seed": seed, "overlap": pair.loc["a", "b"]})
    return pd.DataFrame(rows)


def planted(splits: ns.Splits) -> pd.DataFrame:
    """Share of the `PLANTED` neurons among the top `PLANTED`: real values, labels in random order, one's own shifted."""
    X = splits.train.activations.read(0, len(splits.train.y)).astype(np.float32)
    rows = []
    for seed in range(SEEDS):
        generator = np.random.default_rng(seed)
        y = splits.train.y.copy()
        known = pd.notna(y)
        y[known] = generator.permutation(y[known])
        chosen = generator.choice(X.shape[1], PLANTED, replace=False)
        common = pd.Series(y[known]).value_counts().index[:10]
        Z = X.copy()
        for neuron in chosen:
            Z[y == generator.choice(common), neuron] += SHIFT * X[:, neuron].std()
        for name, ranking in ns.rank_all(split=LabelledSplit(Z, y)).items():
            hit = len(np.intersect1d(ranking.top(PLANTED), chosen)) / PLANTED
            rows.append({"ranking": name, "seed": seed, "found": hit})
    return pd.DataFrame(rows)


def words(splits: ns.Splits) -> pd.DataFrame:
    """Accuracy on test of a Gaussian probe, fitted on all of train, on the top 50 of each ranking made from a share of train."""
    n, rows = len(splits.train.y), []
    gold = splits.test.y
    known = pd.notna(gold)
    classes = np.unique(splits.train.y[pd.notna(splits.train.y)].astype(str))
    for share in (16, 4, 1):
        rankings = ns.rank_all(split=part_of(splits.train, np.arange(n // share)))
        codes = gaussian_codes(splits.train, splits.test.activations, [r.top(50) for r in rankings.values()])
        for name, found in zip(rankings, codes, strict=True):
            score, margin = accuracy_interval((classes[found] == gold)[known], np.asarray(splits.test.sentences)[known])
            rows.append(
                {"ranking": name, "words": n // share, "score": score, "low": score - margin, "high": score + margin}
            )
    return pd.DataFrame(rows)


def baselines(splits: ns.Splits, store: ns.ActivationStore, probe: ns.FittedProbe) -> pd.DataFrame:
    """The probe on all neurons, the table of words, and neurons against five random rotations of each layer."""
    known = pd.notna(splits.test.y)
    right = probe.classes_[ns.predict_codes(splits.test.activations, [probe])[0]] == splits.test.y
    score, margin = accuracy_interval(right[known], np.asarray(splits.test.sentences)[known])
    rows = [
        {
            "baseline": "all neurons",
            "k": splits.n_neurons,
            "score": score,
            "low": score - margin,
            "high": score + margin,
        }
    ]
    rows.append({"baseline": "table of words", "k": 0, "score": lookup(splits)["test"][0]})
    for k in (10, 50):
        for name, seen in [("neurons", splits)] + [
            (f"rotated {seed}", rotated(splits, store.neurons["layer"].to_numpy(), random_state=seed))
            for seed in range(3)
        ]:
            top = {"f-statistic": rank("f-statistic", split=seen.train)}
            row = cross_table(seen, top, sizes=[k], probes=["exact"], **LAMBDAS).iloc[0]
            rows.append({"baseline": name, "k": k, **row[["score", "low", "high"]].to_dict()})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
