"""Ray's workers beside one process: how much faster, at what cost, in how much memory, and with the same bytes after kills.

    python benchmarks/bench_cluster.py                        # everything
    python benchmarks/bench_cluster.py --of kills --kills 20  # one part

The study: stories260K and its untrained twin over a slice of EWT, several properties, by the recipe. Every side runs in a
process of its own with one thread; a worker has one processor.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import common
import machine
from kill_campaign import contents

PARTS = ("speed", "memory", "kills", "heads")
STORIES = Path(__file__).parent.parent.parent / "shared" / "data" / "stories260k"
EWT = STORIES.parent / "ud_english_ewt"
SENTENCES = {"speed": (1000, 400), "kills": (300, 100)}
"""Of train, and each of dev and test."""


def slice_of_ewt(folder: Path, *, train: int, rest: int) -> dict[str, str]:
    """The first sentences of each split, in files of their own."""
    files = {}
    for split, n in (("train", train), ("dev", rest), ("test", rest)):
        sentences = (EWT / f"en_ewt-ud-{split}.conllu").read_text(encoding="utf-8").strip().split("\n\n")[:n]
        path = folder / f"{split}.conllu"
        path.write_text("\n\n".join(sentences) + "\n\n", encoding="utf-8")
        files[split] = str(path)
    return files


def study(kind: str, folder: Path) -> dict[str, Any]:
    """The content of a study file."""
    train, rest = SENTENCES[kind]
    model = {"path": str(STORIES), "device": "cpu"}
    whole: dict[str, Any] = {
        "models": [{**model, "name": "stories"}, {**model, "name": "twin", "untrained": 0}],
        "corpora": [{"splits": slice_of_ewt(folder, train=train, rest=rest), "name": "ewt"}],
        "probes": {"memory_limit": "1GB", "seeds": 2, "step": 0.05, "neuron_pages": 5},
        "cluster": {"retries": 50},
    }
    whole["corpora"][0]["properties"] = ["upos", "casing", "xpos"] if kind == "speed" else ["upos", "casing"]
    if kind == "speed":
        whole["probes"] |= {"solver": "adam", "grid": "paper", "epochs": 5, "rare_labels": "keep"}
    if kind == "kills":
        whole["probes"] |= {"solver": "adam", "grid": "quick", "epochs": 3, "ranking": ["weight-mass", "probeless"]}
    return whole


def side(job: dict[str, Any]) -> dict[str, Any]:
    """One run of a study, here or by workers; called in a process of its own."""
    from contextlib import contextmanager
    from functools import partial

    import torch

    from neurosieve.runs.cluster import ray_engine
    from neurosieve.study.run import run_cells
    from neurosieve.study.settings import StudySettings

    torch.set_num_threads(1)
    settings = StudySettings.checked(job["study"])
    found: dict[str, Any] = {}
    started = time.perf_counter()
    if job["workers"] == 0:
        run_cells(settings, job["out"])
        return {"seconds": time.perf_counter() - started, "processor": time.process_time()}
    import ray

    options = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
    ray.init(address="local", num_cpus=job["workers"], object_store_memory=80 << 20, **options)
    found["start"] = time.perf_counter() - started
    stop = threading.Event()
    killed: list[str] = []
    if job.get("kills"):
        threading.Thread(target=kill_workers, args=(job["kills"], job["seed"], stop, killed), daemon=True).start()

    @contextmanager
    def engine(folder: Any, settings: Any, report: Any, **more: Any) -> Any:
        with ray_engine(folder, settings, report, **more) as made:
            found["tasks"] = noted(made)
            yield made
            found["peak"] = made.peak_bytes
            found["share"] = made.job.share.memory

    started = time.perf_counter()
    run_cells(settings, job["out"], engine=partial(engine, address="auto", tasks=settings.cluster))
    found["seconds"] = time.perf_counter() - started
    stop.set()
    found["processor"] = of_the_cluster()
    ray.shutdown()
    return {**found, "killed": killed}


def noted(engine: Any) -> list[dict[str, Any]]:
    """A list to which each task is added as it ends: its number, that of the task whose end let it begin, and its seconds."""
    tasks: list[dict[str, Any]] = []
    numbers: dict[Any, int] = {}
    after: dict[Any, int | None] = {}
    submit, finished = engine.submit, engine.finished

    def submit_and_note(task: Any) -> None:
        after[task] = tasks[-1]["number"] if tasks else None
        numbers[task] = len(numbers)
        submit(task)

    def finish_and_note() -> Any:
        task, outcome = finished()
        seconds = {"seconds": outcome.seconds, "processor": outcome.processor_seconds}
        tasks.append({"number": numbers[task], "task": str(task), "after": after[task], **seconds})
        return task, outcome

    engine.submit, engine.finished = submit_and_note, finish_and_note
    return tasks


def replayed(tasks: list[dict[str, Any]], workers: int) -> float:
    """Seconds in which so many workers do the tasks, each taking its processor time, as it would where nobody else computes."""
    free, ends, waiting = [0.0] * workers, {}, sorted(tasks, key=lambda task: task["number"])
    while waiting:
        ready = [t for t in waiting if t["after"] is None or t["after"] in ends]
        now = min(free)
        chosen = min(ready, key=lambda t: (max(now, ends.get(t["after"], 0.0)), t["number"]))
        place = free.index(now)
        free[place] = ends[chosen["number"]] = max(now, ends.get(chosen["after"], 0.0)) + chosen["processor"]
        waiting.remove(chosen)
    return max(free)


def of_the_cluster() -> float:
    """Processor seconds of this process, of Ray's own, and of the workers that live."""
    import psutil

    me = psutil.Process()
    return sum(sum(p.cpu_times()[:2]) for p in [me, *me.children(recursive=True)])


