"""Single steps on a run's folder: which activations they find, which changes they allow, what a report needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.errors import NeurosieveError, StudyError
from neurosieve.runs.opened import open_run
from neurosieve.runs.study import run_study
from neurosieve.study import stages
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings
from neurosieve.study.steps import extract_into, open_cell

Make = Callable[..., StudySettings]


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


def test_the_cell_of_a_run_is_found(run: Path) -> None:
    cell = open_cell(run, "pos")
    assert (cell.model, cell.prop, cell.store.n_neurons) == ("tiny-bert", "pos", 48)
    assert cell.settings.seeds == 2
    assert open_cell(run, "nominal", model="tiny-bert").folder != cell.folder


def test_a_property_or_model_that_is_not_there_is_refused(run: Path) -> None:
    with pytest.raises(NeurosieveError, match="no property 'tense'; the store has pos, nominal"):
        open_cell(run, "tense")
    with pytest.raises(StudyError, match="no model 'bert'; the run's models are tiny-bert"):
        open_cell(run, "pos", model="bert")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no run; make one with `neurosieve extract`"):
        open_cell(tmp_path, "pos")
    with pytest.raises(StudyError, match="holds no run"):
        open_run(tmp_path).report()


def test_unfinished_activations_are_refused(run: Path) -> None:
    next((run / "activations").glob("*/manifest.json")).unlink()
    with pytest.raises(
        StudyError, match=r"no finished activations; repeat the run's `neurosieve extract` or `run` command"
    ):
        open_cell(run, "pos")


def test_settings_may_change_until_a_stage_used_them(run: Path, digest: Callable[[Path], dict[str, str]]) -> None:
    before = digest(run)
    with pytest.raises(
        StudyError, match=r"search\.json: was made with grid = 'quick', now asked with 'paper'; use the earlier value"
    ):
        stages.search(open_cell(run, "pos", grid="paper"))
    with pytest.raises(StudyError, match=r"^--delta: expected fractions"):
        open_cell(run, "pos", deltas=[-1.0])
    assert digest(run) == before
    for name in ("minimal", "control"):
        (run / "cells" / "tiny-bert--tagged--pos" / f"{name}.json").unlink()
    cell = open_cell(run, "pos", deltas=[0.1])
    assert cell.settings.deltas == (0.1,)
    RunFolder(run).remember(deltas=[0.1])
    assert open_cell(run, "pos").settings.deltas == (0.1,)


def test_models_whose_names_begin_alike_are_told_apart(tmp_path: Path, tiny_bert: Path, tagged_text: Path) -> None:
    settings = StudySettings.checked(
        {
            "models": [{"path": str(tiny_bert)}, {"path": str(tiny_bert), "untrained": 1}],
            "corpora": [{"files": [str(tagged_text)]}],
        },
        where="test",
    )
    extract_into(settings, tmp_path / "run")
    with pytest.raises(StudyError, match="no finished activations of tiny-bert-untrained1"):
        open_cell(tmp_path / "run", "pos", model="tiny-bert-untrained1")
    assert open_cell(tmp_path / "run", "pos", model="tiny-bert").model == "tiny-bert"


def test_a_choice_between_models_is_asked_for(tmp_path: Path, tiny_bert: Path, tagged_text: Path) -> None:
    from neurosieve.study.folder import RunFolder
    from neurosieve.study.sources import activations_of

    settings = StudySettings.checked(
        {
            "models": [{"path": str(tiny_bert)}, {"path": str(tiny_bert), "untrained": 1}],
            "corpora": [{"files": [str(tagged_text)]}],
        },
        where="test",
    )
    extract_into(settings, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    activations_of(folder, settings)[1].open(folder, loaded={}, report=lambda _title: None)
    with pytest.raises(
        StudyError, match=r"several activations have 'pos' \(.*untrained1 over tagged\); choose one with --model"
    ):
        open_cell(tmp_path / "run", "pos")
    assert open_cell(tmp_path / "run", "pos", model="tiny-bert-untrained1").model == "tiny-bert-untrained1"


def test_extracted_activations_serve_a_whole_run(tmp_path: Path, make_settings: Make, pages: list[Path]) -> None:
    store = extract_into(make_settings(properties=()), tmp_path / "run")
    times = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    run_study(make_settings(seeds=1, control=False), tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == times


def test_a_report_needs_its_stages(run: Path) -> None:
    cell = run / "cells" / "tiny-bert--tagged--pos"
    (cell / "minimal.json").unlink()
    with pytest.raises(
        StudyError, match=r"the stage 'minimal' is missing; run `neurosieve minimal .* --property pos` first"
    ):
        open_run(run).report()
    shutil.rmtree(cell)
    with pytest.raises(StudyError, match="no property has been studied yet; run `neurosieve search`"):
        open_run(run).report()


def test_a_report_holds_what_single_steps_left(tmp_path: Path, make_settings: Make, pages: list[Path]) -> None:
    run = tmp_path / "run"
    extract_into(make_settings(properties=()), run)
    cell = open_cell(run, "nominal", step=0.5, seeds=1)
    stages.minimal(cell)
    RunFolder(run).remember(step=0.5, seeds=1)
    with pytest.raises(StudyError, match=r"the stage 'ablation' is missing; run `neurosieve ablate"):
        open_run(run).report()
    stages.ablation(cell)
    assert open_run(run).report() == run / "report.html"
    assert "nominal" in (run / "results.csv").read_text(encoding="utf-8")
    assert json.loads((run / "manifest.json").read_text(encoding="utf-8"))["finished"] is True
