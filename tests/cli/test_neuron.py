"""``neuron`` and ``words``."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd

from neurosieve.runs.opened import open_run


def test_a_neuron_as_text_page_and_numbers(shell, finished_run: Path) -> None:
    name = open_run(finished_run).cells[0].minimal().names[0]
    done = shell("neuron", finished_run, name)
    assert done.code == 0
    assert done.out.startswith(f"{name} (pos in tiny-bert, tagged)\n\n{name} goes ")
    assert shell("neuron", finished_run, name, "--html").out.startswith("<!doctype html>")
    table = pd.read_csv(io.StringIO(shell("neuron", finished_run, name, "-p", "pos", "--csv").out))
    assert table.columns.tolist() == ["part", "name", "n", "mean", "sd", "value"]


def test_words_in_context(shell, finished_run: Path) -> None:
    done = shell("words", finished_run, "--neuron", "L1N3")
    rows = json.loads(done.out)["rows"]
    assert {row["kind"] for row in rows} == {"top", "middle", "bottom", "random"}
    alone = shell("words", finished_run, "--neuron", "L1N3", "--kind", "top", "--alone", "--csv")
    table = pd.read_csv(io.StringIO(alone.out))
    assert len(table) == 8
    assert table["value"].is_monotonic_decreasing
    assert (table["offset"] == 0).all()


def test_wrong_usage(shell, finished_run: Path, tmp_path: Path) -> None:
    assert shell("neuron", finished_run, "L1N3", "--html", "--csv").code == 2
    assert shell("words", finished_run, "-n", "L1N3", "--kind", "best").code == 2
    failed = shell("neuron", finished_run, "L9N9")
    assert failed.code == 1
    assert failed.err.startswith("error: ")
    assert "no neuron 'L9N9' among 48" in failed.err
    assert shell("neuron", tmp_path, "L1N3").code == 1