def kill_workers(most: int, seed: int, stop: threading.Event, killed: list[str]) -> None:
    """End workers that are at a task, one after the other at random moments."""
    import psutil

    from neurosieve.study.stage import STAGES
    from neurosieve.study.tasks import BEGIN, SHARDS, STORE

    generator = random.Random(seed)
    names = {f"ray::{name}" for name in (BEGIN, SHARDS, STORE, *STAGES)}
    while len(killed) < most and not stop.wait(generator.uniform(0.5, 6.0)):
        mine = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] and p.info["cmdline"][0] in names]
        mine = [p for p in mine if os.getpid() in {parent.pid for parent in p.parents()}]
        if mine:
            chosen = generator.choice(mine)
            killed.append(chosen.info["cmdline"][0].removeprefix("ray::"))
            chosen.kill()


def in_a_process(job: dict[str, Any], *, kill_after: float | None = None) -> dict[str, Any] | None:
    """What `side` gives in a process of its own with one thread; None if that was killed after so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder, "job.json"), Path(folder, "answer.json")
        request.write_text(json.dumps(job), encoding="utf-8")
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
        environment = {**os.environ, **threads, "RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
        command = [sys.executable, "-W", "ignore", __file__, "--side", str(request), str(answer)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        try:
            said = process.communicate(timeout=kill_after)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None
        if process.returncode:
            raise common.SideError(said.decode(errors="replace")[-3000:])
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found


def differing(a: Path, b: Path) -> list[str]:
    """Names of the files that two runs have not both, or not alike."""
    before, after = contents(a), contents(b)
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def speed(report: machine.Report, base: Path) -> None:
    """One process, one worker and two: by the clock, and by processor time, which others on the machine disturb less."""
    job = {"study": study("speed", base), "workers": 0}
    runs = {}
    with machine.timed():
        for name, workers in (("here", 0), ("one", 1), ("two", 2)):
            runs[name] = in_a_process({**job, "workers": workers, "out": str(base / name)}) or {}
    report.extra["speed"] = runs
    here, one, two = (runs[name]["seconds"] for name in ("here", "one", "two"))
    work = {name: sum(task["processor"] for task in runs[name]["tasks"]) for name in ("one", "two")}
    longest = max(task["processor"] for task in runs["one"]["tasks"])
    note = f"{len(runs['one']['tasks'])} tasks of {work['one']:.0f} s, the longest {longest:.1f}"
    report.add("two workers beside one, by the clock", one / two, "x", note=f"{one:.1f} s and {two:.1f} s", target=1.7)
    report.add(
        "two workers beside one, tasks replayed by processor time",
        replayed(runs["one"]["tasks"], 1) / replayed(runs["one"]["tasks"], 2),
        "x",
        note=note,
        target=1.7,
    )
    report.add(
        "one worker beside one process, by the clock", one / here, "x", better="lower", note=f"{here:.1f} s here"
    )
    report.add(
        "tasks beside one process, processor time",
        work["one"] / runs["here"]["processor"],
        "x",
        better="lower",
        note=f"{runs['here']['processor']:.0f} s here, its start included",
        target=1.05,
    )
    beside = runs["one"]["processor"] - work["one"]
    report.add("Ray, the head and the starts of workers, processor time", beside, "s", better="lower")
    report.add("start of a cluster of one machine, by the clock", runs["two"]["start"], "s", better="lower")
    for name in ("one", "two"):
        n = len(differing(base / "here", base / name))
        report.add(f"files that differ, {name}", n, "files", better="lower", target=0)


def memory(report: machine.Report, base: Path) -> None:
    """A store that is larger than the task's memory leaves it."""
    import numpy as np

    import neurosieve as ns

    n_words, n_neurons = 60_000, 2048
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_words, n_neurons), dtype=np.float32).astype(np.float16)
    labels = {"tag": [f"L{i}" for i in generator.integers(0, 20, n_words)]}
    splits = np.repeat(["train", "dev", "test"], [n_words - 4000, 2000, 2000])
    ns.store_from_arrays(base / "store", X, labels=labels, splits=splits, sentences=np.arange(n_words) // 20)
    del X
    content = {
        "stores": [{"path": str(base / "store"), "properties": ["tag"], "model": "random", "corpus": "noise"}],
        "probes": {
            "solver": "adam",
            "grid": "quick",
            "epochs": 1,
            "batch_size": 4096,
            "seeds": 1,
            "step": 0.5,
            "control": False,
            "neuron_pages": 0,
        },
        "cluster": {"memory": "0.85GB"},
    }
    found = in_a_process({"study": content, "workers": 2, "out": str(base / "memory")}) or {}
    note = (
        f"{found['peak'] / 1e9:.2f} GB of {found['share'] / 1e9:.2f}, a store of {2 * n_words * n_neurons / 1e9:.2f} GB"
    )
    report.add(
        "largest worker beside its share", found["peak"] / found["share"], "x", better="lower", note=note, target=1.0
    )


def kills(report: machine.Report, base: Path, most: int) -> None:
    """Workers that are killed at random moments."""
    job = {"study": study("kills", base), "workers": 2}
    in_a_process({**job, "workers": 0, "out": str(base / "undisturbed")})
    done, rounds, differ, what = 0, 0, 0, []
    while done < most:
        out = base / f"killed-{rounds}"
        found = in_a_process({**job, "out": str(out), "kills": most - done, "seed": rounds}) or {}
        changed = differing(base / "undisturbed", out)
        if changed:
            differ += 1
            print(f"  {out.name}: {', '.join(changed[:5])}", file=sys.stderr)
        done, rounds = done + len(found["killed"]), rounds + 1
        what += found["killed"]
        print(f"  {done} kills in {rounds} runs, {differ} differ", flush=True)
    report.extra["killed"] = what
    report.add(
        "runs that differ after killed workers",
        differ,
        "runs",
        better="lower",
        note=f"{done} kills, {rounds} runs",
        target=0,
    )


def heads(report: machine.Report, base: Path, most: int) -> None:
    """The process that hands out tasks, killed at random moments and started again."""
    job = {"study": study("kills", base), "workers": 2, "out": str(base / "heads")}
    if not (base / "undisturbed").is_dir():
        in_a_process({**job, "workers": 0, "out": str(base / "undisturbed")})
    generator = random.Random(0)
    done = 0
    while done < most and in_a_process(job, kill_after=generator.uniform(8, 40)) is None:
        done += 1
    in_a_process(job)
    changed = differing(base / "undisturbed", base / "heads")
    report.add(
        "files that differ after killed heads", len(changed), "files", better="lower", note=f"{done} kills", target=0
    )


def main() -> None:
    if sys.argv[1:2] == ["--side"]:
        request, answer = map(Path, sys.argv[2:])
        answer.write_text(json.dumps(side(json.loads(request.read_text(encoding="utf-8")))), encoding="utf-8")
        return
    args = common.options(
        __doc__ or "",
        of={"nargs": "+", "choices": PARTS, "default": PARTS, "help": "some parts"},
        kills={"type": int, "default": 20, "help": "workers to kill"},
    )
    if not EWT.is_dir():
        raise SystemExit(f"{EWT}: is not there, and the study is of its words")
    report = machine.Report("cluster")
    base = Path(tempfile.mkdtemp(prefix="neurosieve-cluster-"))
    try:
        parts: dict[str, Any] = {
            "speed": lambda: speed(report, base),
            "memory": lambda: memory(report, base),
            "kills": lambda: kills(report, base, 3 if args.quick else args.kills),
            "heads": lambda: heads(report, base, 1 if args.quick else 3),
        }
        for name in args.of:
            parts[name]()
    finally:
        report.write(args.out)
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
