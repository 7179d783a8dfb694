"""The probe engine against the machine's ceilings: the grid pass, few probes, column subsets, ablations, memory."""

from __future__ import annotations

from typing import Any

import numpy as np

import common
import data
import floors
import machine
import neurosieve as ns

PRODUCTS = ("aten::addmm", "aten::addmm_", "aten::mm", "aten::matmul", "aten::bmm", "aten::baddbmm")
KINDS = {
    "products": PRODUCTS,
    "Adam": ("aten::_fused_adam_", "aten::_foreach"),
    "softmax and residuals": (
        "aten::_softmax",
        "aten::scatter_add_",
        "aten::mul",
        "aten::mul_",
        "aten::sum",
        "aten::gather",
    ),
    "penalties": ("aten::copysign", "aten::sign", "aten::masked_fill_", "aten::add_"),
    "rows gathered and converted": ("aten::index_select", "aten::copy_", "aten::sub_"),
}


def grid(y: np.ndarray, n_probes: int = 81) -> list[ns.ProbeSpec]:
    """The first probes of the grid."""
    return [ns.ProbeSpec(y, l1=l1, l2=l2) for l1, l2 in common.GRID[:n_probes]]


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("probe engine")
    store = data.store(quick=args.quick)
    X, y = data.labelled(store, "train")
    ceilings = machine.ceilings(quick=args.quick)
    ns.fit_probes(X[:1024], grid(y[:1024], 2), epochs=1, solver="adam")  # threads and kernels are ready
    try:
        _grid_pass(report, X, y, ceilings, epochs=1 if args.quick else 2)
        _shares(report, X, y)
        _few(report, X, y, ceilings)
        _half(report, store)
        _subsets(report, X, y, ceilings)
        _ablations(report, X, y, ceilings)
        _memory(report, store)
        _limit(report, store, quick=args.quick)
    finally:
        report.extra["ceilings"] = ceilings
        report.write(args.out)


def _dtype(probe: ns.FittedProbe) -> str:
    """In what the engine multiplied, where it says so."""
    return str(probe.info.get("products", probe.info.get("precision", "float32")))


def _cost(X: np.ndarray, y: np.ndarray, *, probes: int, epochs: int = 1, neurons: int | None = None) -> floors.Cost:
    return floors.fit(
        words=len(X), neurons=neurons or X.shape[1], labels=len(set(y)), probes=probes, epochs=epochs, stored=X.itemsize
    )


def _grid_pass(
    report: machine.Report, X: np.ndarray, y: np.ndarray, ceilings: dict[str, float], *, epochs: int
) -> None:
    n_labels = len(set(y))
    shapes = {"rows": 81 * n_labels, "columns": X.shape[1], "batch": min(512, len(X))}
    probes: list[ns.FittedProbe] = []

    def fit() -> None:
        probes[:] = ns.fit_probes(X, grid(y), epochs=epochs, solver="adam")

    seconds, rates, shares = [], [], []
    cost = _cost(X, y, probes=81, epochs=epochs)
    for _ in range(2):
        before = machine.product_rate(**shapes, repeats=2)
        seconds.append(machine.time_of(fit))
        dtype = _dtype(probes[0])
        after = machine.product_rate(**shapes, repeats=2, dtype=dtype)
        ceiling = (before + after) / 2 if dtype == "float32" else after
        rates.append(cost.flops / seconds[-1])
        shares.append(rates[-1] / ceiling)
    how = f"{len(X):,} words x {X.shape[1]:,} neurons x {n_labels} labels x 81 probes, {epochs} epochs, batches of 512, {dtype}"
    report.add("grid pass", float(np.median(rates)) / 1e9, "GFLOP/s", note=how)
    note = ", ".join(f"{share:.2f}" for share in shares)
    report.add("grid pass against the product ceiling", float(np.median(shares)), "of it", target=0.6, note=note)
    floor = cost.floor(ceilings, dtype=dtype)
    report.add(
        "grid pass, achieved / floor",
        float(np.median(seconds)) / floor,
        "x",
        better="lower",
        note=f"floor {floor:.2f} s",
    )
    report.add("grid pass, one probe and 10 epochs", float(np.median(seconds)) * 10 / epochs / 81, "s", note="scaled")


def _shares(report: machine.Report, X: np.ndarray, y: np.ndarray) -> None:
    from torch.profiler import ProfilerActivity, profile

    with machine.timed(), profile(activities=[ProfilerActivity.CPU]) as recorded:
        ns.fit_probes(X[:10_240], grid(y[:10_240]), epochs=1, solver="adam")
    events = {event.key: event.self_cpu_time_total for event in recorded.key_averages()}
    total = sum(events.values())
    for kind, names in KINDS.items():
        share = sum(time for key, time in events.items() if key in names or (key + "_") in names) / total
        report.add(f"share of the grid pass: {kind}", share, "of time", note="torch.profiler, 20 batches of 512")
    top = sorted(events.items(), key=lambda item: -item[1])[:12]
    report.extra["profile"] = {key: time / total for key, time in top}


