"""``device`` and ``memory_limit`` given to an experiment hold for scoring as they do for fitting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosieve.experiments.minimal import minimal_neurons
from neurosieve.experiments.search import search_lambdas
from neurosieve.experiments.stability import stability
from neurosieve.probes import predict

WHERE = {"device": "cpu", "memory_limit": 1 << 28}


@pytest.mark.parametrize("experiment", ["search", "minimal", "stability"])
def test_scoring_is_told_where_and_in_how_much_memory(experiment, splits, oracle, ranking, monkeypatch):
    parts = {
        name: replace(part, sentences=np.arange(len(part.y)) // 10)
        for name in ("train", "dev", "test")
        for part in [getattr(splits, name)]
    }
    splits = replace(splits, **parts)
    told: list[dict[str, object]] = []
    scores = predict._scores

    def listening(activations, probes, **where):
        told.append(where)
        return scores(activations, probes, **where)

    monkeypatch.setattr(predict, "_scores", listening)
    if experiment == "search":
        search_lambdas(splits, grid=[(1e-2, 1e-2)], **WHERE)
    elif experiment == "minimal":
        minimal_neurons(oracle, ranking, splits, deltas=[0.5], **WHERE)
    else:
        stability(splits, l1=1e-2, l2=1e-2, n_resamples=2, **WHERE)
    assert told
    assert all(where == WHERE for where in told)
