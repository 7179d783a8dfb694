"""Real values: all pairs and subsets from one Gram matrix, against reading the store, and against the ten-epoch recipe.

On the words of the corpus under the small real model, with the words' lengths as values. All sides run one after the
other, a few times over; what is reported are medians of the ratios of each round.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

import common
import data
import machine
import neurosieve as ns
from neurosieve.experiments.search import GRIDS

ProbeSpec = ns.ProbeSpec
PAIR = (1e-3, 1e-3)


def main() -> None:
    store = {"type": Path, "help": "store to run on; by default the one that all benches share"}
    args = common.options(__doc__ or "", store=store)
    report = machine.Report("values")
    train = (ns.open_store(args.store) if args.store else data.store(quick=args.quick)).split("train")
    y = train.words["word"].str.len().to_numpy(dtype=float)
    specs = [ProbeSpec(y, l1=l1, l2=l2, loss="squared") for l1, l2 in GRIDS["paper"]]
    order = np.random.default_rng(0).permutation(train.n_neurons)
    sizes = np.linspace(0.004, 0.4, 100) * train.n_neurons
    l1, l2 = PAIR
    subsets = [
        ProbeSpec(y, l1=l1, l2=l2, loss="squared", neurons=np.sort(order[: max(1, round(size))])) for size in sizes
    ]
    probes: dict[str, list[ns.FittedProbe]] = {}

    def fit(name: str, some: list[ProbeSpec], solver: str) -> Callable[[], None]:
        def run() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of pairs without a penalty, which nothing bounds
                probes[name] = ns.fit_probes(train, some, solver)

        return run

    runs: dict[str, Callable[[], object]] = {
        "reading": lambda: [part.sum(dtype=np.float64) for _, part in train.batches()],
        "pairs": fit("pairs", specs, "exact"),
        "subsets": fit("subsets", subsets, "exact"),
        "recipe": fit("recipe", specs, "adam"),
    }
    try:
        walls = machine.interleaved(runs, repeats=1 if args.quick else 3)
        how = f"{train.n_words:,} words x {train.n_neurons:,} neurons"
        report.add("64 pairs, exact / recipe", machine.ratio(walls, "pairs", "recipe"), "x", better="lower", note=how)
        both = machine.ratio(walls, "pairs", "reading") + machine.ratio(walls, "subsets", "reading")
        report.add("64 pairs and 100 subsets, exact / reading", both, "x", target=3.0, better="lower", note=how)
        rate = machine.product_rate(rows=train.n_neurons, columns=train.n_neurons, batch=4096)
        floor = train.n_words * train.n_neurons**2 / rate
        note = f"floor: the half of a product that gives the Gram matrix, {floor:.1f} s"
        report.add("64 pairs, achieved / floor", min(walls["pairs"]) / floor, "x", better="lower", note=note)
        bounded = [i for i, spec in enumerate(specs) if spec.l1 > 0 and spec.l2 > 0]
        gaps = [probes["pairs"][i].gap_ / probes["pairs"][i].objective_ for i in bounded]
        report.add("worst relative gap of pairs with both penalties", max(gaps), "", better="lower")
        bounds = [probes["pairs"][i].objective_ - probes["pairs"][i].gap_ for i in bounded]
        above = [probes["recipe"][i].objective_ / b - 1 for i, b in zip(bounded, bounds, strict=True)]
        report.add("the recipe above the certified bound, median", median(above), "of it", better="lower")
    finally:
        report.write(args.out)


if __name__ == "__main__":
    main()