def _few(report: machine.Report, X: np.ndarray, y: np.ndarray, ceilings: dict[str, float]) -> None:
    for n_probes in (1, 4, 16):
        seconds = machine.time_of(lambda n=n_probes: ns.fit_probes(X, grid(y, n), epochs=1, solver="adam"), repeats=3)
        floor = _cost(X, y, probes=n_probes).floor(ceilings)
        note = f"{seconds:.3f} s a pass, floor {floor:.3f} s"
        report.add(f"{n_probes} probes in a pass, achieved / floor", seconds / floor, "x", better="lower", note=note)


def _half(report: machine.Report, store: ns.ActivationStore) -> None:
    """What bfloat16 products cost in accuracy and in the ranking, beside what another order of batches costs."""
    train, held_out = store.split("train"), store.split("test")
    y, gold = train.labels(data.prop()), held_out.labels(data.prop())
    X = train.read(0, train.n_words)
    specs = [ns.ProbeSpec(y, l1=1e-3, l2=1e-5, random_state=seed) for seed in range(3)]
    walls, scores, tops = {}, {}, {}
    for kind in ("float32", "bfloat16"):
        fitted: list[ns.FittedProbe] = []
        walls[kind] = machine.time_of(
            lambda k=kind, f=fitted: f.extend(ns.fit_probes(X, specs, products=k, solver="adam"))
        )
        scores[kind] = ns.score_probes(held_out, fitted, gold)
        tops[kind] = [set(ns.weight_mass_ranking(probe).top(0.05).tolist()) for probe in fitted]
    lost = 100 * float((scores["float32"] - scores["bfloat16"]).mean())
    seeds = ", ".join(f"{100 * score:.2f}" for score in scores["float32"])
    note = f"points of test accuracy lost, mean of three seeds (float32: {seeds})"
    report.add("bfloat16 products: accuracy lost", lost, "points", target=0.1, better="lower", note=note)
    pairs = zip(tops["float32"], tops["bfloat16"], strict=True)
    same = float(np.mean([_jaccard(a, b) for a, b in pairs]))
    first, second, third = tops["float32"]
    other = float(np.mean([_jaccard(first, second), _jaccard(first, third), _jaccard(second, third)]))
    note = (
        f"Jaccard index of the top 5 % of the neurons, same seed; two float32 runs with other seeds share {other:.3f}"
    )
    report.add("bfloat16 products: ranking kept", same, "of it", target=other, note=note)
    ratio = walls["float32"] / walls["bfloat16"]
    chosen = ns.fit_probes(X[:64], [ns.ProbeSpec(y[:64])], epochs=1, solver="adam")[0].info["products"]
    report.add("bfloat16 products: times faster", ratio, "x", note=f"three probes; this machine chooses {chosen}")


def _jaccard(a: set[int], b: set[int]) -> float:
    return len(a & b) / len(a | b)


def _subsets(report: machine.Report, X: np.ndarray, y: np.ndarray, ceilings: dict[str, float]) -> None:
    order = np.random.default_rng(0).permutation(X.shape[1])
    sizes = [round(X.shape[1] * share / 100) for share in range(1, 11)]
    specs = [ns.ProbeSpec(y, l1=1e-4, l2=1e-4, neurons=order[:size]) for size in sizes]
    whole = [ns.ProbeSpec(y, l1=1e-4, l2=1e-4) for _ in sizes]
    walls = machine.interleaved(
        {
            "subsets": lambda: ns.fit_probes(X, specs, epochs=1, solver="adam"),
            "all": lambda: ns.fit_probes(X, whole, epochs=1, solver="adam"),
        }
    )
    least = [_cost(X, y, probes=1, neurons=size) for size in sizes]
    once = _cost(X, y, probes=0, neurons=sizes[-1]).bytes  # nested subsets: one gather of the largest serves all
    gather = sum(_cost(X, y, probes=0, neurons=size).bytes for size in sizes)
    total = floors.Cost(sum(c.flops for c in least), sum(c.bytes for c in least) - gather + once)
    floor, seconds = total.floor(ceilings), float(np.median(walls["subsets"]))
    report.add(
        "ten nested subsets (1 to 10 % of the neurons), achieved / floor",
        seconds / floor,
        "x",
        better="lower",
        note=f"{seconds:.3f} s, floor {floor:.3f} s",
    )
    report.add("the same against ten probes on all neurons", machine.ratio(walls, "all", "subsets"), "x cheaper")


