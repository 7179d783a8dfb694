"""A run's folder, opened again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurosieve import open_run
from neurosieve.errors import StudyError
from neurosieve.probes.predict import score_probes


def test_a_finished_run_gives_everything_back(finished_run: Path) -> None:
    run = open_run(finished_run)
    assert run.finished
    assert len(run.cells) == 1
    cell = run.cells["pos"]
    assert (cell.model, cell.prop, cell.missing) == (run.cells[0].model, "pos", ())
    assert run.cells[cell.model, cell.corpus, "pos"] == cell
    results = run.results
    assert set(results["property"]) == {"pos"}
    assert {"results", "rankings", "layers", "ablation_test"} <= set(run.tables)
    rankings = run.tables["rankings"]
    order = cell.ranking(0).order
    assert rankings["neuron"].tolist() == cell.store.neurons["neuron"].to_numpy()[order].tolist()
    assert cell.ranking(1).order.tolist() != order.tolist()


def test_scores_can_be_computed_again_from_what_is_given(finished_run: Path) -> None:
    run = open_run(finished_run)
    cell = run.cells["pos"]
    splits, probe = cell.splits, cell.probe(1)
    said = run.results.query(
        "metric == 'accuracy' and subset == 'all' and split == 'test' and seed == 1 and task == 'linguistic'"
    )
    again = score_probes(splits.test.activations, [probe], splits.test.y)[0]
    assert again == pytest.approx(said["value"].item(), abs=1e-6)


def test_minimal_sets(finished_run: Path) -> None:
    cell = open_run(finished_run).cells["pos"]
    found = cell.minimal(0.02, seed=1)
    np.testing.assert_array_equal(found.neurons, cell.ranking(1).top(len(found.neurons)))
    assert len(found.names) == len(found.neurons)
    assert cell.minimal().delta == 0.005
    assert "neurons within 2 points" in repr(found)
    with pytest.raises(StudyError, match=r"no minimal set of delta 0.3 and seed 0; there are the deltas 0.005, 0.02"):
        cell.minimal(0.3)


def test_tables_of_a_cell(finished_run: Path) -> None:
    tables = open_run(finished_run).cells["pos"].tables
    assert {"about", "search", "oracle", "ablation", "minimal", "sets", "curves", "control"} < set(tables)
    assert all(isinstance(table, pd.DataFrame) for table in tables.values())
    assert tables["oracle"]["score"].between(0, 1).all()


def test_an_unfinished_run_says_what_it_lacks(finished_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    cell = open_run(folder).cells["pos"]
    (cell.folder / "minimal.json").unlink()
    (folder / "results.csv").unlink()
    run = open_run(folder)
    assert run.cells["pos"].missing == ("minimal",)
    assert "lacks minimal" in repr(run)
    with pytest.raises(StudyError, match="the stage 'minimal' is not finished"):
        run.cells["pos"].minimal()
    with pytest.raises(StudyError, match=r"results\.csv: not written yet"):
        _ = run.results


def test_what_is_not_there_is_named(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    with pytest.raises(StudyError, match="no cell is 'xpos'; choose one as"):
        _ = run.cells["xpos"]
    with pytest.raises(StudyError, match="no probe of the seed 7; there are the seeds 0, 1"):
        run.cells["pos"].probe(7)
    with pytest.raises(StudyError, match="no stage 'nonsense'"):
        run.cells["pos"].result("nonsense")
    with pytest.raises(StudyError, match="holds no run"):
        open_run(tmp_path)


def test_a_run_shows_itself(finished_run: Path) -> None:
    run = open_run(finished_run)
    assert repr(run).startswith(f"Run {finished_run} (finished)\nOpenCell ")
    assert "<table" in run._repr_html_()
    assert "pos" in run.cells._repr_html_()


def test_the_report_can_be_written_again(finished_run: Path, tmp_path: Path, pages: list[Path]) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    before = (folder / "results.csv").read_bytes()
    (folder / "results.csv").unlink()
    assert open_run(folder).report() == folder / "report.html"
    assert (folder / "results.csv").read_bytes() == before
