"""The stage `baselines`: what the probe on all neurons, and that on few of them, have to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.activations.labels import is_labelled
from neurosieve.activations.splits import Splits
from neurosieve.experiments.baselines import lookup, permuted, rotated
from neurosieve.experiments.code_length import information, label_entropy, online_code
from neurosieve.experiments.scored import GAIN, GAP, fit_and_score
from neurosieve.probes.predict import scoring_options
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.registry import rank
from neurosieve.study import columns
from neurosieve.study.cell import Cell
from neurosieve.study.result import Tables, Unit
from neurosieve.study.stage import stage
from neurosieve.study.stages import chosen_lambdas

DIRECTIONS = 50
"""Neurons, and random directions, that are compared; fewer where there are fewer than twice as many."""
MOST_TURNED = 1024
"""Neurons of a layer that are turned together: what turning costs grows with their number."""
CHANCE_GAIN = 2e-2
"""Gain of a step below which a probe of permuted labels is done: learning them by heart takes longer than any other probe and, from
there on, moves its score on other words by no more than these words' number does."""


def turned_together(neurons: pd.DataFrame) -> NDArray[np.intp]:
    """For each neuron of a store's table the number of its group: its layer, or a part of a layer of more than `MOST_TURNED`."""
    within = neurons.groupby("layer", sort=False).cumcount() // MOST_TURNED
    return np.asarray(pd.MultiIndex.from_arrays([neurons["layer"], within]).factorize()[0], dtype=np.intp)


@stage("baselines", after=("search",), tables=columns.BASELINES)
def baselines(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Score a table of words, a probe of permuted labels, and probes on the best neurons and the best random directions.

    ``lookup`` gives each word what its type has in train; sentences have none. ``permuted`` is a probe on all neurons of labels
    in random order. ``neurons`` is a probe on the best neurons by one measure, ``rotated`` on as many of the best directions by
    the same measure, where each layer (in parts of at most `MOST_TURNED` neurons) is turned by a random rotation: if neurons
    are no better, then nothing says that they, rather than any directions, are the units of this property. Probes have the
    lambdas of the probe on all neurons, and so have those whose online code and information the table ``information`` has.
    """
    splits, s, lambdas = cell.splits, cell.settings, chosen_lambdas(cell)
    rows: list[dict[str, Any]] = []
    if splits.unit == "word":
        for split, (score, unseen) in lookup(splits).items():
            rows.append({"baseline": "lookup", "split": split, "n_neurons": 0, "score": score, "unseen": unseen})
    k = max(1, min(DIRECTIONS, splits.n_neurons // 2))
    measure = "correlation" if splits.loss == "squared" else "f-statistic"
    turned = rotated(splits, turned_together(cell.store.neurons), random_state=0)
    tried: list[tuple[str, Splits, int | None]] = [
        ("permuted", permuted(splits, random_state=0), None),
        ("neurons", splits, k),
        ("rotated", turned, k),
    ]
    progress = cell.progress("baselines")
    for number, (name, seen, n) in enumerate(tried):
        top = None if n is None else rank(measure, split=seen).top(n)
        spec = ProbeSpec(seen.train.y, random_state=0, loss=seen.loss, neurons=top, **lambdas)
        gain = CHANCE_GAIN if name == "permuted" else GAIN
        found = fit_and_score(seen, [spec], solver=s.solver, gain=gain, **s.solver_settings)
        for split, (score,) in found.scores.items():
            n_neurons = splits.n_neurons if n is None else n
            rows.append(
                {"baseline": name, "split": split, "n_neurons": n_neurons, "score": float(score), "unseen": None}
            )
        if progress is not None:
            progress(number + 1, len(tried) + 1)
    of_labels = pd.DataFrame(columns=list(columns.BASELINES["information"].columns))
    if splits.loss == "softmax":
        of_labels = pd.DataFrame(_information(cell, lambdas))
    return {"baselines": pd.DataFrame(rows), "information": of_labels}


def _information(cell: Cell, lambdas: dict[str, float]) -> list[dict[str, Any]]:
    """The online code of train, by probes that are solved roughly, and what the probe on all neurons tells of dev and test."""
    splits, settings, whole = cell.splits, cell.settings.solver_settings, cell.probe(0)
    rough = {**settings, "tol": max(GAP, settings["tol"]), "enough": GAIN} if "tol" in settings else settings
    code = online_code(splits.train, l1=lambdas["l1"], l2=lambdas["l2"], solver=cell.settings.solver, **rough)
    entropy = label_entropy(splits.train.y)
    rows = [{"split": "train", "n_words": code.n_words, "entropy": entropy, "code": code.bits, "uniform": code.uniform}]
    for split, part in (("dev", splits.dev), ("test", splits.test)):
        told = information(part, whole, **scoring_options(settings))
        row = {"split": split, "n_words": int(is_labelled(part.y).sum()), "entropy": label_entropy(part.y)}
        rows.append({**row, "information": told})
    return [{name: row.get(name) for name in columns.BASELINES["information"].columns} for row in rows]
