"""The ranking against NeuroX's ordering, and against the paper's description taken literally.

At every 1 % of mass, the three must take the same neurons; that is checked here too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import common
import data
import floors
import machine
import neurosieve as ns

N_NEURONS = 9984
STEPS = 100


def weights(n_labels: int, n_neurons: int) -> np.ndarray:
    """Weights of a probe that has learned something: a few large ones a label, many small ones."""
    generator = np.random.default_rng(0)
    return generator.laplace(size=(n_labels, n_neurons)).astype(np.float32) ** 3


def literal(coef: np.ndarray, share: float) -> set[int]:
    """The paper's set: for each label the fewest neurons that hold this share of its mass, united over labels."""
    taken: set[int] = set()
    for row in np.abs(coef).astype(np.float64):
        order = np.argsort(-row, kind="stable")
        held = np.cumsum(row[order])
        taken.update(order[: np.searchsorted(held / held[-1], share) + 1].tolist())
    return taken


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("ranking")
    python = common.neurox_python(args.neurox)
    ceilings = machine.ceilings(quick=True)
    try:
        for n_labels in (44,) if args.quick else (44, 1272):
            _measure(report, weights(n_labels, N_NEURONS), python, ceilings, repeats=5 if n_labels < 100 else 3)
    finally:
        report.extra["ceilings"] = ceilings
        report.write(args.out)


def _measure(
    report: machine.Report, coef: np.ndarray, python: Path | None, ceilings: dict[str, float], *, repeats: int
) -> None:
    n_labels, n_neurons = coef.shape
    name = f"{n_neurons:,} neurons x {n_labels} labels"
    seconds = machine.time_of(lambda: ns.weight_mass_ranking(coef), repeats=repeats)
    floor = floors.rank(labels=n_labels, neurons=n_neurons).floor(ceilings)
    note = f"floor {floor:.4f} s: one sort a label"
    report.add(f"{name}: ranking", seconds, "s", better="lower", note=note)
    report.add(f"{name}: achieved / floor", seconds / floor, "x", better="lower")
    ranking = ns.weight_mass_ranking(coef)
    steps = range(STEPS // 10, STEPS, STEPS // 10 if n_labels < 100 else STEPS // 2)
    sets: list[set[int]] = []
    reference = machine.time_of(lambda: sets.extend(literal(coef, step / STEPS) for step in steps)) * STEPS / len(steps)
    note = f"{reference:.2f} s, from {len(steps)} of {STEPS} steps"
    report.add(f"{name}: times faster than the literal reference", reference / seconds, "x", note=note)
    same = sum(_taken(ranking, step) == found for step, found in zip(steps, sets, strict=True))
    report.add(f"{name}: steps with the literal sets", same / len(steps), "of all", target=1.0)
    if python is None:
        report.add(f"{name}: against NeuroX", None, "x", note="no NeuroX environment")
        return
    data.WORK.mkdir(exist_ok=True)
    path = data.WORK / "weights.npy"
    np.save(path, coef)
    with machine.timed():
        side = common.run_side("neurox", {"task": "ordering", "weights": str(path)}, python=python)
    path.unlink()
    theirs = side["seconds"]["ordering"]
    report.add(
        f"{name}: times faster than NeuroX",
        theirs / seconds,
        "x",
        target=100.0,
        note=f"{theirs:.2f} s / {seconds:.4f} s",
    )
    agreeing = 0
    for step in range(1, STEPS + 1):
        found = set(side["order"][: side["cutoffs"][step]])
        agreeing += len(found ^ _taken(ranking, step)) <= 2
    note = "up to two neurons at a step may fall to the other side of it by float32 rounding"
    report.add(f"{name}: steps with NeuroX's sets", agreeing / STEPS, "of all", note=note)


def _taken(ranking: ns.NeuronRanking, step: int) -> set[int]:
    return set(np.flatnonzero(ranking.key <= step / STEPS).tolist())


if __name__ == "__main__":
    main()
