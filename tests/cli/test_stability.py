"""`stability`, `--solver` and `--certified` on the command line, and what `--quiet` leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

COLUMNS = ["neuron", "rank", "frequency", "rank_low", "rank_high", "key_low", "key_high", "q_value"]


def test_it_prints_neurons_then_scores_and_repeats_nothing(
    shell, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = shell("stability", run_folder, "-p", "pos", "--resamples", 2, "--top", 3)
    assert done.code == 0
    content = json.loads(done.out)
    assert list(content["rows"][0]) == COLUMNS
    assert [row["rank"] for row in content["rows"]] == [0, 1, 2]
    assert content["resamples"] == 2
    assert content["permuted"] == "type"
    monkeypatch.delattr("neurosieve.study.certainty.resample")
    done = shell("stability", run_folder, "-p", "pos", "--scores", "--csv")
    assert done.code == 0
    assert done.out.splitlines()[0] == "split,subset,fill,n_neurons,value,low,high,sd_train,sd_text,sd_seed"
    table = shell("stability", run_folder, "-p", "pos", "--table").out
    assert max(map(len, table.splitlines())) <= 80  # fits a terminal
    assert "nan" not in table.lower()


def test_other_resamples_are_drawn_anew(shell, run_folder: Path) -> None:
    for n in (2, 3):
        done = shell("stability", run_folder, "-p", "pos", "--resamples", n, "-q")
        assert done.code == 0
        assert json.loads(done.out)["resamples"] == n
    done = shell("stability", run_folder, "-p", "pos", "--resamples", 1)
    assert done.code == 2


VERBS = ["search", "rank", "ablate", "minimal", "control", "stability", "layers", "labels"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_knows_the_solver(shell, run_folder: Path, verb: str) -> None:
    done = shell(verb, run_folder, "-p", "pos", "--certified")
    assert done.code == 1
    assert "was made with solver = 'adam', now asked with 'exact'" in done.err
    settings = json.loads((run_folder / "manifest.json").read_text(encoding="utf-8"))["settings"]
    assert settings["probes"]["solver"] == "adam"  # what was refused is not kept
    done = shell(verb, run_folder, "-p", "pos", "--certified", "--solver", "adam")
    assert done.code == 2
    assert "--certified means --solver exact" in done.err


def test_the_solver_of_the_first_verb_is_that_of_the_later_ones(
    shell, tiny_bert: Path, tagged_text: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert shell("extract", "-m", tiny_bert, "-c", tagged_text, "-o", out, "-q").code == 0
    assert shell("search", out, "-p", "nominal", "--grid", "quick", "--epochs", 1, "--solver", "neurox", "-q").code == 0
    assert shell("rank", out, "-p", "nominal", "-q").code == 0
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["probes"]["solver"] == "neurox"
    assert shell("rank", out, "-p", "pos", "--solver", "neurox", "-q").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "3"], "--epochs: the exact solver has no such setting; add --solver adam, or leave it out"),
        (["--certified", "--batch-size", "8"], "--batch-size: the exact solver has no such setting"),
        (["--solver", "adam", "--tol", "1e-4"], "--tol: only the exact solver has this setting"),
        (["--recipe", "paper", "--certified"], "--recipe chooses the solver; leave out --solver and --certified"),
    ],
)
def test_run_refuses_options_that_its_solver_does_not_have(
    shell, tmp_path: Path, options: list[str], said: str
) -> None:
    done = shell("run", "-m", "x", "-c", "sample", "-p", "pos", "-o", tmp_path / "run", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_run_refuses_contradicting_solvers(shell, command_line: list[str], tmp_path: Path) -> None:
    done = shell(*command_line, "--out", tmp_path / "run", "--certified", "--solver", "neurox")
    assert done.code == 2
    assert "--certified means --solver exact" in done.err
    assert not (tmp_path / "run").exists()


def test_a_quiet_run_prints_the_page_alone(shell, command_line: list[str], run_folder: Path) -> None:
    done = shell(*command_line, "--out", run_folder, "--quiet")
    assert done == (0, f"{run_folder}/report.html\n", "")
    assert "retrained reach" in shell(*command_line, "--out", run_folder).err
