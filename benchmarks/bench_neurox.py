"""neurosieve beside NeuroX, in one run, on the same words: stage by stage, and end to end with peak memory.

Each side runs in a process of its own, in turns. Loading of libraries is not timed; loading of the model is.
"""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from typing import Any

import common
import data
import machine

TARGETS = {"extraction": 4.5, "probe": 5.0, "default": 5.0}
LIMIT = "200MB"
PAIRS = [(0.0, 0.0), (1e-5, 1e-3)]


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("against NeuroX")
    python = common.neurox_python(args.neurox)
    model = data.model_folder()
    if model is None:
        raise SystemExit(f"the package {data.MODEL_PACKAGE} is not installed; run `make setup`")
    work = data.WORK / "neurox"
    words = data.corpus(quick=args.quick)
    data.write_text(words, work / "text")
    job = {
        "model": str(model),
        "work": str(work),
        "text": str(work / "text"),
        "quick": args.quick,
        "l1": 1e-3,
        "l2": 1e-3,
        "majority": _majority(words),
    }
    try:
        _stages(report, job, python, repeats=1 if args.quick else 2, quick=args.quick)
        _end_to_end(report, job, python, quick=args.quick)
    finally:
        for path in (work / "stages", work / "whole"):
            shutil.rmtree(path, ignore_errors=True)
        for path in work.glob("*.hdf5"):
            path.unlink()
        report.write(args.out)


def _majority(words: data.ns.Corpus) -> str:
    labels = [str(label) for s in words.split("train").sentences for label in s.labels[data.prop()]]
    return statistics.mode(labels)


def _run(side: str, job: dict[str, Any], python: Path | None = None) -> dict[str, Any]:
    with machine.timed():
        return common.run_side(side, job, python=python)


def _stages(report: machine.Report, job: dict[str, Any], python: Path | None, *, repeats: int, quick: bool) -> None:
    job = {**job, "task": "stages", "epochs": 1 if quick else 2}
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for _ in range(repeats):
        ours.append(_run("ours", job))
        if python is not None:
            theirs.append(_run("neurox", job, python))
    n_words, n_neurons = ours[0]["shape"]
    how = f"{n_words:,} words x {n_neurons:,} neurons, median of {repeats}"
    seconds = [
        {**a["seconds"], "loading": sum(a["seconds"][k] for k in ("opening", "tables", "reading"))} for a in ours
    ]
    report.add("extraction", n_words / _median(seconds, "extraction"), "words/s", note=how)
    report.add(
        "one probe of the 81-pair grid, 10 epochs",
        _median(seconds, "probe"),
        "s",
        note=f"{job['epochs']} epochs, scaled",
    )
    if not theirs:
        report.add("against NeuroX", None, "x", note="no NeuroX environment: benchmarks/make_neurox_env.sh makes it")
        return
    base = [{**b["seconds"], "loading": b["seconds"]["loading"] + b["seconds"]["tensors"]} for b in theirs]
    for side, mine in zip(base, seconds, strict=True):
        side["default"], mine["default"] = 10 * side["probe_of_its_own"], mine["probe"]
    report.add("NeuroX's extraction", n_words / _median(base, "extraction"), "words/s")
    report.add("NeuroX's probe, 10 epochs, batches of 512", _median(base, "probe"), "s")
    for stage, name in (
        ("extraction", "extraction"),
        ("loading", "loading (opening, labels, all activations in memory)"),
        ("probe", "a probe of the grid, its batches of 512 too"),
        ("default", "a probe of the grid, its own batches of 32"),
        ("ordering", "ordering"),
        ("ablation", "ablation, three subsets"),
    ):
        ratios = [b[stage] / a[stage] for a, b in zip(seconds, base, strict=True)]
        spread = f"{_median(base, stage):.3g} s / {_median(seconds, stage):.3g} s; runs {', '.join(f'{r:.3g}' for r in ratios)}"
        report.add(
            f"{name}: times faster than NeuroX", statistics.median(ratios), "x", target=TARGETS.get(stage), note=spread
        )
    report.extra["stages"] = {"ours": ours, "neurox": theirs}


def _median(runs: list[dict[str, float]], stage: str) -> float:
    return statistics.median(run[stage] for run in runs)


def _end_to_end(report: machine.Report, job: dict[str, Any], python: Path | None, *, quick: bool) -> None:
    ours = _run("ours", {**job, "task": "end_to_end", "epochs": 10})
    total = sum(ours["seconds"].values())
    parts = ", ".join(f"{name} {value:.1f}" for name, value in ours["seconds"].items())
    report.add("end to end", total, "s", note=parts)
    report.add("peak memory, end to end", ours["peak"] / 1e6, "MB", better="lower", note=_over(ours))
    tight = _run("ours", {**job, "task": "end_to_end", "epochs": 10, "memory": LIMIT})
    note = f"the same under --memory-limit {LIMIT}, {sum(tight['seconds'].values()):.0f} s; {_over(tight)}"
    report.add(f"peak memory, end to end, limit {LIMIT}", tight["peak"] / 1e6, "MB", better="lower", note=note)
    report.extra["end_to_end"] = {"ours": ours, "limited": tight}
    if python is None:
        return
    step = 0.01 * ours["n_neurons"]
    n_sizes = max(1, round(ours["minimal"] / step))
    sizes = [max(1, round(ours["minimal"] * part)) for part in ((0.5,) if quick else (1 / 6, 3 / 6, 5 / 6))]
    pairs = [*(PAIRS[:1] if quick else PAIRS), (ours["l1"], ours["l2"])]
    theirs = _run(
        "neurox", {**job, "task": "end_to_end", "pairs": pairs, "sizes": sizes, "minimal": ours["minimal"]}, python
    )
    seconds = dict(theirs["seconds"])
    seconds["grid"] *= len(common.GRID) / len(pairs)
    seconds["minimal"] *= n_sizes / len(sizes)
    whole = sum(seconds.values())
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    note = (
        f"{parts}; grid from {len(pairs)} of {len(common.GRID)} pairs, minimal set from {len(sizes)} of {n_sizes} sizes"
    )
    report.add("NeuroX, end to end", whole, "s", note=note)
    report.add("end to end: times faster than NeuroX", whole / total, "x", target=6.0)
    report.add("NeuroX's peak memory, end to end", theirs["peak"] / 1e6, "MB", better="lower", note=_over(theirs))
    report.add("peak memory against NeuroX's", ours["peak"] / theirs["peak"], "of it", target=0.25, better="lower")
    added = [side["peak"] - side["baseline"] for side in (ours, tight, theirs)]
    note = "libraries alone are more than a quarter of NeuroX's peak on these 50,000 words"
    report.add(
        "the same above imported libraries", added[0] / added[2], "of it", target=0.25, better="lower", note=note
    )
    note = "NeuroX's grows with the words, 14 bytes an activation; this does not"
    report.add(f"the same, limit {LIMIT}", added[1] / added[2], "of it", target=0.25, better="lower", note=note)
    report.extra["end_to_end"]["neurox"] = {**theirs, "seconds_scaled": seconds}


def _over(side: dict[str, Any]) -> str:
    return f"{side['baseline'] / 1e6:.0f} MB of it libraries"


if __name__ == "__main__":
    main()
