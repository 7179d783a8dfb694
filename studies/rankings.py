"""Compares the rankings on real text: agreement, detectors, probes on the top neurons, and three lenses on the rankings themselves.

    .venv/bin/python studies/rankings.py STORE PROPERTY OUT [--train WORDS] [--trained NAMES] [--judges NAMES] [--lenses NAMES]

STORE is a folder of activations, such as `studies/ranking_stores.py` makes. Train is cut to its first WORDS rows, to take minutes.
OUT gets the tables of docs/rankings.md; what they hold already is kept, so that the same command goes on. Linear probes and what
is ranked by them see z-scores, with l1 = l2 = 1e-3 and no search. `TRAINED` says what is made cheaper than by default. The lenses
ask, after Chanin (2026, arXiv 2605.18229): does another text give the same neurons (`again.csv`: two halves of train), does a
ranking find neurons that were made to tell labels that say nothing (`planted.csv`), and do more words make it better
(`words.csv`)? Rankings without training are drawn three times, those with it `--seeds` times.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import neurosieve as ns
from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.source import RowSource
from neurosieve.analysis.ranking_comparison import agreement, best_detectors, overlaps
from neurosieve.experiments.cross_table import cross_table
from neurosieve.experiments.gaussian_probe import gaussian_codes
from neurosieve.intervals import of_clusters
from neurosieve.rankings.detectors import detector_scores
from neurosieve.rankings.registry import METHODS, rank

LAMBDAS = {"l1": 1e-3, "l2": 1e-3}
GAP = 1e-2
"""Duality gap of exact probes, as a share of the objective: a weight or two of the top 50 may differ from the optimum's."""
SETTINGS: dict[str, dict[str, float]] = {"exact": {"tol": GAP}, "adam": {"epochs": 10, "batch_size": 32}}
"""Of linear probes. Batches are NeuroX's: with larger ones, ten epochs of so few words leave Adam far from the optimum."""
SIZES, KEPT = (10, 50), 50
PLANTED, SHIFT = 50, 1.0
"""Neurons that are made to tell a label, by how many of their standard deviations."""
SEEDS = 3
SHARES = (16, 4, 1)
"""Train is divided by these for the lens of more words; rankings with training are made from the least and the most."""


def by_weights(split: LabelledSplit, solver: str) -> ns.NeuronRanking:
    """Weight mass of a probe by one solver."""
    specs = [ns.ProbeSpec(split.y, **LAMBDAS)]
    probe = ns.fit_probes(split.activations, specs, solver, standardize=True, **SETTINGS[solver])[0]
    return ns.weight_mass_ranking(probe)


def by_method(split: LabelledSplit, name: str, **options: float) -> ns.NeuronRanking:
    """A ranking of the table."""
    return rank(name, split=split, **options)


TRAINED: dict[str, Callable[[LabelledSplit], ns.NeuronRanking]] = {
    "weight-mass": functools.partial(by_weights, solver="exact"),
    "weight-mass-adam": functools.partial(by_weights, solver="adam"),
    "l1-path": functools.partial(by_method, name="l1-path", n_steps=5, last=0.05, tol=GAP),
    "best-subset": functools.partial(by_method, name="best-subset", tol=GAP, n_words=2000),
    "stability": functools.partial(by_method, name="stability", n_resamples=4, tol=GAP),
    "poisson": functools.partial(by_method, name="poisson", epochs=10),
    "gaussian": functools.partial(by_method, name="gaussian", n_words=1000, n_candidates=100),
}


class Table:
    """Rows of a CSV file that grows: each set of rows is made once, and written when it is made."""

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        self.path, self.keys = path, list(keys)
        self.rows = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=self.keys)

    def has(self, *values: object) -> bool:
        """Whether there is a row with these keys; the last may be left out."""
        found = np.ones(len(self.rows), dtype=bool)
        for key, value in zip(self.keys, values, strict=False):
            found &= (self.rows[key] == value).to_numpy(dtype=bool)
        return bool(found.any())

    def add(self, rows: pd.DataFrame) -> None:
        """Add rows, if there are any, and write all."""
        if len(rows):
            self.rows = pd.concat([self.rows, rows], ignore_index=True) if len(self.rows) else rows
            self.rows.round(4).to_csv(self.path, index=False)


