"""Activations of the user's own: from arrays to tables, growth and the page, without a model or a text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurosieve import NeurosieveError, StudySettings, open_run, run_study, store_from_arrays
from neurosieve.study.estimate import estimate

PROBES = {"solver": "adam", "grid": "quick", "seeds": 1, "step": 0.2, "batch_size": 32, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 600 words x 2 layers x 8 neurons; neuron L1N3 tells the tense, L0N2 is its length."""
    rng = np.random.default_rng(0)
    n = 600
    tense = rng.integers(2, size=n)
    words = [f"word{i % 40}" for i in range(n)]
    layers = [rng.standard_normal((n, 8)).astype(np.float32) for _ in range(2)]
    layers[1][:, 3] += 4 * tense
    out = tmp_path_factory.mktemp("own") / "store"
    store_from_arrays(
        out,
        layers,
        words=words,
        labels={"tense": ["past" if t else "present" for t in tense], "size": layers[0][:, 2].astype(float)},
        splits=["train"] * 400 + ["dev"] * 100 + ["test"] * 100,
    )
    return out


def settings_of(store: Path, *properties: str, **probes: object) -> StudySettings:
    return StudySettings.checked(
        {"stores": [{"path": str(store), "properties": properties}], "probes": {**PROBES, **probes}}, where="test"
    )


@pytest.fixture(scope="module")
def run(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "own"
    run_study(settings_of(planted, "tense", ranking=["weight-mass", "probeless"]), out)
    return out


def test_the_planted_neuron_is_found_by_both_rankings(run: Path) -> None:
    opened = open_run(run)
    assert opened.finished
    assert [cell.method for cell in opened.cells] == ["weight-mass", "probeless"]
    for cell in opened.cells:
        assert cell.store.neurons["neuron"].iloc[cell.ranking().top(1)[0]] == "L1N3"
        assert cell.minimal().test > 0.9


def test_there_is_a_page_and_it_says_which_ranking(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "L1N3" in page
    assert "probeless" in page
    assert str(run.parent) not in page  # no paths of this machine


def test_a_property_of_the_store_is_added(run: Path, planted: Path) -> None:
    found = run_study(settings_of(planted, "size"), run)
    assert [(f.prop, f.ranking.method, f.metric) for f in found] == [
        ("tense", "weight-mass", "accuracy"),
        ("tense", "probeless", "accuracy"),
        ("size", "weight-mass", "r2"),
    ]  # probeless compares labels


def test_the_dry_run_counts_its_cells(planted: Path, tmp_path: Path) -> None:
    cells = estimate(settings_of(planted, "tense", "size"), tmp_path / "none").cells
    assert cells[["property", "train_words", "neurons", "labels"]].values.tolist() == [
        ["tense", 400, 16, 2],
        ["size", 400, 16, 1],
    ]


def test_what_cannot_be_is_refused(planted: Path, tmp_path: Path) -> None:
    with pytest.raises(NeurosieveError, match="no property 'mood'; the store has tense, size"):
        run_study(settings_of(planted, "mood"), tmp_path / "run")
    with pytest.raises(NeurosieveError, match="nowhere"):
        run_study(settings_of(tmp_path / "nowhere", "tense"), tmp_path / "run2")
    twice = {"stores": [{"path": str(planted), "properties": ["tense"]}] * 2, "probes": PROBES}
    with pytest.raises(NeurosieveError, match="give one of them a 'model' or 'corpus' of its own"):
        run_study(StudySettings.checked(twice, where="test"), tmp_path / "run3")
    with pytest.raises(NeurosieveError, match="give models and corpora, or stores of activations"):
        StudySettings.checked({"probes": PROBES}, where="test")


def test_a_store_that_changed_is_refused(planted: Path, tmp_path: Path) -> None:
    out, store = tmp_path / "run", tmp_path / "store"
    rng = np.random.default_rng(1)
    parts = {
        "words": ["a", "b"] * 60,
        "labels": {"tense": ["x", "y"] * 60},
        "splits": ["train"] * 60 + ["dev"] * 30 + ["test"] * 30,
    }
    store_from_arrays(store, [rng.standard_normal((120, 6))], **parts)
    run_study(settings_of(store, "tense", control=False), out)
    import shutil

    shutil.rmtree(store)
    store_from_arrays(store, [rng.standard_normal((120, 6))], **parts)
    with pytest.raises(NeurosieveError, match="model_digest"):
        run_study(settings_of(store, "tense", control=False), out)


def test_a_study_file_names_stores(planted: Path, tmp_path: Path) -> None:
    file = planted.parent / "study.toml"
    file.write_text('[[stores]]\npath = "store"\nproperties = ["tense"]\n', encoding="utf-8")
    assert StudySettings.from_toml(file).stores[0].path == str(planted)


def test_the_command_line_takes_a_store(shell, planted: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--solver", "adam", "--grid", "quick", "--seeds", 1, "--step", 0.2, "--no-control", "-q"]
    done = shell("run", "--store", planted, "-p", "tense", "--ranking", "probeless", "-o", out, *options)
    assert (done.code, done.out) == (0, f"{out}/report.html\n")
    ranked = shell("rank", out, "-p", "tense", "--top", 1)
    assert json.loads(ranked.out)["rows"][0]["neuron"] == "L1N3"
    assert shell("labels", out, "-p", "tense").code == 1
    done = shell("run", "--store", planted, "-p", "tense", "--model", "bert", "-o", out)
    assert done.code == 2
    assert "--model: --store has its activations already" in done.err
