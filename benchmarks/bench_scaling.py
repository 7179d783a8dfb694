"""What a pass costs as words, neurons, labels and probes grow, one at a time, with the floor beside it, and a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import common
import floors
import machine
import neurosieve as ns

BASE = {"words": 8192, "neurons": 2688, "labels": 49, "probes": 8}
AXES = {
    "words": (2048, 4096, 8192, 16384, 32768),
    "neurons": (384, 768, 2688, 4992, 9984),
    "labels": (5, 17, 49, 317, 1272),
    "probes": (1, 2, 8, 27, 81),
}
QUICK = {"words": (1024, 2048, 4096), "neurons": (384, 768, 2688), "labels": (5, 17, 49), "probes": (1, 4, 16)}


def main() -> None:
    args = common.options(__doc__ or "", picture={"type": Path, "help": "write the figure to this PNG file"})
    report = machine.Report("scaling")
    ceilings = machine.ceilings(quick=True)
    base = {**BASE, "words": 4096, "probes": 4} if args.quick else BASE
    _point({**base, "words": 1024}, ceilings, repeats=1)  # libraries, threads and kernels are ready
    curves: dict[str, list[dict[str, float]]] = {}
    try:
        for axis, sizes in (QUICK if args.quick else AXES).items():
            curves[axis] = [_point({**base, axis: size}, ceilings, repeats=1 if args.quick else 3) for size in sizes]
            first, last = curves[axis][0], curves[axis][-1]
            slope = np.polyfit(*(np.log([p[key] for p in curves[axis]]) for key in (axis, "seconds")), 1)[0]
            note = f"{sizes[0]:,} to {sizes[-1]:,}: {first['seconds']:.3f} to {last['seconds']:.3f} s"
            report.add(f"cost against {axis}: exponent", float(slope), "(1 = linear)", better="lower", note=note)
            worst = max(p["seconds"] / p["floor"] for p in curves[axis])
            report.add(f"cost against {axis}: worst achieved / floor", worst, "x", better="lower")
        if args.picture is not None:
            _draw(curves, base, args.picture)
            report.extra["pictures"] = [args.picture.name]
    finally:
        report.extra |= {"curves": curves, "base": base, "ceilings": ceilings}
        report.write(args.out)


def _point(size: dict[str, int], ceilings: dict[str, float], *, repeats: int) -> dict[str, float]:
    generator = np.random.default_rng(0)
    X = generator.standard_normal((size["words"], size["neurons"]), dtype=np.float32).astype(np.float16)
    y = np.arange(size["words"]) % size["labels"]
    specs = [ns.ProbeSpec(y, l1=1e-4, l2=l2) for l2 in np.geomspace(1e-5, 1e-2, size["probes"])]
    seconds = machine.time_of(lambda: ns.fit_probes(X, specs, epochs=1, solver="adam"), repeats=repeats)
    return {**size, "seconds": seconds, "floor": floors.fit(**size).floor(ceilings)}


def _draw(curves: dict[str, list[dict[str, float]]], base: dict[str, int], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(13, 3.4), sharey=True, layout="constrained")
    for ax, (axis, points) in zip(axes, curves.items(), strict=True):
        sizes = [p[axis] for p in points]
        ax.plot(sizes, [p["seconds"] for p in points], "o-", color="#1f5a8a", label="measured")
        ax.plot(sizes, [p["floor"] for p in points], "--", color="#b0762c", label="floor")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
        ax.minorticks_off()
        ax.set_xlabel(axis)
        ax.set_title(", ".join(f"{value:,} {name}" for name, value in base.items() if name != axis), fontsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("seconds a pass")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
