"""What saves typing: the only property, help of a verb, completion in the shell, whole tables as CSV, neurons between labels."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path
from shutil import copytree

import pytest

from neurosieve.runs.opened import open_run


def test_the_only_property_needs_no_name(shell, finished_run: Path, tmp_path: Path) -> None:
    named = shell("rank", finished_run, "-p", "pos", "--top", 3)
    assert shell("rank", finished_run, "--top", 3) == named
    assert json.loads(named.out)["property"] == "pos"
    copytree(finished_run, tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    manifest["settings"]["corpora"][0]["properties"].append("nominal")
    manifest.pop("sha256", None)
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = shell("rank", tmp_path / "run")
    assert done.code == 2
    assert "Missing option '--property' / '-p'; the run has pos, nominal (see `neurosieve rank -h`)" in done.err


def test_a_file_is_whole_and_a_screen_is_small(shell, finished_run: Path) -> None:
    def rows(*arguments: object) -> int:
        return len(list(csv.DictReader(io.StringIO(shell("rank", finished_run, *arguments, "--csv").out))))

    assert rows() == 48
    assert rows("--top", 5) == 5
    assert rows("--top", 0) == 48
    assert len(json.loads(shell("rank", finished_run).out)["rows"]) == 20


def test_help_of_a_verb(shell) -> None:
    assert shell("help", "rank") == shell("rank", "--help")
    assert shell("help").out == shell("--help").out
    assert "No such command 'rnak'" in shell("help", "rnak").err


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_the_shell_completes_verbs_and_options(console_script: list[str], kind: str) -> None:
    def completed(words: str, place: int) -> str:
        line = {"COMP_WORDS": words, "COMP_CWORD": str(place)} if kind == "bash" else {"_TYPER_COMPLETE_ARGS": words}
        more = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if kind == "fish" else {}
        env = {**os.environ, "_NEUROSIEVE_COMPLETE": f"complete_{kind}", **line, **more}
        return subprocess.run(console_script, capture_output=True, text=True, env=env, check=False).stdout

    assert "stability" in completed("neurosieve sta", 1)
    assert "--property" in completed("neurosieve rank --pro", 2)


def test_neurons_between_two_labels(shell, finished_run: Path) -> None:
    done = shell("labels", finished_run, "--between", "NN", "--between", "VB", "--top", 5)
    found = json.loads(done.out)
    told = open_run(finished_run).cells["pos"].tables["label_pairs"].query("first == 'NN' and second == 'VB'")
    assert [row["d"] for row in found["rows"]] == pytest.approx(told["d"].tolist())
    assert (found["first"], found["second"]) == ("NN", "VB")
    assert "no word has the label 'XX'" in shell("labels", finished_run, "--between", "NN", "--between", "XX").err
    done = shell("labels", finished_run, "--between", "NN")
    assert (done.code, "--between names two labels" in done.err) == (2, True)
