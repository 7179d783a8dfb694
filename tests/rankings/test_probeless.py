"""The probeless ranking equals its definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.analysis.labels import taken_by_labels
from neurosieve.errors import NeurosieveError
from neurosieve.rankings import statistics
from neurosieve.rankings.probeless import probeless_ranking


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_it_is_its_definition_in_small_blocks(dtype, monkeypatch):
    monkeypatch.setattr(statistics, "_BLOCK_BYTES", 1)
    generator = np.random.default_rng(0)
    X = (generator.standard_normal((600, 6)) * 1000).astype(dtype)
    y = generator.choice(np.array(["a", "b", "c", None], dtype=object), 600)
    found = probeless_ranking(LabelledSplit(X, y))
    exact = X.astype(np.float64)
    means = [exact[y == label].mean(axis=0) for label in "abc"]
    np.testing.assert_allclose(found.score, sum(abs(a - b) for a, b in combinations(means, 2)), rtol=1e-10)
    labelled = np.array([label is not None for label in y])
    rest = exact[labelled & (y != "b")].mean(axis=0)
    np.testing.assert_allclose(found.label_scores[1], means[1] - rest, rtol=1e-8, atol=1e-8)
    assert found.per_label("b").tolist() == np.argsort(-abs(means[1] - rest), kind="stable").tolist()
    assert found.to_frame().columns.tolist()[:5] == ["neuron", "layer", "index", "rank", "score"]


def test_refused():
    X = np.ones((4, 2))
    y = np.array(["a", "b", "a", "b"], dtype=object)
    with pytest.raises(NeurosieveError, match="needs weight mass, and this ranking is 'probeless'"):
        taken_by_labels(probeless_ranking(LabelledSplit(X, y)), 1)
    with pytest.raises(NeurosieveError, match="real values"):
        probeless_ranking(LabelledSplit(X, np.arange(4.0)))
    X[2, 1] = np.inf
    with pytest.raises(NeurosieveError, match="neuron 1 has activations that are not finite"):
        probeless_ranking(LabelledSplit(X, y))
