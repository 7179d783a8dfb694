"""Studies on the command line: dry runs, failures, recipes, comparisons."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def study_file(tmp_path: Path, tiny_bert: Path, tagged_text: Path) -> Path:
    """A quick study whose paths start at its own folder; its second property is none."""
    shutil.copytree(tagged_text, tmp_path / "text")
    file = tmp_path / "tiny.toml"
    file.write_text(
        f"""
        [[models]]
        path = {str(tiny_bert)!r}
        [[corpora]]
        files = ["text"]
        properties = ["nominal", "tense"]
        [probes]
        solver = "adam"
        grid = "quick"
        seeds = 1
        step = 0.5
        batch_size = 16
        control = false
        """,
        encoding="utf-8",
    )
    return file


def test_a_failing_cell_is_said_at_the_end(shell, study_file: Path, tmp_path: Path, plain_page: None) -> None:
    done = shell("run", study_file, "--out", tmp_path / "run")
    assert done.code == 1
    assert done.out == f"{tmp_path}/run/report.html\n"  # what could be done is done
    lines = done.err.splitlines()
    assert "tiny-bert / nominal: " in lines[-2]
    assert lines[-1].startswith("error: tiny-bert / tense of text: ")
    assert "no property 'tense'; the store has pos, nominal" in lines[-1]


def test_the_folder_is_named_after_the_file_and_a_finished_study_answers_at_once(
    shell, study_file: Path, plain_page: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    study_file.write_text(study_file.read_text(encoding="utf-8").replace(', "tense"', ""), encoding="utf-8")
    first = shell("run", study_file, "-q")
    assert (first.code, first.out) == (0, "runs/tiny/report.html\n")
    monkeypatch.delattr("neurosieve.study.run.finish")  # nothing is read or fitted again
    again = shell("run", study_file, "-q")
    assert again == first
    other = shell("run", study_file, "-q", "--recipe", "neurox", "--dry-run")
    assert json.loads(other.out)["cells"] == 1


def test_a_dry_run_makes_nothing_and_says_problems(shell, study_file: Path, tmp_path: Path) -> None:
    done = shell("run", study_file, "--dry-run", "--out", tmp_path / "run")
    assert done.code == 1
    content = json.loads(done.out)
    assert content["cells"] == 2
    assert content["rows"][1]["labels"] == 2
    assert done.err.splitlines()[-1] == "error: text: no property 'tense' of words; the corpus has pos, nominal"
    assert not (tmp_path / "run").exists()
    table = shell("run", study_file, "--dry-run", "--table").out
    assert "minutes" in table
    assert "assumes: " in table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--recipe", "neurox", "--solver", "adam"], "--recipe chooses the solver"),
        (["--csv"], "--csv and --table are the forms of --dry-run"),
        (["--dry-run", "--csv", "--table"], "choose one of --csv and --table"),
    ],
)
def test_options_that_do_not_go_together(shell, arguments: list[str], said: str) -> None:
    done = shell("run", "-m", "x", "-c", "sample", "-p", "pos", "-o", "out", *arguments)
    assert done.code == 2
    assert said in done.err


def test_without_a_file_the_folder_must_be_given(shell) -> None:
    done = shell("run", "-m", "x", "-c", "sample", "-p", "pos")
    assert (done.code, "Missing option '--out'" in done.err) == (2, True)


def test_an_unknown_recipe_is_refused(shell) -> None:
    done = shell("run", "-m", "x", "-c", "sample", "-p", "pos", "-o", "out", "--recipe", "best")
    assert (done.code, done.err) == (1, "error: --recipe: expected paper or neurox, found 'best'\n")


def test_compare_prints_cells_and_pairs(shell, run_folder: Path, finished_run: Path) -> None:
    cells = json.loads(shell("compare", run_folder, finished_run).out)["rows"]
    assert [row["run"] for row in cells] == ["run", "tiny"]
    assert cells[0]["distributedness_low"] <= cells[0]["distributedness"] <= cells[0]["distributedness_high"]
    pairs = shell("compare", run_folder, finished_run, "--pairs", "--csv").out.splitlines()
    assert pairs[0].startswith("property,run_a,model_a,run_b,model_b,label_agreement,same_neurons,jaccard")
    assert len(pairs) == 2
    table = shell("compare", run_folder, finished_run, "--table")
    assert (table.code, table.err) == (0, "")


def test_compare_writes_a_page(shell, run_folder: Path, finished_run: Path, tmp_path: Path) -> None:
    done = shell("compare", run_folder, finished_run, "--out", tmp_path / "page")
    assert done.err == f"{tmp_path}/page/compare.html\n"
    assert (tmp_path / "page" / "compare.html").is_file()


def test_a_corpus_that_is_not_there_is_named(shell, run_folder: Path) -> None:
    done = shell("rank", run_folder, "-p", "pos", "--corpus", "other")
    assert (done.code, done.err) == (1, f"error: {run_folder}: no corpus 'other'; the run's corpora are tagged\n")
    assert shell("rank", run_folder, "-p", "pos", "--corpus", "tagged").code == 0
