"""Compares the rankings on real text: agreement, detectors, and probes on the top neurons; writes the tables of docs/rankings.md.

    .venv/bin/python studies/rankings.py STORE PROPERTY OUT [--train WORDS] [--sizes 10,50,100]

STORE is a folder of activations (`neurosieve.extract`). The lambdas of the weight-mass ranking and of the linear probes are the
same for all: l1 = l2 = 1e-4, no search. Train is cut to its first WORDS rows, so that the whole takes minutes.
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
from neurosieve.rankings.detectors import detector_scores
from neurosieve.rankings.registry import METHODS, rank

LAMBDAS = {"l1": 1e-4, "l2": 1e-4}
SLOW: dict[str, dict[str, int]] = {"gaussian": {}, "l1-path": {"n_steps": 5}}


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
    parser.add_argument("--sizes", default="10,50,100")
    args = parser.parse_args()
    sizes = [int(k) for k in args.sizes.split(",")]
    args.out.mkdir(parents=True, exist_ok=True)
    store = ns.open_store(args.store)
    splits = ns.Splits.from_store(store, args.prop, rare_labels="keep")
    splits = replace(splits, train=first_words(splits.train, args.train))
    seconds: dict[str, float] = {}

    started = time.perf_counter()
    probe = ns.fit_probes(splits.train.activations, [ns.ProbeSpec(splits.train.y, **LAMBDAS)], "exact")[0]
    seconds["probe on all neurons"] = time.perf_counter() - started
    print("probe", f"{seconds['probe on all neurons']:.0f} s", flush=True)
    started = time.perf_counter()
    found = ns.rank_all(split=splits, probe=probe)
    seconds["shared pass"] = time.perf_counter() - started
    for name in SLOW:
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
    started = time.perf_counter()
    probes = cross_table(splits, found, sizes=sizes, **LAMBDAS)
    probes.round(4).to_csv(args.out / "probes.csv", index=False)
    print(f"cross table: {time.perf_counter() - started:.0f} s")
    baselines(splits, store, probe).round(4).to_csv(args.out / "baselines.csv", index=False)


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
