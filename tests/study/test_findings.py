"""Findings: what the stages left, as tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neurosieve.study.cells import finish
from neurosieve.study.findings import Findings
from neurosieve.study.steps import distributions_of, open_cell


@pytest.fixture(scope="module")
def findings(finished_run: Path) -> Findings:
    return finish(open_cell(finished_run, "pos")).findings()


def test_words_and_labels_are_counted(findings: Findings, tagged_text: Path) -> None:
    for split, n_words in findings.words.items():
        lines = (tagged_text / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        assert n_words == sum(bool(line) for line in lines) == findings.label_counts[split].sum()
    assert findings.n_labels == 5
    assert findings.unseen == {"dev": 0, "test": 0}


def test_the_chosen_lambdas_have_the_best_score(findings: Findings) -> None:
    best = findings.search[findings.search["score"] == findings.search["score"].max()]
    assert (findings.l1, findings.l2) in set(zip(best["l1"], best["l2"], strict=True))
    assert findings.l1 + findings.l2 == (best["l1"] + best["l2"]).max()  # of equals the one that regularises more


def test_selectivity_has_a_row_for_every_seed_split_and_set(findings: Findings) -> None:
    assert len(findings.selectivity) == 2 * 2 * 3
    assert not findings.selectivity[["linguistic", "control", "selectivity"]].isna().any().any()


def test_layers_are_those_of_the_minimal_sets(findings: Findings, finished_run: Path) -> None:
    smallest = findings.minimal[findings.minimal["delta"] == 0.005]["n_neurons"]
    layers = distributions_of(open_cell(finished_run, "pos"))["layers"]
    assert layers["n_selected"].sum() == pytest.approx(smallest.mean())
    assert layers["share"].sum() == pytest.approx(1)
    assert list(findings.labels["label"]) == [".", "DT", "JJ", "NN", "VB"]


def test_without_control_tasks_there_is_no_selectivity(finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    cell = open_cell(tmp_path / "run", "pos", control=False)
    (cell.folder / "control.json").unlink()
    found = finish(cell).findings()
    assert found.selectivity.empty
    assert "selectivity" not in set(found.results()["metric"])
    assert set(found.results()["task"]) == {"linguistic"}
