"""neurosieve's side, run in a process of its own: ``side_ours.py JOB.json ANSWER.json``."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import common
import data
import memory
import neurosieve as ns
from neurosieve.probes.memory import memory_limit


class Clock:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def _fresh(path: str) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    return Path(path)


def stages(job: dict[str, Any]) -> dict[str, Any]:
    """One run through the single stages, on the words of train."""
    clock = Clock()
    words = data.corpus(quick=job["quick"]).split("train")
    out = _fresh(job["work"] + "/stages")
    with clock("extraction"):
        store = ns.extract(words, ns.load_model(job["model"]), out)
    with clock("opening"):
        train = ns.open_store(out).split("train")
    with clock("tables"):
        y = train.labels(data.prop())
    with clock("reading"):
        X = train.read(0, train.n_words)
    with clock("grid"):
        specs = [ns.ProbeSpec(y, l1=l1, l2=l2) for l1, l2 in common.GRID]
        probes = ns.fit_probes(X, specs, epochs=job["epochs"], solver="adam")
    best = next(p for p in probes if (p.l1, p.l2) == (job["l1"], job["l2"]))
    with clock("ordering"):
        ranking = ns.weight_mass_ranking(best)
    split = ns.LabelledSplit(train, y, train.words["word"].to_numpy(dtype=object))
    with clock("ablation"):
        result = ns.ablate(best, ranking, split)
    seconds = {**clock.seconds, "probe": clock.seconds["grid"] * 10 / job["epochs"] / len(specs)}
    accuracy = {"keep_top": result.accuracy["top"], "keep_bottom": result.accuracy["bottom"]}
    return {"seconds": seconds, "accuracy": accuracy, "shape": [store.n_words, store.n_neurons]}


def end_to_end(job: dict[str, Any]) -> dict[str, Any]:
    """The whole chain, nothing left out."""
    clock = Clock()
    words = data.corpus(quick=job["quick"])
    with clock("extraction"):
        store = ns.extract(words, ns.load_model(job["model"]), _fresh(job["work"] + "/whole"))
    with clock("loading"):
        splits = ns.Splits.from_store(store, data.prop(), rare_labels="keep")
    with clock("grid"):
        search = ns.search_lambdas(splits, grid=common.GRID, epochs=job["epochs"], solver="adam")
    with clock("ablation"):
        ranking = ns.weight_mass_ranking(search.probe)
        ablation = ns.ablate(search.probe, ranking, splits.test)
    with clock("minimal"):
        minimal = ns.minimal_neurons(search.probe, ranking, splits, epochs=job["epochs"], solver="adam")
    smallest = minimal.sets[0.005]
    with clock("control"):
        control = ns.ControlTask(random_state=0).apply(splits)
        specs = [
            ns.ProbeSpec(control.train.y, l1=search.l1, l2=search.l2, neurons=neurons)
            for neurons in (None, smallest.neurons)
        ]
        fitted = ns.fit_probes(control.train.activations, specs, epochs=job["epochs"], solver="adam")
        memorised = ns.score_probes(control.test.activations, fitted, control.test.y)
    return {
        "seconds": clock.seconds,
        "l1": search.l1,
        "l2": search.l2,
        "n_neurons": store.n_neurons,
        "minimal": len(smallest.neurons),
        "tried": len(minimal.curve),
        "accuracy": dict(ablation.accuracy),
        "control": memorised.tolist(),
        "n_words": {name: b - a for name, (a, b) in store.manifest["splits"].items()},
    }


def fit(job: dict[str, Any]) -> dict[str, Any]:
    """Fit the first probes of the grid on one split of a store: time, and memory under a limit."""
    view = ns.open_store(job["store"]).split("train")
    y = view.labels(data.prop())
    specs = [ns.ProbeSpec(y, l1=l1, l2=l2) for l1, l2 in common.GRID[: job["probes"]]]
    ns.fit_probes(
        view.select(neurons=[0, 1]), specs[:1], epochs=1, memory_limit=1, solver="adam"
    )  # threads and kernels are ready
    start = time.perf_counter()
    with memory.AnonymousPeak() as held:
        probes = ns.fit_probes(view, specs, epochs=job["epochs"], memory_limit=job["limit"], solver="adam")
    seconds = time.perf_counter() - start
    with memory.AnonymousPeak() as held_scoring:
        scores = ns.score_probes(view, probes[:4], y, memory_limit=job["limit"])
    weights = sum(p.coef_.size for p in probes)
    return {
        "seconds": {"fit": seconds},
        "added": held.added,
        "added_scoring": held_scoring.added,
        "weights": weights,
        "accuracy": float(scores.max()),
        "data": view.n_words * view.n_neurons * view.dtype.itemsize,
        "n_words": view.n_words,
    }


def main() -> None:
    """Do the job that the first argument names, and write the answer to the second."""
    import pandas  # noqa: F401 (libraries are loaded before a clock starts, as on NeuroX's side)
    import pyarrow.parquet  # noqa: F401
    import torch
    from transformers import BertModel, BertTokenizerFast  # noqa: F401

    for name in ("extract", "load_model", "fit_probes", "search_lambdas", "minimal_neurons", "ControlTask"):
        getattr(ns, name)  # which imports it
    baseline = memory.peak()
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with memory_limit(job.get("memory")), memory.AnonymousPeak() as held:
        answer = {"stages": stages, "end_to_end": end_to_end, "fit": fit}[job["task"]](job)
    answer["held"] = held.bytes
    answer.update(baseline=baseline, peak=memory.peak(), threads=torch.get_num_threads())
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
