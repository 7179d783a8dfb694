"""Rankings that need no training: one shared pass beside reading the store, and each beside NeuroX's.

NeuroX's release has the probeless ranking alone, which is run as it is in an environment of its own (`make_neurox_env.sh`), on
the same float32 activations. IoU (average precision of each neuron, by scikit-learn) and the Gaussian search are in its
repository and no longer run: they are written out here as its loops do them, in scikit-learn and torch of this environment, and
measured on few neurons and steps, from which the whole follows. All is processor time, which what others do on the machine
changes little; sides take turns, and ratios are medians over the rounds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import common
import data
import machine
import neurosieve as ns
from neurosieve.rankings.gaussian import gaussian_ranking
from neurosieve.rankings.registry import METHODS, rank

NEUROX_NEURONS = 40
"""Neurons of which NeuroX's average precision is measured; its loop goes over all neurons of every label."""
GAUSSIAN_STEPS = 10
ROUNDS = 5
NEUROX_DIMENSIONS = 300
"""Neurons that its Gaussian search gets: its covariances of all would not fit, and its documentation says fewer than 400."""


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("rankings")
    store = data.store(quick=args.quick)
    splits = ns.Splits.from_store(store, data.prop(), rare_labels="keep")
    train = splits.train
    try:
        names = [name for name, method in METHODS.items() if method.measure]
        read, shared, ratio, note = _paired(lambda: _read(train), lambda: ns.rank_all(split=train))
        report.add("reading the store as float32", read, "s", better="lower")
        report.add(f"{len(names)} rankings from one pass", shared, "s", better="lower")
        report.add("one pass / reading", 1 / ratio, "x", better="lower", target=2.0, note=note)
        X, codes = _array(train)
        arrays = ns.LabelledSplit(X, train.y[_known(train)])  # NeuroX holds all activations as float32 in memory
        _probeless(report, args.neurox, X, codes, arrays)
        few = X[:, :NEUROX_NEURONS]
        theirs, one, ratio, note = _paired(
            lambda: neurox_average_precision(few, codes == np.bincount(codes).argmax()),
            lambda: rank("average-precision", split=arrays),
        )
        times = X.shape[1] / NEUROX_NEURONS * (codes.max() + 1)
        note = f"{theirs * times:.0f} s for all labels, from {NEUROX_NEURONS} neurons of one, and {one:.2f} s"
        report.add("average precision: times faster than NeuroX's loop", ratio * times, "x", target=20.0, note=note)
        some = ns.LabelledSplit(X[:, :NEUROX_DIMENSIONS], train.y[_known(train)])
        steps = min(GAUSSIAN_STEPS, NEUROX_DIMENSIONS)
        theirs, one, ratio, _ = _paired(
            lambda: neurox_gaussian(X[:, :NEUROX_DIMENSIONS], codes, steps=1),
            lambda: gaussian_ranking(some, n_neurons=steps),
            rounds=1,
        )
        note = f"{steps} of {NEUROX_DIMENSIONS} neurons: {theirs * steps:.0f} s, from the first (the cheapest), and {one:.2f} s"
        report.add("gaussian: times faster than NeuroX's loop", ratio * steps, "x", target=20.0, note=note)
        started = time.process_time()
        gaussian_ranking(train, n_neurons=steps)
        whole = time.process_time() - started
        note = f"{steps} of {X.shape[1]:,} neurons in {whole:.1f} s"
        report.add("gaussian: seconds a neuron taken, all neurons", whole / steps, "s", better="lower", note=note)
    finally:
        report.write(args.out)


