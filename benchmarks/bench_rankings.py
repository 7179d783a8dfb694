"""Rankings that need no training: one shared pass beside reading the store, and each beside NeuroX's loops.

NeuroX's own package has the probeless ranking alone in its release; IoU (average precision of each neuron, by scikit-learn) and the
Gaussian search are in its repository and no longer run. All three are written out here as its loops do them, in numpy, scikit-learn
and torch of this environment, on the same activations; the two slow ones on few neurons and steps, from which the whole follows.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

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
NEUROX_DIMENSIONS = 300
"""Neurons that its Gaussian search gets: its covariances of all would not fit, and its documentation says fewer than 400."""


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("rankings")
    store = data.store(quick=args.quick)
    splits = ns.Splits.from_store(store, data.prop(), rare_labels="keep")
    train = splits.train
    try:
        read = machine.time_of(lambda: _read(train), repeats=3)
        shared = machine.time_of(lambda: ns.rank_all(split=train), repeats=3)
        names = [name for name, method in METHODS.items() if method.measure]
        report.add("reading the store as float32", read, "s", better="lower")
        report.add(f"{len(names)} rankings from one pass", shared, "s", better="lower")
        report.add("one pass / reading", shared / read, "x", better="lower", target=2.0)
        busy = _processor(lambda: ns.rank_all(split=train)) / _processor(lambda: _read(train))
        report.add("one pass / reading, processor time", busy, "x", better="lower", target=2.0)
        X, codes = _array(train)
        arrays = ns.LabelledSplit(X, train.y[_known(train)])  # NeuroX holds all activations as float32 in memory
        one = machine.time_of(lambda: rank("probeless", split=arrays), repeats=3)
        theirs = machine.time_of(lambda: neurox_probeless(X, codes), repeats=3)
        report.add(
            "probeless: times faster than NeuroX's loop",
            theirs / one,
            "x",
            target=20.0,
            note=f"{theirs:.2f} s and {one:.2f} s",
        )
        one = machine.time_of(lambda: rank("average-precision", split=arrays), repeats=3)
        started = time.perf_counter()
        neurox_average_precision(X[:, :NEUROX_NEURONS], codes == np.bincount(codes).argmax())
        each = (time.perf_counter() - started) / NEUROX_NEURONS
        theirs = each * X.shape[1] * (codes.max() + 1)
        note = f"{theirs:.0f} s for all labels, from {NEUROX_NEURONS} neurons of one, and {one:.2f} s"
        report.add("average precision: times faster than NeuroX's loop", theirs / one, "x", target=20.0, note=note)
        few = ns.LabelledSplit(X[:, :NEUROX_DIMENSIONS], train.y[_known(train)])
        steps = min(GAUSSIAN_STEPS, NEUROX_DIMENSIONS)
        one = machine.time_of(lambda: gaussian_ranking(few, n_neurons=steps), repeats=1)
        theirs = machine.time_of(lambda: neurox_gaussian(X[:, :NEUROX_DIMENSIONS], codes, steps=1), repeats=1) * steps
        note = f"{steps} of {NEUROX_DIMENSIONS} neurons: {theirs:.0f} s, from its first step (the cheapest), and {one:.2f} s"
        report.add("gaussian: times faster than NeuroX's loop", theirs / one, "x", target=20.0, note=note)
        whole = machine.time_of(lambda: gaussian_ranking(train, n_neurons=steps), repeats=1)
        note = f"{steps} of {X.shape[1]:,} neurons in {whole:.1f} s"
        report.add("gaussian: seconds a neuron taken, all neurons", whole / steps, "s", better="lower", note=note)
    finally:
        report.write(args.out)


def _processor(run: Callable[[], object]) -> float:
    """Least processor seconds of three runs: what others do on the machine does not count."""
    spent = []
    for _ in range(3):
        started = time.process_time()
        run()
        spent.append(time.process_time() - started)
    return min(spent)


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


def neurox_probeless(X: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """`probeless.get_neuron_ordering`: means of every label by a mask, then every pair in Python."""
    means = {label: X[codes == label].mean(axis=0) for label in np.unique(codes)}
    score = np.zeros(X.shape[1])
    for a, b in itertools.combinations(means, 2):
        score += np.abs(means[a] - means[b])
    return np.argsort(score)[::-1]


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
