"""Agreement of rankings and the detectors among their top neurons, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.analysis.ranking_comparison import agreement, best_detectors, overlaps
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.detectors import DETECTORS, detector_scores
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.statistics import N_BINS, bin_numbers, label_statistics


def ranking(*order: int) -> NeuronRanking:
    score = -np.argsort(order).astype(float)
    return NeuronRanking(np.array(order), None, None, None, np.array(["a", "b"]), method="test", score=score)


THREE = {"x": ranking(0, 1, 2, 3, 4, 5), "y": ranking(1, 0, 3, 2, 4, 5), "z": ranking(5, 4, 3, 2, 1, 0)}


def test_overlaps():
    table = overlaps(THREE, 2)
    assert table.to_dict() == {
        "x": {"x": 1, "y": 1, "z": 0},
        "y": {"x": 1, "y": 1, "z": 0},
        "z": {"x": 0, "y": 0, "z": 1},
    }
    assert overlaps(THREE, 3).loc["x", "y"] == pytest.approx(2 / 4)


def test_agreement():
    table = agreement(THREE, [2, 3]).set_index(["ranking", "k"])
    assert table.loc[("x", 2), "avg_overlap"] == pytest.approx(0.5)
    # y and z give 1 and 5 two points each, 0 and 4 one: elected are 1 and 5, of which x has one.
    assert table.loc[("x", 2), "neuron_vote"] == pytest.approx(1 / 3)
    # x and y give 0 and 1 five points each, then 2 and 3 one each: elected are 0, 1 and 2, of which z has none.
    assert table.loc[("z", 3), "neuron_vote"] == 0
    shared = 9 / 6
    assert table.loc[("z", 3), "chance"] == pytest.approx(shared / (6 - shared))


def test_refused():
    with pytest.raises(NeurosieveError, match="1 rankings of 6 neurons"):
        overlaps({"x": THREE["x"]}, 2)
    with pytest.raises(NeurosieveError, match="2 rankings of 3, 6 neurons"):
        agreement({"x": THREE["x"], "w": ranking(0, 1, 2)}, [1])


def test_detectors_are_their_definitions():
    generator = np.random.default_rng(0)
    X = (generator.standard_normal((300, 5)) * 2 + 1).astype(np.float32)
    y = generator.choice(np.array(["a", "b", "c"], dtype=object), 300)
    X[:, 1] -= 3 * (y == "b")
    X[:, 4] = 2.0
    found = detector_scores(LabelledSplit(X, y))
    assert tuple(found) == DETECTORS
    s = next(label_statistics(LabelledSplit(X, y), name="x"))
    for i, label in enumerate("abc"):
        is_label = y == label
        for j in range(5):
            bins = bin_numbers((X[:, j] - np.float32(s.center[j])) / np.float32(s.scale[j]))
            tried = [fires for edge in range(N_BINS) for fires in (bins <= edge, bins > edge)]
            assert found["f1"][i, j] == pytest.approx(max(f1_score(is_label, f, zero_division=0) for f in tried))
            assert found["iou"][i, j] == pytest.approx(max(jaccard_score(is_label, f, zero_division=0) for f in tried))
            cosine = X[:, j] @ is_label / (np.linalg.norm(X[:, j]) * np.sqrt(is_label.sum()))
            assert found["cosine"][i, j] == pytest.approx(abs(cosine), abs=1e-5)
            r = 0.0 if j == 4 else abs(np.corrcoef(X[:, j], is_label)[0, 1])
            assert found["correlation"][i, j] == pytest.approx(r, abs=1e-5)
    assert found["auprc"][1].argmax() == found["f1"][1].argmax() == 1
    best = best_detectors({"x": ranking(3, 1, 0, 2, 4)}, [1, 2], found)
    assert best["f1"].tolist() == pytest.approx([found["f1"][:, :][:, t].max(axis=1).mean() for t in ([3], [3, 1])])