def _ablations(report: machine.Report, X: np.ndarray, y: np.ndarray, ceilings: dict[str, float]) -> None:
    probes = ns.fit_probes(X[:2048], grid(y[:2048], 27), epochs=1, solver="adam")
    variants = []
    for probe in probes:
        ranking = ns.weight_mass_ranking(probe)
        variants += [probe, probe.keep(ranking.top(0.2)), probe.keep(ranking.bottom(0.2))]
    seconds = machine.time_of(lambda: ns.score_probes(X, variants, y), repeats=3)
    weights = sum(probe.coef_.size for probe in variants)
    floor = floors.score(words=len(X), weights=weights, neurons=X.shape[1], stored=X.itemsize).floor(ceilings)
    note = f"27 probes x (all, top, bottom 20 %), {seconds:.3f} s, floor {floor:.3f} s"
    report.add("ablation, achieved / floor", seconds / floor, "x", better="lower", note=note)


def _memory(report: machine.Report, store: ns.ActivationStore) -> None:
    job = {"task": "fit", "store": str(store.path), "probes": 81, "epochs": 1, "limit": None}
    side = _fit(job)
    states = 4 * 4 * side["weights"]
    note = (
        f"{side['data'] / 1e6:.0f} MB of activations, {states / 1e6:.0f} MB of weights, gradients and moments; "
        f"peak of the process {side['peak'] / 1e6:.0f} MB, {side['baseline'] / 1e6:.0f} MB of it libraries"
    )
    if side["added"] is None:
        report.add("memory of the grid pass", None, "MB", note="the system does not tell how much is not of files")
        return
    report.add("memory added by the grid pass", side["added"] / 1e6, "MB", better="lower", note=note)
    report.add("the same, of activations and states", side["added"] / (side["data"] + states), "x", better="lower")


def _limit(report: machine.Report, store: ns.ActivationStore, *, quick: bool) -> None:
    limit = (16 if quick else 128) << 20
    wide = data.wide_store((5 * limit) // (2 * 13 * 768))
    job = {"task": "fit", "store": str(wide.path), "probes": 4, "epochs": 1 if quick else 2}
    small, roomy = _fit({**job, "limit": limit}), _fit({**job, "limit": 1 << 40})
    times = small["data"] / limit
    size = f"13 x 768 neurons, {small['n_words']:,} words, {small['data'] / 2**20:.0f} MiB"
    how = f"{size}: {times:.1f} x the limit of {limit >> 20} MiB; everything that is added counts"
    for name, key in (("fitting", "added"), ("scoring", "added_scoring")):
        held = None if small[key] is None else small[key] / limit
        report.add(f"memory under a limit, {name}", held, "of the limit", target=1.0, better="lower", note=how)
    note = f"mapped files included; {small['baseline'] / 2**20:.0f} MiB of it libraries"
    report.add("peak of that process", small["peak"] / 2**20, "MiB", better="lower", note=note)
    slower = small["seconds"]["fit"] / roomy["seconds"]["fit"]
    report.add(
        "time from disk against time from memory", slower, "x", better="lower", note=f"4 probes, {job['epochs']} epochs"
    )
    _streamed_accuracy(report, store)


def _fit(job: dict[str, object]) -> dict[str, Any]:
    with machine.timed():
        return common.run_side("ours", job)


def _streamed_accuracy(report: machine.Report, store: ns.ActivationStore) -> None:
    """Accuracy with the words in the block-shuffled order of a store, against fully random order."""
    train, held_out = store.split("train"), store.split("test")
    y, gold = train.labels(data.prop()), held_out.labels(data.prop())
    specs = [ns.ProbeSpec(y, l1=1e-4, l2=1e-4, random_state=seed) for seed in range(3)]
    fourth = train.n_words * train.n_neurons * train.dtype.itemsize // 4
    scores = [
        ns.score_probes(held_out, ns.fit_probes(train, specs, epochs=10, memory_limit=limit, solver="adam"), gold)
        for limit in (1 << 40, fourth)
    ]
    lost = 100 * (scores[0] - scores[1])
    note = (
        f"limit a quarter of the store, 10 epochs, seeds 0 to 2; random order {100 * scores[0].mean():.2f} "
        f"(seeds differ by {100 * np.ptp(scores[0]):.2f})"
    )
    report.add("accuracy lost by reading in blocks", float(lost.mean()), "points", better="lower", note=note)


if __name__ == "__main__":
    main()
