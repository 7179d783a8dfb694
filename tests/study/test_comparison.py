"""The stages `baselines` and `rankings`, from a run to the page and the command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from neurosieve.errors import StudyError
from neurosieve.runs.study import run_study
from neurosieve.study import baselines, comparison
from neurosieve.study.steps import open_cell


def test_several_rankings_are_compared_once_on_the_page_and_by_the_command(
    make_settings: Callable, shell: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    chosen = ["weight-mass", "auroc", "reversed-probeless"]
    found = run_study(make_settings(ranking=chosen, seeds=1, step=0.5), out)
    page = (out / "report.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert page.count("<p>3 rankings are compared.") == 1
    assert "Whether rankings agree, and which one serves" in page
    assert "exact linear %" in page
    assert "A table that gives each word the most frequent label of its type in train gets" in page
    table = found[0].tables["rankings"]
    assert table["k"].unique().tolist() == [10]
    assert table["ranking"].tolist() == chosen
    assert len(found[0].tables["ranking_probes"]) == 9
    assert len(found[0].tables["ranking_overlaps"]) == 6
    rows = found[0].tables["baselines"]
    assert rows["baseline"].tolist() == [n for n in ("lookup", "permuted", "neurons", "rotated") for _ in range(2)]
    assert rows["unseen"].notna().sum() == 2
    printed = json.loads(shell("rankings", out, "--property", "pos").out)
    assert len(printed["rows"]) == 3
    assert {"avg_overlap", "neuron_vote", "f1", "auprc", "exact", "adam", "gaussian"} <= set(printed["rows"][0])
    two = shell("rankings", out, "-p", "pos", "--ranking", "iou", "--ranking", "random", "--probes", "--csv").out
    assert two.splitlines()[0] == "ranking,probe,k,score,low,high"
    assert len(two.splitlines()) == 1 + 2 * 3


def test_one_ranking_is_compared_with_those_that_need_no_training(finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    cell = open_cell(tmp_path / "run", "pos")
    with pytest.raises(StudyError, match="has the ranking weight-mass only"):
        comparison.rankings(cell)
    names = comparison.wide(comparison.compared(cell, ()))["ranking"].tolist()
    assert names[0] == "weight-mass"
    assert names[-1] == "random"
    assert "average-precision" in names
    with pytest.raises(StudyError, match="'reversed-' and one of these, found 'nothing'"):
        comparison.compared(cell, ("nothing",))


def test_layers_are_turned_in_parts_of_limited_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "MOST_TURNED", 2)
    groups = baselines.turned_together(pd.DataFrame({"layer": [0, 0, 0, 1, 1, 3]}))
    assert groups.tolist() == [0, 0, 1, 2, 2, 3]
