"""Scores of each label, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from neurosieve.analysis.label_scores import confusion, label_scores, wilson


@pytest.fixture
def words():
    rng = np.random.default_rng(0)
    gold = rng.choice(["a", "b", "c", "d"], size=300, p=[0.5, 0.3, 0.15, 0.05]).astype(object)
    predicted = np.where(rng.random(300) < 0.7, gold, rng.choice(["a", "b", "c", "e"], size=300)).astype(object)
    return gold, predicted


def test_scores_are_those_of_scikit_learn(words):
    gold, predicted = words
    t = label_scores(gold, predicted).set_index("label")
    names = sorted(t.index)
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, predicted, labels=names, zero_division=np.nan
    )
    t = t.loc[names]
    assert t["support"].tolist() == support.tolist()
    np.testing.assert_allclose(t["precision"], precision)
    np.testing.assert_allclose(t["recall"], recall)
    np.testing.assert_allclose(t["f1"], np.nan_to_num(f1), atol=1e-12)
    assert np.isnan(t.loc["e", "recall"])  # a label that no word has


def test_the_most_frequent_label_comes_first(words):
    assert label_scores(*words)["label"].tolist() == ["a", "b", "c", "d", "e"]


def test_confusions_are_those_of_scikit_learn(words):
    gold, predicted = words
    names = ["a", "b", "c", "d", "e"]
    t = (
        confusion(gold, predicted)
        .pivot(index="gold", columns="predicted", values="n")
        .reindex(index=names, columns=names)
    )
    np.testing.assert_array_equal(t.fillna(0).to_numpy(), confusion_matrix(gold, predicted, labels=names))


def test_wilson_by_hand():
    low, high = wilson(np.array([8, 0, 5, 0]), np.array([10, 10, 5, 0]))
    np.testing.assert_allclose(low, [0.4902, 0.0, 0.5655, 0.0], atol=1e-4)  # Newcombe, Stat. Med. 17 (1998), method 3
    np.testing.assert_allclose(high, [0.9433, 0.2775, 1.0, 1.0], atol=1e-4)
