"""A model of what a study costs: fitted to small measurements, checked on runs that it has not seen, asked about large ones.

    python benchmarks/bench_scale.py --out FILE

Everything is in seconds of one core's processor time, of the recipe (solver adam), so that others on the machine disturb little.
docs/scale.md explains the terms and holds the figures.
"""

from __future__ import annotations

import heapq
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import common  # its settings must precede torch

# isort: split
import numpy as np
import torch
from scipy.optimize import nnls

import data
import machine
import neurosieve as ns
from neurosieve.probes.plan import plan_groups
from neurosieve.probes.predict import score_probes

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
BASE = {"words": 4096, "neurons": 1024, "labels": 20, "probes": 8}
AXES = {
    "words": (1024, 16384),
    "neurons": (256, 4096),
    "labels": (3, 100, 400),
    "probes": (1, 32),
}
CORNERS = (
    {"words": 8192, "neurons": 2688, "labels": 49, "probes": 1},
    {"words": 2048, "neurons": 9984, "labels": 22, "probes": 4},
    {**BASE, "epochs": 4},
    {**BASE, "neurons": 100, "stored": 4096},
    {**BASE, "words": 16384, "neurons": 40, "stored": 400, "epochs": 4},
)
BATCH, STEP, AT_ONCE, KEPT_VARIANTS = 512, 0.01, 10, 7


# The model ------------------------------------------------------------------------------------------------------------


def fit_terms(
    *, words: float, neurons: float, labels: float, probes: float, epochs: float = 1, stored: float = 0
) -> np.ndarray:
    """What a fit of a group by Adam spends, in passes: rows, products, softmax, updates of weights; and once: reading whole
    rows of `stored` neurons (all that are read by default), labels, its start."""
    rows, passed = probes * labels, epochs * words
    steps = np.ceil(words / BATCH) * epochs
    in_passes = [passed * neurons, passed * neurons * rows, passed * rows, steps * neurons * rows]
    return np.array([*in_passes, words * max(stored, neurons), words, 1.0])


def score_terms(*, words: float, neurons: float, labels: float, probes: float, stored: float = 0) -> np.ndarray:
    """What scoring spends: rows, a product, the largest scores, comparing; reading whole rows, stacking the weights, its start."""
    rows = probes * labels
    each = [words * neurons, words * neurons * rows, words * rows, words * probes]
    return np.array([*each, words * max(stored, neurons), neurons * rows, 1.0])


