"""A stage of another package and a section that shows it, from their definition to the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tests.extending.conftest import is_a_recipe

from neurosieve.activations.source import as_source
from neurosieve.errors import StudyError
from neurosieve.report.section import Section, has_table
from neurosieve.report.sections import register
from neurosieve.runs.opened import open_run
from neurosieve.runs.study import run_study
from neurosieve.study.result import Table
from neurosieve.study.stage import STAGES, stage


def extremes(cell, units):
    """Find the largest value of each neuron in train."""
    source = as_source(cell.splits.train.activations)
    largest = source.read(0, source.n_words).max(axis=0)
    return {"extremes": pd.DataFrame({"neuron": cell.store.neurons["neuron"], "largest": largest.astype(float)})}


EXTREMES = Table({"neuron": "its name", "largest": "its largest value in train"})
SECTION = Section(
    "extremes",
    "Largest values",
    needs=(has_table("extremes"),),
    words=lambda f: "The neurons with the largest values in train.",
    table=lambda f: f.tables["extremes"].nlargest(3, "largest"),
)


def test_a_stage(tmp_path: Path, make_settings: Callable) -> None:
    stage("extremes", after=("data",), tables={"extremes": EXTREMES})(extremes)
    register(SECTION, after="layers")
    asked = make_settings(seeds=1, step=0.5, control=False)
    found = run_study(asked, tmp_path / "run")[0]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Largest values" in page
    assert found.tables["extremes"].nlargest(1, "largest")["neuron"].item() in page
    cell = open_run(tmp_path / "run").cells["pos"]
    pd.testing.assert_frame_equal(cell.tables["extremes"], found.tables["extremes"])
    times = {path: path.stat().st_mtime_ns for path in cell.folder.iterdir()}
    run_study(asked, tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in cell.folder.iterdir()} == times


def test_a_stage_is_added_to_a_finished_run(finished_run: Path, tmp_path: Path, make_settings: Callable) -> None:
    from shutil import copytree

    from neurosieve.study.steps import open_cell

    copytree(finished_run, tmp_path / "run")
    assert open_run(tmp_path / "run").cells["pos"].missing == ()
    added = stage("extremes", after=("data",), tables={"extremes": EXTREMES})(extremes)
    assert open_run(tmp_path / "run").cells["pos"].missing == ()  # a report can do without it
    added(open_cell(tmp_path / "run", "pos"))
    assert "extremes" in open_run(tmp_path / "run").cells["pos"].tables


def test_other_tables_than_those_declared_are_refused(tmp_path: Path, make_settings: Callable) -> None:
    stage("extremes", after=("data",), tables={"largest": EXTREMES})(extremes)
    with pytest.raises(StudyError, match="the stage 'extremes' left the tables extremes; it declares largest"):
        run_study(make_settings(seeds=1, step=0.5, control=False), tmp_path / "run")
    with pytest.raises(StudyError, match="there is already a stage 'extremes'; give the new one another name"):
        stage("extremes", after=("data",), tables={"extremes": EXTREMES})(extremes)
    del STAGES["extremes"]
    stage("extremes", after=("data",), tables={"extremes": Table({"neuron": "its name"})})(extremes)
    with pytest.raises(StudyError, match="has the columns neuron, largest; the stage declares neuron"):
        run_study(make_settings(seeds=1, step=0.5, control=False), tmp_path / "run")


def test_the_recipe_is_this_stage() -> None:
    assert is_a_recipe(__file__, "def extremes")
    assert "extremes" not in STAGES
