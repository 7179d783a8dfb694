"""The paper's scale on a GPU: 880,000 words x 9,984 neurons, 81 pairs, 10 epochs, with 44 and with 1,272 labels.

Activations are synthetic: noise from which a random linear map draws the labels. They are made on the device and handed
to the engine as a source, like a store's; the time of the passes is counted from the first batch on, and the time until
then is given apart.
"""

from __future__ import annotations

import time
from typing import Any

import common  # its settings must precede torch

# isort: split
import numpy as np
import torch

import machine
import neurosieve as ns

WORDS, NEURONS = 880_000, 9_984


class Synthetic:
    """Activations made on the device, block by block, as float16; an `ActivationSource`."""

    def __init__(self, *, n_words: int, n_neurons: int, n_labels: int, device: str) -> None:
        self.n_words, self.n_neurons, self.dtype = n_words, n_neurons, np.dtype(np.float16)
        self.host = np.empty((n_words, n_neurons), dtype=np.float16)
        self.y = np.empty(n_words, dtype=np.int64)
        generator = torch.Generator(device).manual_seed(0)
        map_ = torch.randn(n_neurons, n_labels, generator=generator, device=device) / n_neurons**0.5
        for start in range(0, n_words, 20_000):
            block = torch.randn(min(20_000, n_words - start), n_neurons, generator=generator, device=device)
            self.y[start : start + len(block)] = (block @ map_).argmax(1).cpu().numpy()
            self.host[start : start + len(block)] = block.half().cpu().numpy()

    def read(self, start: int, stop: int, columns: np.ndarray | None = None) -> np.ndarray:
        """Rows, of all or the given columns."""
        rows = self.host[start:stop]
        return rows if columns is None else np.take(rows, columns, axis=1)


class Progress:
    """When the first batch was done, and how much of the work it was."""

    def __init__(self) -> None:
        self.started: float | None = None
        self.share = 0.0

    def __call__(self, done: float, total: float) -> None:
        if self.started is None:
            self.started, self.share = time.perf_counter(), done / total


def main() -> None:
    args = common.options(
        __doc__ or "", device={"default": "cuda", "help": "where to compute (cpu: to see that it works, with --quick)"}
    )
    report = machine.Report("GPU")
    try:
        if args.device == "cuda" and not torch.cuda.is_available():
            report.add("grid at the paper's scale", None, "s", target=60.0, better="lower", note="no CUDA device here")
            return
        n_words, n_neurons = (4_000, 384) if args.quick else (WORDS, NEURONS)
        for n_labels in (44, 1272):
            _grid(
                report,
                Synthetic(n_words=n_words, n_neurons=n_neurons, n_labels=n_labels, device=args.device),
                n_labels,
                args,
            )
    finally:
        report.write(args.out)


def _product_rate(source: Synthetic, n_labels: int, device: str) -> float:
    """FLOP/s of float32 products as PyTorch does them by default, at the engine's shapes."""
    rows = 81 * n_labels if n_labels < 100 else 5 * n_labels
    W, X = torch.randn(rows, source.n_neurons, device=device), torch.randn(512, source.n_neurons, device=device)
    scores, gradient = W @ X.T, torch.empty_like(W)
    repeats = 20 if device == "cuda" else 2

    def run() -> None:
        for _ in range(repeats):
            torch.mm(W, X.T, out=scores)
            torch.mm(scores, X, out=gradient)
        if device == "cuda":
            torch.cuda.synchronize()

    run()
    return repeats * 4.0 * rows * source.n_neurons * 512 / machine.time_of(run, repeats=3)


def _grid(report: machine.Report, source: Synthetic, n_labels: int, args: Any) -> None:
    epochs = 10 if n_labels < 100 and not args.quick else 1
    pairs = common.GRID if n_labels < 100 else common.GRID[:10]
    specs = [ns.ProbeSpec(source.y, l1=l1, l2=l2) for l1, l2 in pairs]
    progress = Progress()
    begun = time.perf_counter()
    with machine.timed():
        probes = ns.fit_probes(
            source, specs, device=args.device, memory_limit=1 << 40, epochs=epochs, progress=progress, solver="adam"
        )
    ended = time.perf_counter()
    first = progress.started or begun
    seconds = (ended - first) / max(1e-9, 1.0 - progress.share)
    scale = 10 / epochs * 81 / len(pairs)
    flops = 4.0 * source.n_words * source.n_neurons * n_labels * len(pairs) * epochs
    name = f"{source.n_words:,} words x {source.n_neurons:,} neurons x {n_labels} labels"
    how = "as it is" if scale == 1 else f"from {len(pairs)} pairs and {epochs} epochs, scaled"
    target = 60.0 if n_labels == 44 and not args.quick else None
    report.add(f"{name}, 81 pairs, 10 epochs", seconds * scale, "s", target=target, better="lower", note=how)
    note = "labels encoded, activations handed over"
    report.add(f"{name}, until the first batch is done", first - begun, "s", better="lower", note=note)
    ceiling = _product_rate(source, n_labels, args.device)
    report.add(f"{name}, products", flops / seconds / 1e12, "TFLOP/s", note=f"float32 ceiling {ceiling / 1e12:.3g}")
    report.add(f"{name}, against the product ceiling", flops / seconds / ceiling, "of it")
    if args.device == "cuda":
        report.add(f"{name}, peak memory on the device", torch.cuda.max_memory_allocated() / 1e9, "GB", better="lower")
        torch.cuda.reset_peak_memory_stats()
    score = float(ns.score_probes(source.host[:20_000], probes[:1], source.y[:20_000], device=args.device)[0])
    report.add(f"{name}, accuracy of the first pair on training words", score, "", note="that something was learned")


if __name__ == "__main__":
    main()