@dataclass
class Model:
    """Seconds a unit of each term."""

    fit: np.ndarray
    score: np.ndarray
    extract: np.ndarray

    def fits(self, **size: float) -> float:
        return float(self.fit @ fit_terms(**size))

    def scores(self, **size: float) -> float:
        return float(self.score @ score_terms(**size))

    def extraction(self, *, subwords: float, weights: float) -> float:
        return float(self.extract @ [subwords * weights, subwords])

    def cell(self, c: Cell) -> dict[str, float]:
        """Seconds of each stage of a cell that cost something, by the recipe."""
        of = {"words": c.words, "labels": c.labels, "epochs": c.epochs}
        most = (1 << 26) // max(1, c.labels * c.neurons)
        groups = int(np.ceil(c.pairs / max(1, most)))
        search = groups * self.fits(neurons=c.neurons, probes=c.pairs / groups, **of)
        search += self.scores(words=c.held_out, neurons=c.neurons, labels=c.labels, probes=c.pairs * 3)
        one = self.fits(neurons=c.neurons, probes=1, **of)
        oracles = (c.seeds - 1) * one + 2 * self.scores(
            words=2 * c.held_out, neurons=c.neurons, labels=c.labels, probes=c.seeds
        )
        ablation = self.scores(words=2 * c.held_out, neurons=c.neurons, labels=c.labels, probes=c.seeds * KEPT_VARIANTS)
        ablation += float(self.score[0] * c.words * c.neurons)  # the means of the columns
        minimal = sum(self._minimal(c, share) for share in c.tried)
        sets = [max(1, round(share * c.neurons)) for share in c.sets]
        control = c.seeds * self._nested([*sets, c.neurons], c)
        found = {"search": search, "oracles": oracles, "ablation": ablation, "minimal": minimal}
        return {**found, **({"control": control} if c.control else {})}

    def _minimal(self, c: Cell, share: float) -> float:
        """One seed's sizes, up to a share of the neurons, ten at a time."""
        n = min(round(share / c.step), round(1 / c.step) - 1)
        sizes = [max(1, round(c.step * i * c.neurons)) for i in range(1, n + 1)]
        return sum(self._nested(sizes[i : i + AT_ONCE], c) for i in range(0, n, AT_ONCE))

    def _nested(self, sizes: list[int], c: Cell) -> float:
        """Probes on nested sets, in the groups that the engine makes of them, and their scores."""
        scale = max(1, c.neurons // 1000)  # the plan depends on proportions
        subsets = [None if size == c.neurons else np.arange(max(1, size // scale)) for size in sizes]
        groups = plan_groups(subsets, [c.labels] * len(sizes), n_neurons=c.neurons // scale)
        total = 0.0
        for group in groups:
            width = max(sizes[i] for i in group.members)
            size = {"neurons": width, "labels": c.labels, "stored": c.neurons}
            total += self.fits(words=c.words, probes=len(group.members), epochs=c.epochs, **size)
            total += self.scores(words=c.held_out, probes=len(group.members), **size)
        return total


@dataclass
class Cell:
    """Sizes of a cell; `tried` is the share of the neurons up to which each seed's minimal sets were looked for."""

    name: str
    words: float
    held_out: float
    neurons: int
    labels: int
    pairs: int = 64
    epochs: int = 10
    seeds: int = 3
    step: float = STEP
    tried: tuple[float, ...] = (0.35, 0.35, 0.35)
    sets: tuple[float, ...] = (0.3, 0.15)
    control: bool = True


# Measured -------------------------------------------------------------------------------------------------------------


def cpu(run: Any, repeats: int = 2) -> float:
    """Least processor seconds of a few calls."""
    found = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        found.append(time.process_time() - started)
    return min(found)


def relative(terms: list[np.ndarray], seconds: list[float]) -> tuple[np.ndarray, float]:
    """Coefficients that are not negative, least squares of the relative errors; and the worst of these."""
    A, s = np.array(terms), np.array(seconds)
    scale = A.max(axis=0)
    found = nnls(A / scale / s[:, None], np.ones(len(s)))[0] / scale
    return found, float(np.abs(A @ found / s - 1).max())


def split_of(folder: Path, words: int, neurons: int, *, labels: int) -> Any:
    """The training split of a store of random activations, with labels in words, as a study reads it."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((words + 2, neurons), dtype=np.float32).astype(np.float16)
    tags = [f"L{i % labels}" for i in range(words + 2)]
    names = ["train"] * words + ["dev", "test"]
    store = ns.store_from_arrays(folder / "store", X, labels={"tag": tags}, splits=np.array(names))
    return ns.Splits.from_store(store, "tag", rare_labels="keep").train


def calibrate(report: machine.Report) -> Model:
    sizes = [BASE, *({**BASE, axis: size} for axis, values in AXES.items() for size in values), *CORNERS]
    fits, fit_seconds, scores, score_seconds = [], [], [], []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            train = split_of(Path(folder), size["words"], size.get("stored", size["neurons"]), labels=size["labels"])
            chosen = np.arange(size["neurons"]) if "stored" in size else None
            pairs = np.geomspace(1e-5, 1e-2, size["probes"])
            specs = [ns.ProbeSpec(train.y, l1=1e-4, l2=l2, neurons=chosen) for l2 in pairs]
            probes: list[Any] = []

            def fit(
                train: Any = train, specs: Any = specs, probes: Any = probes, epochs: int = size.get("epochs", 1)
            ) -> None:
                probes[:] = ns.fit_probes(train.activations, specs, epochs=epochs, solver="adam")

            fits.append(fit_terms(**size))
            fit_seconds.append(cpu(fit))
            scores.append(score_terms(**{name: value for name, value in size.items() if name != "epochs"}))
            score_seconds.append(cpu(lambda t=train, p=probes: score_probes(t.activations, p, t.y)))
    report.extra["points"] = [
        {**size, "fit": f, "score": s} for size, f, s in zip(sizes, fit_seconds, score_seconds, strict=True)
    ]
    fit_model, worst = relative(fits, fit_seconds)
    report.add("fits: worst error of the fitted curve", worst, "share", better="lower", note=f"{len(sizes)} sizes")
    score_model, worst = relative(scores, score_seconds)
    report.add("scores: worst error of the fitted curve", worst, "share", better="lower", note=f"{len(sizes)} sizes")
    terms, seconds = [], []
    corpus = ns.load_corpus(SHARED / "ud_english_ewt" / "en_ewt-ud-dev.conllu")
    for path, stride, options in (
        (SHARED / "stories260k", 4, {}),
        (data.model_folder(), 8, {}),
        (data.bert_base_folder(), 32, {"untrained": 0}),
    ):
        few = ns.Corpus(corpus.sentences[::stride], name="few")
        model = ns.load_model(path, **options)
        details = embedded(model, few)
        terms.append(np.array([details * weights_of(model), details]))
        seconds.append(cpu(lambda model=model, few=few: extracted(model, few), repeats=1))
    extract, worst = relative(terms, seconds)
    report.add("extraction: worst error of the fitted curve", worst, "share", better="lower", note="3 models")
    model = Model(fit_model, score_model, extract)
    report.extra["coefficients"] = {name: getattr(model, name).tolist() for name in ("fit", "score", "extract")}
    return model


def weights_of(model: Any) -> float:
    """Weights that a sub-word is multiplied with: all but the embeddings."""
    network = model._reader._model
    return float(sum(p.numel() for name, p in network.named_parameters() if "embed" not in name))


def embedded(model: Any, corpus: ns.Corpus) -> float:
    """Sub-words of a corpus."""
    return float(model.embed([s.words for s in corpus.sentences]).n_subwords.sum())


def extracted(model: Any, corpus: ns.Corpus) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ns.extract(corpus, model, Path(folder) / "store")


# Checked --------------------------------------------------------------------------------------------------------------


def check(
    report: machine.Report, model: Model, name: str, path: Path, *, train: int, rest: int, prop: str, **options: Any
) -> None:
    """Run a study by the recipe and compare what it took with what the model says."""
    from neurosieve.study import cell as study_cell
    from neurosieve.study.run import run_cells
    from neurosieve.study.settings import StudySettings

    probes = {
        "solver": "adam",
        "grid": "quick",
        "epochs": 4,
        "seeds": 2,
        "step": 0.02,
        "neuron_pages": 0,
        **options.pop("probes", {}),
    }
    base = Path(tempfile.mkdtemp(prefix="neurosieve-scale-"))
    splits = {}
    for split, n in (("train", train), ("dev", rest), ("test", rest)):
        sentences = (
            (SHARED / "ud_english_ewt" / f"en_ewt-ud-{split}.conllu").read_text(encoding="utf-8").strip().split("\n\n")
        )
        splits[split] = str(base / f"{split}.conllu")
        Path(splits[split]).write_text("\n\n".join(sentences[:n]) + "\n\n", encoding="utf-8")
    content = {
        "models": [{"path": str(path), "name": name, **options}],
        "corpora": [{"splits": splits, "properties": [prop], "name": "ewt"}],
        "probes": {**probes, "rare_labels": "keep"},
    }
    study_cell.time = SimpleNamespace(perf_counter=time.process_time)  # type: ignore[attr-defined]
    started = time.process_time()
    run_cells(StudySettings.checked(content), base / "run")
    whole = time.process_time() - started
    run = ns.open_run(base / "run")
    c = run.cells[0]
    took = {stage: c.result(stage).seconds for stage in c.finished}
    words = c.result("data")["words"].set_index("split")["n_words"]
    curves, sets = c.result("minimal")["curves"], c.result("minimal")["minimal"]
    of_sets = sets.groupby("delta")["n_neurons"].mean() / c.store.n_neurons
    said = model.cell(
        Cell(
            name,
            words=float(words["train"]),
            held_out=float(words[["dev", "test"]].mean()),
            neurons=c.store.n_neurons,
            labels=int(c.result("data")["about"]["n_labels"].iloc[0]),
            pairs=16,
            epochs=probes["epochs"],
            seeds=probes["seeds"],
            step=probes["step"],
            tried=tuple(float(v) for v in curves.groupby("seed")["fraction"].max()),
            sets=tuple(of_sets),
        )
    )
    ratio = sum(said.values()) / sum(took[stage] for stage in said)
    rest_share = (whole - sum(took[stage] for stage in said)) / whole
    report.extra.setdefault("checks", {})[name] = {"said": said, "took": took, "whole": whole}
    report.add(
        f"check, {name}: error of what was said",
        abs(ratio - 1),
        "share",
        better="lower",
        target=0.25,
        note=f"{sum(took[s] for s in said):.0f} s; the rest of the run is {100 * rest_share:.0f} % of it",
    )
    shutil.rmtree(base, ignore_errors=True)


# Said -----------------------------------------------------------------------------------------------------------------

TASKS = {
    "POS": (880_000, 130_000, 44),
    "SEM": (50_000, 7_000, 73),
    "CHUNK": (190_000, 47_000, 22),
    "CCG": (950_000, 50_000, 1272),
}
"""Words of train and of each of dev and test (rounded), and the paper's labels."""
NETWORKS = {"BERT": (9984, 85e6), "XLNet": (9984, 85e6), "T-ELMo": (7168, 50e6), "ELMo": (3072, 90e6)}
"""Neurons, and weights of the blocks (rounded)."""
SUBWORDS = 1.3


def paper(model: Model) -> dict[str, Any]:
    """Core hours of the paper's cells, and hours on machines of several sizes."""
    cells, jobs = {}, []
    for network, (neurons, weights) in NETWORKS.items():
        for task, (words, held_out, labels) in TASKS.items():
            whole = words + 2 * held_out
            extraction = model.extraction(subwords=SUBWORDS * whole, weights=weights)
            stages = model.cell(Cell(task, words, held_out, neurons, labels))
            cells[f"{network} {task}"] = {"extraction": extraction / 3600, **{k: v / 3600 for k, v in stages.items()}}
            jobs.append((extraction, stages))
    some = [job for job, name in zip(jobs, cells, strict=True) if not name.endswith("CCG")]
    hours = {
        f"{cores} cores, tasks of {threads}": [
            schedule(part, cores // threads, threads) / 3600 for part in (jobs, some)
        ]
        for cores, threads in ((1, 1), (16, 1), (16, 4), (256, 1), (256, 16))
    }
    core_hours = sum(sum(stages.values()) for stages in cells.values())
    return {"cells": cells, "core_hours": core_hours, "hours, and without CCG": hours}


EFFICIENCY = 0.7
"""What a task of several threads makes of them, assumed."""


def schedule(jobs: list[tuple[float, dict[str, float]]], workers: int, threads: int) -> float:
    """Seconds until all is done, the tasks in the order in which they become ready, as the plan of a run has them."""
    speed = threads if threads == 1 else threads * EFFICIENCY
    now, free, ready, running = 0.0, workers, [], []
    for number, (extraction, _) in enumerate(jobs):
        ready += [(number, "shards", extraction / 16)] * 16  # ranges of shards
    left = dict.fromkeys(range(len(jobs)), 16)
    while ready or running:
        while ready and free:
            number, what, seconds = ready.pop(0)
            heapq.heappush(running, (now + seconds / speed, number, what))
            free -= 1
        now, number, what = heapq.heappop(running)
        free += 1
        stages = jobs[number][1]
        if what == "shards":
            left[number] -= 1
            ready += [] if left[number] else [(number, "search", stages["search"])]
        elif what == "search":
            ready.append((number, "oracle", stages["oracles"] / 3))
            ready += [(number, "oracle", stages["oracles"] / 3)] * 2
            left[number] = 3
        elif what in ("oracle", "minimal"):
            left[number] -= 1
            if not left[number]:
                after = {"oracle": "minimal", "minimal": "control"}[what]
                ready += [(number, after, stages[after] / 3)] * 3
                ready += [(number, "ablation", stages["ablation"])] if what == "oracle" else []
                left[number] = 3
    return now


def large(model: Model) -> dict[str, float]:
    """All gated units of a model of 8 billion weights (32 blocks x 14,336) over ten million words, 49 labels, 64 pairs."""
    words, neurons, labels, pairs = 1e7, 32 * 14336, 49, 64
    most = (1 << 26) // (labels * neurons)
    groups = int(np.ceil(pairs / most))
    fits = groups * model.fits(words=0.9 * words, neurons=neurons, labels=labels, probes=pairs / groups, epochs=10)
    return {
        "store_tb": 2 * words * neurons / 1e12,
        "extraction_core_hours": model.extraction(subwords=SUBWORDS * words, weights=7.5e9) / 3600,
        "extraction_pflop": 2 * SUBWORDS * words * 7.5e9 / 1e15,
        "search_core_hours": fits / 3600,
        "search_pflop": 4 * 0.9 * words * neurons * labels * pairs * 10 / 1e15,
        "search_groups": groups,
        "search_read_tb": groups * 10 * 2 * 0.9 * words * neurons / 1e12,
        "weights_gb_of_a_probe": 16 * labels * neurons / 1e9,
    }


def main() -> None:
    args = common.options(__doc__ or "")
    torch.set_num_threads(1)
    report = machine.Report("scale")
    try:
        model = calibrate(report)
        check(report, model, "stories260K", SHARED / "stories260k", train=4000, rest=1000, prop="upos")
        check(report, model, "MiniLM", data.model_folder(), train=500, rest=200, prop="xpos", probes={"epochs": 2})
        check(
            report,
            model,
            "BERT-base shape",
            data.bert_base_folder(),
            train=100,
            rest=60,
            prop="upos",
            untrained=0,
            probes={"epochs": 3, "step": 0.05},
        )
        report.extra |= {"paper": paper(model), "large": large(model)}
        print(
            json.dumps(report.extra["paper"]["hours, and without CCG"], indent=1),
            json.dumps(report.extra["large"], indent=1),
        )
    finally:
        report.write(args.out)


if __name__ == "__main__":
    main()
