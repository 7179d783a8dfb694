"""The stage that looks at the neurons of a minimal set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from neurosieve.runs.opened import open_run
from neurosieve.study import looking
from neurosieve.study.steps import open_cell


def test_a_run_looks_at_the_neurons_of_its_smallest_set(finished_run: Path) -> None:
    cell = open_run(finished_run).cells["pos"]
    tables = cell.tables
    wanted = cell.minimal().neurons[:40].tolist()
    assert tables["neuron_summary"]["index"].tolist() == wanted
    X = cell.store.read(0, cell.store.n_words)[:, wanted].astype(np.float64)
    assert tables["neuron_summary"]["mean"].to_numpy() == pytest.approx(X.mean(axis=0), abs=1e-6)
    probe = cell.probe(0)
    row = tables["neuron_weights"].query("label == 'NN'").set_index("index").loc[wanted[0]]
    weights = probe.full_coef()[list(probe.classes_).index("NN")]
    assert row["weight"] == pytest.approx(weights[wanted[0]])
    assert row["per_sd"] == pytest.approx(weights[wanted[0]] * X[:, 0].std())
    assert row["place"] == (np.abs(weights) > abs(weights[wanted[0]])).sum()
    assert 'data-neuron="' in (finished_run / "report.html").read_text(encoding="utf-8")


def test_their_number_can_be_changed_and_taken_back(finished_run: Path, tmp_path: Path) -> None:
    copytree(finished_run, tmp_path / "run")
    fewer = open_cell(tmp_path / "run", "pos", neuron_pages=2)
    assert len(looking.looks(fewer)["neuron_summary"]) == 2
    assert open_run(tmp_path / "run").cells["pos"].settings.neuron_pages == 40
    again = open_cell(tmp_path / "run", "pos")
    assert len(looking.looks(again)["neuron_summary"]) > 2


def test_none_are_looked_at_where_none_are_asked_for(tmp_path: Path, make_settings: Callable) -> None:
    from neurosieve.study.run import run_cells

    found = run_cells(make_settings(seeds=1, step=0.5, control=False, neuron_pages=0), tmp_path / "run")
    assert "neuron_summary" not in found[0].tables
