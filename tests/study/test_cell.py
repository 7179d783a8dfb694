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
from neurosieve.study.stage import STAGES
from neurosieve.study.steps import open_cell


@pytest.fixture
def cell(finished_run: Path, tmp_path: Path) -> Cell:
    shutil.copytree(finished_run, tmp_path / "run")
    return open_cell(tmp_path / "run", "pos")


RUN = [name for name in STAGES if name not in ("stability", "ranking", "rankings", "interventions")]
"""Of a run by weight mass, without resamples and without minimal pairs."""


@pytest.mark.parametrize("name", RUN)
def test_a_finished_stage_is_read(cell: Cell, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in ("fit_probes", "search_lambdas", "minimal_neurons", "score_probes"):
        monkeypatch.delattr(stages, function)
    assert STAGES[name](cell).tables


def test_a_stage_made_with_other_settings_is_refused(cell: Cell) -> None:
    cell.settings = cell.settings.model_copy(update={"epochs": 3})
    with pytest.raises(
        StudyError, match=r"search\.json: was made with epochs = 10, now asked with 3; use the earlier value"
    ):
        stages.search(cell)


@pytest.mark.parametrize("content", ["{", '"text"', '{"made_with": {}}'])
def test_a_damaged_stage_is_stated(cell: Cell, content: str) -> None:
    (cell.folder / "ablation.json").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=r"ablation\.json: .*; delete it to compute this stage again"):
        stages.ablation(cell)
    (cell.folder / "ablation.json").unlink()
    assert len(stages.ablation(cell)["ablation"])


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
    with pytest.raises(StudyError, match=r"no probe of the seed 1; there are the seeds 0\..* delete the folder"):
        cell.ranking(1)


def test_every_stage_has_its_wall_time(cell: Cell) -> None:
    assert set(cell.seconds()) == set(RUN)
    assert all(seconds >= 0 for seconds in cell.seconds().values())


def test_the_ablated_subsets_have_their_sizes(cell: Cell) -> None:
    rows = stages.ablation(cell)["ablation"]
    assert set(rows.query("subset != 'all'")["n_neurons"]) == {10}  # 20 % of 48
    assert set(rows.query("subset == 'all'")["n_neurons"]) == {48}


def test_minimal_sets_are_within_delta_on_dev(cell: Cell) -> None:
    rows = stages.minimal(cell)["minimal"]
    assert (rows["dev"] >= rows["oracle_dev"] - rows["delta"] - 1e-12).all()  # rounding of one subtraction


def test_the_retrained_sets_may_be_fitted_without_lambdas(cell: Cell) -> None:
    (cell.folder / "minimal.json").unlink()
    cell.settings = cell.settings.model_copy(update={"regularize": False, "step": 0.5})
    assert len(stages.minimal(cell)["minimal"]) == 4  # two seeds, two deltas


@pytest.mark.parametrize(
    ("solver", "limit", "taken"), [("auto", "1GB", "exact"), ("auto", "20kB", "adam"), ("exact", "20kB", "exact")]
)
def test_a_probe_that_is_too_large_to_be_solved_is_fitted_by_the_recipe(
    cell: Cell, caplog: pytest.LogCaptureFixture, solver: str, limit: str, taken: str
) -> None:
    """Where the solver was left open; said before anything is fitted, and told by every result."""
    cell.asked = cell.asked.model_copy(update={"solver": solver, "memory_limit": limit, "grid": "auto"})
    assert cell.settings.solver == taken
    assert cell.identity(stages.search)["solver"] == taken
    said = [message for message in caplog.messages if "fitted by the recipe (adam)" in message]
    assert len(said) == (taken != "exact")
    if taken == "adam":
        assert cell.settings.grid == "paper"