def first_words(part: LabelledSplit, n_words: int) -> LabelledSplit:
    """The first rows of a split."""
    rows = np.arange(min(n_words, len(part.y)))
    cut = [None if given is None else given[rows] for given in (part.words, part.sentences)]
    return LabelledSplit(RowSource(part.activations, rows), part.y[rows], *cut)


def part_of(split: LabelledSplit, rows: np.ndarray) -> LabelledSplit:
    """Some rows of a split, in ascending order."""
    sentences = None if split.sentences is None else split.sentences[rows]
    return LabelledSplit(RowSource(split.activations, rows), split.y[rows], None, sentences)


def from_top(top: np.ndarray, n_neurons: int, name: str) -> ns.NeuronRanking:
    """A ranking of which only the beginning is known; the rest goes by position."""
    order = np.concatenate([top, np.setdiff1d(np.arange(n_neurons), top)]).astype(np.intp)
    score = np.zeros(n_neurons)
    score[top] = np.arange(len(top), 0, -1)
    return ns.NeuronRanking(order, None, None, None, np.empty(0), name, score=score)


def ranked(splits: ns.Splits, out: Path, trained: Sequence[str]) -> dict[str, ns.NeuronRanking]:
    """All rankings of train: those from the shared pass anew, others from `tops.csv` or made and written there."""
    tops = pd.read_csv(out / "tops.csv") if (out / "tops.csv").is_file() else pd.DataFrame()
    seconds = Table(out / "seconds.csv", ["ranking"])
    started = time.process_time()
    found = ns.rank_all(split=splits)
    if not seconds.has("shared pass"):
        seconds.add(pd.DataFrame({"ranking": ["shared pass"], "processor_seconds": [time.process_time() - started]}))
    found["random"] = rank("random", split=splits.train)
    for name, ranking in found.items():
        tops[name] = ranking.top(KEPT)
    for name in trained:
        if name not in tops:
            started = time.process_time()
            tops[name] = TRAINED[name](splits.train).top(KEPT)
            spent = time.process_time() - started
            seconds.add(pd.DataFrame({"ranking": [name], "processor_seconds": [spent]}))
            tops.to_csv(out / "tops.csv", index=False)
            print(name, f"{spent:.0f} s", flush=True)
    tops.to_csv(out / "tops.csv", index=False)
    names = [name for name in (*METHODS, *TRAINED) if name in tops]
    return {name: from_top(tops[name].to_numpy(), splits.n_neurons, name) for name in dict.fromkeys(names)}


def judged(splits: ns.Splits, found: dict[str, ns.NeuronRanking], out: Path, judges: Sequence[str]) -> None:
    """Accuracy of probes on the top neurons."""
    table = Table(out / "probes.csv", ["probe", "ranking"])
    for probe in judges:
        missing = {name: ranking for name, ranking in found.items() if not table.has(probe, name)}
        if missing:
            linear = {} if probe == "gaussian" else {"standardize": True, **LAMBDAS, **SETTINGS[probe]}
            sizes = SIZES if probe == "gaussian" else SIZES[-1:]
            table.add(cross_table(splits, missing, sizes=sizes, probes=[probe], **linear))
            print(probe, flush=True)


def made(
    split: LabelledSplit, missing: Callable[[str], bool], trained: Sequence[str]
) -> Iterator[tuple[str, ns.NeuronRanking]]:
    """The rankings that are missing, one after the other."""
    shared = [name for name, method in METHODS.items() if method.measure and missing(name)]
    if shared:
        yield from ns.rank_all(shared, split=split).items()
    for name in trained:
        if missing(name):
            yield name, TRAINED[name](split)


