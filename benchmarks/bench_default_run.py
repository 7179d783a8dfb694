"""The default run against the one before it, which solved everything to the tolerance, and against the paper's recipe.

All sides run `neurosieve run` on the same store, each in a process of its own, one after the other. Time is told by stage, by the
clock and of the processor: where others use the machine, ratios of processor time are what counts. What they answer is compared
as well: the score of the chosen pair in the table of the side that solved all pairs, minimal sets, selectivity and gaps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import common
import data
import machine

BEFORE = "dd48329"
"""The last version that solved every pair, every size and every control probe to the tolerance."""

STAGES = ("search", "oracles", "ablation", "minimal", "control", "baselines")
RECIPE = ("--recipe", "paper")


def main() -> None:
    args = common.options(
        __doc__ or "",
        store={"type": Path, "help": "store to run on; by default the one that all benches share"},
        property={"default": None, "help": "property to probe"},
        before={"default": BEFORE, "help": "version to compare with"},
        sides={"default": "before,recipe,now", "help": "which of before, recipe and now to run"},
        standardize={"action": "store_true", "help": "run all sides with --standardize"},
        keep={"type": Path, "help": "folder for the runs, kept; finished ones there are taken as they are"},
    )
    report = machine.Report("default-run")
    store = args.store or data.store(quick=args.quick).path
    prop = args.property or data.prop()
    always = ("--standardize",) if args.standardize else ()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        sides: dict[str, dict[str, Any]] = {}
        try:
            for side in args.sides.split(","):
                sources = _sources(args.before, Path(scratch)) if side == "before" else common.HERE.parent / "src"
                sides[side] = _run(
                    store, prop, folder / side, sources, (*always, *(RECIPE if side == "recipe" else ()))
                )
                _times(report, side, sides[side])
            _compare(report, sides)
            report.extra["sides"] = sides
        finally:
            report.write(args.out)


def _sources(commit: str, scratch: Path) -> Path:
    """The sources of a version, taken out of the repository's history."""
    archive = subprocess.run(
        ["git", "-C", str(common.HERE.parent), "archive", commit, "src"], check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x", "-C", str(scratch)], input=archive.stdout, check=True)
    return scratch / "src"


def _run(store: Path, prop: str, out: Path, sources: Path, options: tuple[str, ...]) -> dict[str, Any]:
    """Run one side; what it spent by stage, as (seconds by the clock, seconds of the processor), and what it found."""
    answer, request = out.with_suffix(".answer.json"), out.with_suffix(".job.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not answer.is_file():
        command = ["run", "--store", str(store), "--property", prop, "--out", str(out), "--quiet", *options]
        request.write_text(json.dumps({"arguments": command}), encoding="utf-8")
        with machine.timed():
            subprocess.run(
                [sys.executable, "-W", "ignore", str(common.HERE / "side_run.py"), str(request), str(answer)],
                env={**os.environ, "PYTHONPATH": str(sources)},
                check=True,
            )
    spent = json.loads(answer.read_text(encoding="utf-8"))
    (cell,) = (out / "cells").iterdir()
    tables = {
        stage: json.loads((cell / f"{stage}.json").read_text(encoding="utf-8"))["tables"]
        for stage in ("search", "oracles", "minimal", "control")
    }
    return {"spent": spent, "found": _found(tables)}


def _rows(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


def _found(tables: dict[str, Any]) -> dict[str, Any]:
    """What the report tells: the pair, the search's table, sets, scores on test, selectivity and gaps."""
    oracle = {(r["seed"], r["split"]): r["score"] for r in _rows(tables["oracles"]["oracle"])}
    sets = _rows(tables["minimal"]["minimal"])
    test = {(r["seed"], r["delta"]): r["test"] for r in sets}
    control = [r for r in _rows(tables["control"]["control"]) if r["split"] == "test"]
    selective: dict[str, list[float]] = {}
    for r in control:
        own = oracle[r["seed"], "test"] if r["delta"] is None else test[r["seed"], r["delta"]]
        name = "all neurons" if r["delta"] is None else f"minimal, {r['delta']:g}"
        selective.setdefault(name, []).append(100 * (own - r["score"]))
    certificate = _rows(tables["oracles"]["certificate"])
    gaps = [r["gap"] / r["objective"] for r in certificate if r["gap"] is not None]
    chosen = _rows(tables["search"]["chosen"])[0]
    return {
        "l1": chosen["l1"],
        "l2": chosen["l2"],
        "search": _rows(tables["search"]["search"]),
        "sizes": {f"{r['delta']:g}": r["n_neurons"] for r in sets if r["seed"] == 0},
        "tried": [r["n_neurons"] for r in _rows(tables["minimal"]["curves"]) if r["seed"] == 0],
        "test": {
            "all neurons": 100 * oracle[0, "test"],
            **{f"minimal, {d:g}": 100 * v for (s, d), v in test.items() if s == 0},
        },
        "selectivity": {name: sum(values) / len(values) for name, values in selective.items()},
        "largest gap": max(gaps, default=None),
    }


def _times(report: machine.Report, side: str, run: dict[str, Any]) -> None:
    for which, unit in enumerate(("s", "s of the processor")):
        total = sum(spent[which] for spent in run["spent"].values())
        parts = ", ".join(f"{name} {run['spent'][name][which]:.1f}" for name in STAGES if name in run["spent"])
        report.add(f"{side}: whole run after extraction", total, unit, better="lower", note=parts)


def _compare(report: machine.Report, sides: dict[str, dict[str, Any]]) -> None:
    if "now" not in sides:
        return
    now = sides["now"]
    for other, target in (("before", 4.0), ("recipe", 1.0)):
        if other not in sides:
            continue
        for which, of in enumerate(("by the clock", "of the processor")):
            spent = {name: sides[name]["spent"] for name in (other, "now")}
            total = {name: sum(t[which] for t in stages.values()) for name, stages in spent.items()}
            report.add(f"{other} / now, whole run, {of}", total[other] / total["now"], "x", target=target)
            for stage in STAGES:
                if stage in spent[other] and stage in spent["now"] and spent["now"][stage][which] > 0.5:
                    ratio = spent[other][stage][which] / spent["now"][stage][which]
                    report.add(f"{other} / now, {stage}, {of}", ratio, "x")
    if "before" not in sides:
        return
    found, full = now["found"], sides["before"]["found"]
    started = [r for r in full["search"] if r["score"] is not None]
    scores = {(r["l1"], r["l2"]): 100 * r["score"] for r in started}
    short = max(scores.values()) - scores[found["l1"], found["l2"]]
    report.add(
        "score S of the chosen pair below the best pair's, all solved", short, "points", target=0.1, better="lower"
    )
    sizes = sorted(full["tried"])
    for delta, size in found["sizes"].items():
        step = (sizes[-1] - sizes[0]) / max(1, len(sizes) - 1)
        steps = abs(size - full["sizes"][delta]) / step
        report.add(
            f"minimal set, delta {delta}: difference",
            steps,
            "steps",
            target=1.0,
            better="lower",
            note=f"{size} neurons, before {full['sizes'][delta]}",
        )
    for name, value in found["selectivity"].items():
        difference = abs(value - full["selectivity"][name])
        note = f"{value:.2f} points, before {full['selectivity'][name]:.2f}"
        report.add(f"selectivity of {name}: difference", difference, "points", target=0.2, better="lower", note=note)
    report.add("largest gap of a reported probe", found["largest gap"], "of the objective", target=1e-3, better="lower")


if __name__ == "__main__":
    main()
