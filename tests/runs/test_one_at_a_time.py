"""A run that one process works in is not touched by another, and a command keeps only what it was told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosieve import open_run
from neurosieve.activations.store import open_store
from neurosieve.errors import StoreError, StudyError
from neurosieve.runs.study import run_study
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings

Make = Callable[..., StudySettings]
Shell = Callable[..., Any]


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_settings_are_not_claimed_while_another_process_works(
    run: Path, make_settings: Make, digest: Callable[[Path], dict[str, str]]
) -> None:
    before = digest(run)
    with RunFolder(run).working(), pytest.raises(StoreError, match="another process"):
        run_study(make_settings(seeds=3), run)
    assert digest(run) == before


def test_a_stage_command_waits_for_no_one(run: Path, shell: Shell) -> None:
    (run / "cells" / "tiny-bert--tagged--pos" / "control.json").unlink()
    with RunFolder(run).working():
        done = shell("control", run, "--property", "pos")
    assert done.code == 1
    assert "another process" in done.err
    assert not (run / "cells" / "tiny-bert--tagged--pos" / "control.json").exists()


def test_a_command_keeps_only_what_it_was_told(run: Path, shell: Shell) -> None:
    before = RunFolder(run).manifest()["settings"]["probes"]
    assert shell("minimal", run, "--property", "pos", "--delta", "0.1").code == 0
    after = RunFolder(run).manifest()["settings"]["probes"]
    assert after == {**before, "deltas": after["deltas"]}
    assert set(after["deltas"]) == {*before["deltas"], 0.1}


def test_comparing_other_rankings_leaves_the_run_as_it_is(
    run: Path, shell: Shell, digest: Callable[[Path], dict[str, str]]
) -> None:
    before = digest(run)
    done = shell("rankings", run, "--property", "pos", "--ranking", "probeless", "--ranking", "random")
    assert done.code == 0, done.err
    assert "probeless" in done.out
    assert before.items() <= digest(run).items()  # their rankings are kept beside what was there


def test_a_report_is_finished_when_all_that_was_asked_for_is_there(
    tmp_path: Path, make_settings: Make, pages: list[Path], shell: Shell
) -> None:
    folder = tmp_path / "run"
    run_study(make_settings(properties=("pos", "nominal")), folder)
    shutil.rmtree(next((folder / "cells").glob("*nominal")))
    for command in ("search", "rank", "ablate", "minimal", "control"):  # one in place of the one that is lacking
        assert shell(command, folder, "--property", "regex:[ao]", "--quiet").code == 0, command
    open_run(folder).report()
    assert len(open_run(folder).cells) == 2
    assert not open_run(folder).finished


def test_a_report_names_the_cells_that_lack_a_stage(tmp_path: Path, make_settings: Make, pages: list[Path]) -> None:
    folder = tmp_path / "run"
    run_study(make_settings(properties=("pos", "nominal")), folder)
    (next((folder / "cells").glob("*nominal")) / "minimal.json").unlink()
    open_run(folder).report()
    manifest = RunFolder(folder).manifest()
    assert not manifest["finished"]
    assert [(f["property"], "the stage 'minimal' is missing" in f["error"]) for f in manifest["failures"]] == [
        ("nominal", True)
    ]
    assert set(open_run(folder).results["property"]) == {"pos"}
    (next((folder / "cells").glob("*pos")) / "minimal.json").unlink()
    with pytest.raises(StudyError, match="the stage 'minimal' is missing"):
        open_run(folder).report()


def test_a_report_without_activations_keeps_what_is_known_of_them(run: Path, pages: list[Path]) -> None:
    before = RunFolder(run).manifest()["activations"]
    assert before
    shutil.rmtree(run / "activations")
    open_run(run).report()
    assert RunFolder(run).manifest()["activations"] == before


def test_a_store_named_by_a_relative_path_is_found_from_elsewhere(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: list[Path]
) -> None:
    shutil.copytree(next((finished_run / "activations").iterdir()), tmp_path / "store")
    name = str(open_store(tmp_path / "store").manifest["model"]["name"])
    monkeypatch.chdir(tmp_path)
    probes = {"solver": "adam", "grid": "quick", "seeds": 1, "step": 0.25, "batch_size": 16, "learning_rate": 0.01}
    given = {"path": "store", "model": name, "corpus": "tagged", "properties": ["pos"]}
    settings = StudySettings.checked({"stores": [given], "probes": probes}, where="test")
    run_study(settings, "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert open_run(tmp_path / "run").cells["pos"].store.n_neurons == 48


def test_a_model_whose_folder_is_gone_keeps_its_name(
    tmp_path: Path, tiny_bert: Path, tagged_text: Path, pages: list[Path]
) -> None:
    model = shutil.copytree(tiny_bert, tmp_path / "a-model")
    probes = {"solver": "adam", "grid": "quick", "seeds": 1, "step": 0.25, "batch_size": 16, "learning_rate": 0.01}
    parts = {"models": [{"path": str(model)}], "corpora": [{"files": [str(tagged_text)], "properties": ["pos"]}]}
    folder = tmp_path / "run"
    run_study(StudySettings.checked({**parts, "probes": probes}, where="test"), folder)
    before = [cell.model for cell in open_run(folder).cells]
    shutil.rmtree(model)
    assert [cell.model for cell in open_run(folder).cells] == before == ["a-model"]
    assert json.dumps(RunFolder(folder).manifest()["settings"]["models"]).count("a-model") >= 1