def again(splits: ns.Splits, out: Path, trained: Sequence[str], seeds: int) -> None:
    """Jaccard overlap of the top 50 of two halves of train, sentences being dealt at random."""
    table = Table(out / "again.csv", ["ranking", "seed"])
    for seed in range(SEEDS):
        sentences = np.unique(splits.train.sentences)
        first = np.random.default_rng(seed).permutation(sentences)[: len(sentences) // 2]
        is_first = np.isin(splits.train.sentences, first)
        one, other = (part_of(splits.train, np.flatnonzero(half)) for half in (is_first, ~is_first))
        some = trained if seed < seeds else ()
        pairs = [made(half, lambda name, s=seed: not table.has(name, s), some) for half in (one, other)]
        rows = []
        for (name, a), (_, b) in zip(*pairs, strict=True):
            rows.append({"ranking": name, "seed": seed, "overlap": overlaps({"a": a, "b": b}, KEPT).loc["a", "b"]})
        table.add(pd.DataFrame(rows, columns=["ranking", "seed", "overlap"]))


def planted(splits: ns.Splits, out: Path, trained: Sequence[str], seeds: int) -> None:
    """Share of the `PLANTED` neurons among the top `PLANTED`: real values, labels in random order, one's own shifted."""
    table = Table(out / "planted.csv", ["ranking", "seed"])
    X = splits.train.activations.read(0, len(splits.train.y)).astype(np.float32)
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
        some = trained if seed < seeds else ()
        for name, ranking in made(LabelledSplit(Z, y), lambda name, s=seed: not table.has(name, s), some):
            hit = len(np.intersect1d(ranking.top(PLANTED), chosen)) / PLANTED
            table.add(pd.DataFrame([{"ranking": name, "seed": seed, "found": hit}]))


def words(splits: ns.Splits, out: Path, trained: Sequence[str], found: dict[str, ns.NeuronRanking]) -> None:
    """Accuracy on test of a Gaussian probe, fitted on all of train, on the top 50 of each ranking made from a share of train."""
    table = Table(out / "words.csv", ["words", "ranking"])
    n, gold = len(splits.train.y), splits.test.y
    known = pd.notna(gold)
    classes = np.unique(splits.train.y[pd.notna(splits.train.y)].astype(str))
    for share in SHARES:
        some = () if share not in (SHARES[0], SHARES[-1]) else trained
        split = part_of(splits.train, np.arange(n // share))
        if share == 1:
            rankings = {k: r for k, r in found.items() if k != "random" and not table.has(n, k)}
        else:
            rankings = dict(made(split, lambda name, m=n // share: not table.has(m, name), some))
        if not rankings:
            continue
        codes = gaussian_codes(splits.train, splits.test.activations, [r.top(50) for r in rankings.values()])
        rows = []
        for name, guess in zip(rankings, codes, strict=True):
            right = (classes[guess] == gold)[known]
            score, low, high = of_clusters(right, np.asarray(splits.test.sentences)[known])
            rows.append({"ranking": name, "words": n // share, "score": score, "low": low, "high": high})
        table.add(pd.DataFrame(rows))


def main(arguments: Sequence[str] | None = None) -> None:
    """Rank, compare, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("prop")
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=4_000)
    parser.add_argument("--trained", default=",".join(name for name in TRAINED), help="rankings beyond the shared pass")
    parser.add_argument("--judges", default="gaussian,exact,adam")
    parser.add_argument("--lenses", default="words,again,planted")
    parser.add_argument("--seeds", type=int, default=1, help="draws of the lenses for rankings with training")
    args = parser.parse_args(arguments)
    trained, judges, lenses = (
        [name for name in given.split(",") if name] for given in (args.trained, args.judges, args.lenses)
    )
    args.out.mkdir(parents=True, exist_ok=True)
    splits = ns.Splits.from_store(ns.open_store(args.store), args.prop, rare_labels="keep")
    splits = replace(splits, train=first_words(splits.train, args.train))
    found = ranked(splits, args.out, trained)
    detectors = best_detectors(found, SIZES, detector_scores(splits.test))
    table = agreement(found, SIZES).merge(detectors, on=["ranking", "k"])
    table.round(4).to_csv(args.out / "agreement.csv", index=False)
    for k in SIZES:
        overlaps(found, k).round(3).to_csv(args.out / f"overlap-{k}.csv")
    judged(splits, found, args.out, judges)
    if "words" in lenses:
        words(splits, args.out, trained, found)
    if "again" in lenses:
        again(splits, args.out, trained, args.seeds)
    if "planted" in lenses:
        planted(splits, args.out, trained, args.seeds)


if __name__ == "__main__":
    main()