def _probeless(
    report: machine.Report, neurox: Path, X: np.ndarray, codes: np.ndarray, arrays: ns.LabelledSplit
) -> None:
    """NeuroX's own ranking, in a process of its own, beside ours in turns; and whether both are the same."""
    python = common.neurox_python(neurox)
    if python is None:
        report.add("probeless: times faster than NeuroX", None, "x", target=20.0, note="no NeuroX environment")
        return
    with tempfile.TemporaryDirectory(dir=data.WORK) as folder:
        np.save(Path(folder, "X.npy"), X)
        np.save(Path(folder, "y.npy"), codes)
        job = {"task": "probeless", "folder": folder}
        theirs, ours, answer = [], [], {}
        for _ in range(ROUNDS):
            answer = common.run_side("neurox", job, python=python)
            theirs.append(answer["seconds"]["probeless"])
            ours.append(_processor(lambda: rank("probeless", split=arrays)))
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    note = f"{statistics.median(theirs):.2f} s and {statistics.median(ours):.2f} s; rounds {', '.join(f'{r:.2f}' for r in ratios)}"
    report.add("probeless: times faster than NeuroX", statistics.median(ratios), "x", target=20.0, note=note)
    places = np.empty((2, X.shape[1]), dtype=int)
    for number, order in enumerate((rank("probeless", split=arrays).order, np.array(answer["order"]))):
        places[number, order] = np.arange(X.shape[1])
    apart = np.abs(places[0] - places[1])
    note = f"{(apart > 0).sum()} of {len(apart)} neurons, {apart[places[0] < 100].max()} among the first 100; its sums are float32"
    report.add(
        "probeless: most places that a neuron stands elsewhere than NeuroX puts it", int(apart.max()), "", note=note
    )


def _processor(run: Callable[[], object]) -> float:
    """Processor seconds."""
    started = time.process_time()
    run()
    return time.process_time() - started


def _paired(
    one: Callable[[], object], other: Callable[[], object], rounds: int = ROUNDS
) -> tuple[float, float, float, str]:
    """Median processor seconds of both, in turns; the median of how many times `one` takes of `other`, and all of them."""
    spent = np.array([(_processor(one), _processor(other)) for _ in range(rounds)])
    ratios = spent[:, 0] / spent[:, 1]
    middle = np.median(spent, axis=0)
    note = f"rounds {', '.join(f'{1 / r:.2f}' for r in ratios)}"
    return float(middle[0]), float(middle[1]), float(np.median(ratios)), note


def _known(split: ns.LabelledSplit) -> np.ndarray:
    return np.array([label is not None for label in split.y])


def _read(split: ns.LabelledSplit) -> None:
    view = split.activations
    for start in range(0, view.n_words, 4096):
        view.read(start, min(start + 4096, view.n_words)).astype(np.float32)


def _array(split: ns.LabelledSplit) -> tuple[np.ndarray, np.ndarray]:
    known = _known(split)
    view = split.activations
    return view.read(0, view.n_words)[known].astype(np.float32), np.unique(
        split.y[known].astype(str), return_inverse=True
    )[1]


def neurox_average_precision(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`iou_probe`: scikit-learn's average precision of every neuron for one label, small values set to zero."""
    from sklearn.metrics import average_precision_score

    X = np.where(np.abs(X) < 0.05, 0, X)
    return np.array([average_precision_score(y, X[:, j]) for j in range(X.shape[1])])


def neurox_gaussian(X: np.ndarray, codes: np.ndarray, *, steps: int) -> list[int]:
    """`gaussian_probe`: for every candidate of every step, a normal distribution of each label on the neurons taken and it."""
    import torch

    labels, X = np.unique(codes), X.astype(np.float64)
    n_neurons = X.shape[1]
    means, covariances = [], []
    for label in labels:
        own = X[codes == label]
        prior = np.diag(np.diag(np.cov(X.T)))
        scatter = (own - own.mean(axis=0)).T @ (own - own.mean(axis=0))
        means.append(torch.from_numpy(own.mean(axis=0)))
        covariances.append(torch.from_numpy((prior + scatter) / (len(own) + 2 * n_neurons + 4)))
    words, gold = torch.from_numpy(X), torch.from_numpy(np.searchsorted(labels, codes))
    shares = torch.log(torch.bincount(gold) / len(gold))
    taken: list[int] = []
    for _ in range(steps):
        best, chosen = -np.inf, -1
        for candidate in sorted(set(range(n_neurons)) - set(taken)):
            some = [*taken, candidate]
            joint = torch.stack(
                [
                    torch.distributions.MultivariateNormal(mean[some], covariance[some][:, some]).log_prob(
                        words[:, some]
                    )
                    for mean, covariance in zip(means, covariances, strict=True)
                ]
            )
            fit = torch.log_softmax(joint + shares[:, None], dim=0)[gold, torch.arange(len(gold))].mean().item()
            if fit > best:
                best, chosen = fit, candidate
        taken.append(chosen)
    return taken


if __name__ == "__main__":
    main()
