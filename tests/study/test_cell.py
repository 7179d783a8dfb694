"""Stages of a cell: kept, refused where they were made otherwise, stated where damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neurosieve.errors import StudyError
from neurosieve.probes.memory import available_bytes
from neurosieve.probes.predict import score_probes
from neurosieve.study import stages
from neurosieve.study.cell import Cell
from neurosieve.study.steps import open_cell


@pytest.fixture
def cell(finished_run: Path, tmp_path: Path) -> Cell:
    shutil.copytree(finished_run, tmp_path / "run")
    return open_cell(tmp_path / "run", "pos")


@pytest.mark.parametrize("name", [name for name in stages.STAGES if name != "stability"])  # which was not asked for
def test_a_finished_stage_is_read(cell: Cell, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in ("fit_probes", "search_lambdas", "minimal_neurons", "score_probes"):
        monkeypatch.delattr(stages, function)
    assert stages.STAGES[name](cell)


def test_a_stage_made_with_other_settings_is_refused(cell: Cell) -> None:
    cell.settings = cell.settings.model_copy(update={"epochs": 3})
    with pytest.raises(
        StudyError, match=r"search\.json: was made with epochs = 10, now asked with 3; use the same settings"
    ):
        stages.search(cell)


@pytest.mark.parametrize("content", ["{", '"text"', '{"made_with": {}}'])
def test_a_damaged_stage_is_stated(cell: Cell, content: str) -> None:
    (cell.folder / "ablation.json").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=r"ablation\.json: .*; delete it to compute this stage again"):
        stages.ablation(cell)
    (cell.folder / "ablation.json").unlink()
    assert stages.ablation(cell)["rows"]


def test_stages_keep_to_the_memory_limit(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(*args, **kwargs):
        seen.append(available_bytes())
        return score_probes(*args, **kwargs)

    monkeypatch.setattr(stages, "score_probes", spy)
    cell.settings = cell.settings.model_copy(update={"memory_limit": "50MB"})
    (cell.folder / "ablation.json").unlink()
    stages.ablation(cell)
    assert seen == [50_000_000, 50_000_000]
    assert available_bytes() != 50_000_000


def test_a_probe_that_is_gone_is_stated(cell: Cell) -> None:
    cell.probe_path(1).unlink()
    with pytest.raises(StudyError, match=r"oracle-1\.safetensors: the probe is gone; delete the folder"):
        cell.ranking(1)
    with pytest.raises(StudyError, match="no seed 2; the run has the seeds 0 to 1"):
        cell.oracle(2)


def test_every_stage_has_its_wall_time(cell: Cell) -> None:
    assert set(cell.seconds()) == set(stages.STAGES) - {"stability"}  # which is asked for
    assert all(seconds >= 0 for seconds in cell.seconds().values())


def test_the_ablated_subsets_have_their_sizes(cell: Cell) -> None:
    rows = stages.ablation(cell)["rows"]
    assert {row["n_neurons"] for row in rows if row["subset"] != "all"} == {10}  # 20 % of 48
    assert {row["n_neurons"] for row in rows if row["subset"] == "all"} == {48}


def test_minimal_sets_are_within_delta_on_dev(cell: Cell) -> None:
    for row in stages.minimal(cell)["rows"]:
        assert row["dev"] >= row["oracle_dev"] - row["delta"] - 1e-12  # rounding of one subtraction


def test_the_retrained_sets_may_be_fitted_without_lambdas(cell: Cell) -> None:
    (cell.folder / "minimal.json").unlink()
    cell.settings = cell.settings.model_copy(update={"regularize": False, "step": 0.5})
    assert len(stages.minimal(cell)["rows"]) == 4  # two seeds, two deltas
