"""What a run or a store holds, in short."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neurosieve.errors import StudyError
from neurosieve.runs.info import describe


def test_a_run_lists_its_stages_in_their_order(finished_run: Path) -> None:
    frame, summary = describe(finished_run)
    assert frame.to_dict("records") == [
        {
            "cell": "tiny-bert--tagged--pos",
            "ranking": "weight-mass",
            "finished": "data, search, oracles, ablation, minimal, control, baselines, label_scores, label_pairs, looks, text",
        }
    ]
    assert summary["finished"] is True
    (store,) = summary["activations"]
    assert "x 48 neurons" in store
    assert "kB; properties pos, nominal" in store


def test_unfinished_activations_are_said_to_be(finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    next((tmp_path / "run" / "activations").glob("*/manifest.json")).unlink()
    assert "(unfinished, " in describe(tmp_path / "run")[1]["activations"][0]


def test_a_store_lists_its_layers(finished_run: Path) -> None:
    frame, summary = describe(next((finished_run / "activations").iterdir()))
    assert list(frame["name"]) == ["L0", "L1", "L2"]
    assert summary["n_neurons"] == 48
    assert summary["properties"] == "pos, nominal"
    assert summary["left_out"] == 0
    assert [part.split()[0] for part in summary["splits"].split(", ")] == ["train", "dev", "test"]


def test_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="neither a run nor an activation store"):
        describe(tmp_path)
    with pytest.raises(StudyError, match="there is no such folder"):
        describe(tmp_path / "none")
