"""The sentences of test that a run keeps to be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosieve.probes.predict import predict_codes
from neurosieve.report.sections import text
from neurosieve.runs.opened import open_run
from neurosieve.study import reading
from neurosieve.study.reading import drawn_rows


def test_words_have_their_labels_predictions_and_levels(finished_run: Path) -> None:
    cell = open_run(finished_run).cells["pos"]
    test, words = cell.splits.test, cell.store.split("test").words
    kept = cell.tables["text_words"]
    rows = drawn_rows(words["sentence"].to_numpy(), np.ones(len(words), dtype=bool))
    assert kept["word"].tolist() == words["word"].iloc[rows].tolist()
    assert kept["gold"].tolist() == test.y[rows].tolist()
    probe = cell.probe(0)
    assert kept["predicted"].tolist() == probe.classes_[predict_codes(test.activations, [probe])[0][rows]].tolist()
    X = cell.store.read(0, cell.store.n_words).astype(np.float64)
    numbers = cell.tables["neuron_summary"]["index"].to_numpy()
    own = np.asarray(test.activations.read(0, len(words)), dtype=np.float64)[rows][:, numbers]
    z = (own - X[:, numbers].mean(axis=0)) / X[:, numbers].std(axis=0)
    expected = [[3 + int(np.sign(v)) * sum(abs(v) >= edge for edge in (0.5, 1, 2)) for v in row] for row in z]
    assert [[int(c) for c in levels] for levels in kept["levels"]] == expected


def test_the_set_alone_is_the_probe_with_all_others_at_their_mean(finished_run: Path) -> None:
    cell = open_run(finished_run).cells["pos"]
    kept, probe = cell.tables["text_words"], cell.probe(0)
    words = cell.store.split("test").words
    rows = drawn_rows(words["sentence"].to_numpy(), np.ones(len(words), dtype=bool))
    train = np.asarray(cell.splits.train.activations.read(0, len(cell.splits.train.y)), dtype=np.float64)
    X = np.asarray(cell.splits.test.activations.read(0, len(words)), dtype=np.float64)[rows]
    filled = np.tile(train.mean(axis=0), (len(X), 1))
    chosen = cell.minimal().neurons
    filled[:, chosen] = X[:, chosen]
    scores = filled @ probe.full_coef().T.astype(np.float64) + probe.intercept_
    assert kept["set_predicted"].tolist() == probe.classes_[scores.argmax(axis=1)].tolist()
    right = [list(probe.classes_).index(label) for label in kept["gold"]]
    own = scores[np.arange(len(X)), right]
    scores[np.arange(len(X)), right] = -np.inf
    np.testing.assert_allclose(kept["set_margin"], own - scores.max(axis=1), atol=1e-4)
    assert ((kept["set_margin"] > 0) == (kept["gold"] == kept["set_predicted"])).all()


def test_probabilities_are_the_probes(finished_run: Path) -> None:
    cell = open_run(finished_run).cells["pos"]
    shares = cell.tables["text_labels"]
    assert (shares["probability"] >= 0.05).all()
    total = shares.groupby("row")["probability"].sum()
    assert total.max() <= 1.01
    most = shares.sort_values("probability").groupby("row")["label"].last()
    assert most.tolist() == cell.tables["text_words"]["predicted"].iloc[most.index].tolist()


def test_whole_sentences_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = np.repeat(np.arange(100), 10)
    labelled = np.ones(1000, dtype=bool)
    labelled[:10] = False  # the first sentence has no label
    monkeypatch.setattr(reading, "MOST_WORDS", 95)
    rows = drawn_rows(sentences, labelled)
    assert len(rows) == 90
    assert (np.bincount(sentences[rows], minlength=100) % 10 == 0).all()
    assert 0 not in sentences[rows]
    assert (np.diff(rows) > 0).all()
    monkeypatch.setattr(reading, "MOST_SENTENCES", 3)
    assert len(drawn_rows(sentences, labelled)) == 30
    monkeypatch.setattr(reading, "MOST_WORDS", 5)
    assert len(drawn_rows(sentences, labelled)) == 10  # one at least


def test_real_values_have_predictions(make_settings: Callable, tmp_path: Path) -> None:
    from neurosieve.study.run import run_cells

    settings = make_settings(properties=("length:number",), seeds=1, step=0.5, control=False)
    (found,) = run_cells(settings, tmp_path / "run")
    kept = found.tables["text_words"]
    gold = kept["gold"].astype(float).to_numpy()
    assert gold.tolist() == [len(word) for word in kept["word"]]
    predicted = kept["predicted"].astype(float).to_numpy()
    assert np.corrcoef(gold, predicted)[0, 1] > 0.5
    assert abs(kept["set_margin"].mean()) < 1e-6
    (part,) = text.parts(found, "cell", 40)
    assert part["labels"] == []
    shown = part["sentences"][0]["words"][0]
    assert (shown["gold"], shown["wrong"]) == (kept["gold"][0], kept["predicted"][0])
