"""Many edited versions of a model on minimal pairs, against a plain loop that edits, reads both whole sentences, and goes on.

    python benchmarks/bench_interventions.py --model FOLDER --pairs FILE

Twenty matched sets of each of eight sizes on 500 pairs are what an intervention asks for; a few of each size are timed, in
turns with the plain loop, and times are given for one version and for all. The floor is the products of the positions that
must be computed, in the blocks above each version's lowest edit, at the rate of a product measured in the same run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import common  # its settings must precede torch

# isort: split
import numpy as np
import torch

import machine
import neurosieve as ns
from neurosieve.experiments.interventions.pairs import ask_about, log_odds
from neurosieve.models.edits import Edit, SetTo
from neurosieve.models.huggingface.layouts import tree_layouts

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SIZES = (1, 2, 5, 10, 20, 50, 100, 200)
DRAWS = 20
TARGET_SECONDS, TARGET_RATIO = 600.0, 4.0


def main() -> None:
    args = common.options(
        __doc__ or "",
        model={"type": Path, "default": SHARED / "stories260k", "help": "folder of a causal model"},
        pairs={"type": Path, "default": SHARED / "blimp" / "distractor_agreement_relational_noun.jsonl"},
        most={"type": int, "default": 500, "help": "pairs"},
        draws={"type": int, "default": 2, "help": "versions of each size that are timed"},
    )
    report = machine.Report("interventions")
    if not (args.model / "config.json").is_file() or not args.pairs.is_file():
        report.add("a version on the pairs", None, "s", note=f"needs {args.model} and {args.pairs}")
        report.write(args.out)
        return
    n_pairs, draws = (40, 1) if args.quick else (args.most, args.draws)
    model = ns.load_model(args.model, site="mlp", head=True)
    pairs = ns.read_pairs(args.pairs)[:n_pairs]
    asked = ask_about(model, pairs).asked
    print(f"{args.model.name}: {model.n_neurons:,} hidden units, {len(asked)} pairs", flush=True)
    variants = [_variant(model, k, seed) for k in SIZES if k < model.n_neurons // 4 for seed in range(draws)]
    found: dict[str, Any] = {}

    def ours() -> None:
        found["ours"] = log_odds(model, asked, variants)[1:]

    plain_of = list(range(0, len(variants), max(1, len(variants) // 2)))[:2]

    def plain() -> None:
        found["plain"] = np.array([_plain(model, variants[i], pairs) for i in plain_of])

    log_odds(model, asked[:20], variants[:1])  # proves the shortcuts
    walls = machine.interleaved({"ours": ours, "plain": plain}, repeats=1)
    own = {name: timing.own_cpu for name, timing in zip(("ours", "plain"), machine.LOG.timings[-2:], strict=True)}
    apart = float(np.abs(found["ours"][plain_of] - found["plain"]).max())
    report.add("largest difference of log-odds, ours and plain", apart, "nats", target=1e-3, better="lower")
    of_one = {"ours": walls["ours"][0] / len(variants), "plain": walls["plain"][0] / len(plain_of)}
    cpu = {"ours": own["ours"] / len(variants), "plain": own["plain"] / len(plain_of)}
    total = DRAWS * len(SIZES)
    report.add("one version, ours", of_one["ours"], "s", note=f"{cpu['ours']:.3g} s of processor time")
    report.add("one version, plain loop", of_one["plain"], "s", note=f"{cpu['plain']:.3g} s of processor time")
    report.add("plain loop / ours, wall", of_one["plain"] / of_one["ours"], "x", target=TARGET_RATIO)
    report.add("plain loop / ours, processor time", cpu["plain"] / cpu["ours"], "x", target=TARGET_RATIO)
    report.add(f"{total} versions, ours", total * of_one["ours"], "s", target=TARGET_SECONDS, better="lower")
    report.add(f"{total} versions, processor time", total * cpu["ours"], "s", note="half of it on two free cores")
    floor = _floor(model, asked, variants)
    rate = _rate()
    report.add(
        "floor of one version",
        floor / rate,
        "s",
        note=f"processor time: {floor:.3g} operations at {rate / 1e9:.0f} GFLOP/s",
    )
    report.add("ours / floor, processor time", cpu["ours"] * rate / floor, "x", better="lower")
    report.write(args.out)


def _variant(model: ns.LanguageModel, k: int, seed: int) -> list[Edit]:
    """`k` hidden units of all layers, at random, set to zero."""
    generator = np.random.default_rng((seed, k))
    layers = generator.integers(len(model.layers), size=k)
    return [
        Edit(layer.name, generator.choice(layer.width, size=n, replace=False), SetTo(0.0))
        for place, layer in enumerate(model.layers)
        if (n := int((layers == place).sum()))
    ]


def _plain(
    model: ns.LanguageModel, variant: list[Edit], pairs: list[ns.MinimalPair], *, at_once: int = 50
) -> np.ndarray:
    """Log-odds by whole sentences: edit, read the good and the bad ones, take what decides."""
    edited = model.edited(variant)
    odds = []
    for start in range(0, len(pairs), at_once):
        part = pairs[start : start + at_once]
        sides = [edited.logits([getattr(pair, side) for pair in part]) for side in ("good", "bad")]
        for good, bad in zip(*sides, strict=True):
            at = next(i for i, (a, b) in enumerate(zip(good.ids, bad.ids, strict=False)) if a != b)
            odds.append(float(good.values[at - 1, good.ids[at]] - good.values[at - 1, bad.ids[at]]))
    return np.array(odds)


def _rate() -> float:
    """Operations of a product for each second of processor time, which others on the machine do not change."""
    a, b = torch.randn(2560, 576), torch.randn(576, 1536)
    a @ b
    with machine.timed() as timing:
        for _ in range(50):
            a @ b
    return 50 * 2.0 * 2560 * 576 * 1536 / max(timing.own_cpu, 1e-6)


def _floor(model: ns.LanguageModel, asked: list[Any], variants: list[list[Edit]]) -> float:
    """Floating-point operations that a version needs at least, on average."""
    answerer: Any = model._answerer  # type: ignore[attr-defined]
    network = answerer._head.network
    texts = list({id(pair.good): pair.good for pair in asked}.values())
    trees = list(tree_layouts(texts, bounds=(), device=network.device, dtype=network.dtype))
    positions = sum(tree.text.shape[1] for tree in trees)
    ends = len({(number, int(column)) for number, tree in enumerate(trees) for column in tree.columns})
    blocks = answerer._blocks._modules
    weights = [sum(p.numel() for p in block.parameters() if p.dim() == 2) for block in blocks]
    above = [sum(weights[min(int(edit.layer[1:].split(".")[0]) - 1 for edit in variant) :]) for variant in variants]
    return 2.0 * (positions * float(np.mean(above)) + ends * network.get_output_embeddings().weight.numel())


if __name__ == "__main__":
    main()
