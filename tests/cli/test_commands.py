"""The single steps one after the other, in the three formats, each on what the earlier ones left."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

COLUMNS = {
    "search": ["l1", "l2", "a_top", "a_bottom", "a_all", "score"],
    "rank": ["neuron", "layer", "index", "rank", "key", "mass"],
    "ablate": ["seed", "split", "fill", "subset", "n_neurons", "accuracy"],
    "minimal": ["seed", "delta", "n_neurons", "dev", "test", "oracle_dev", "oracle_test"],
    "control": ["seed", "split", "subset", "delta", "n_neurons", "linguistic", "control", "selectivity"],
    "layers": ["layer", "n_selected", "n_neurons", "share", "expected"],
    "labels": ["label", "n_neurons", "n_exclusive", "main_layer", "main_layer_share"],
}
ROWS = {"search": 16, "rank": 20, "ablate": 28, "minimal": 4, "control": 12, "layers": 3, "labels": 5}


def test_the_steps_one_after_the_other_give_what_a_run_gives(
    shell, tiny_bert: Path, tagged_text: Path, tmp_path: Path, plain_page: None, finished_run: Path
) -> None:
    out = tmp_path / "steps"
    done = shell("extract", "--model", tiny_bert, "--corpus", tagged_text, "--out", out)
    assert done.code == 0
    assert done.out == f"{out}/activations/tiny-bert--tagged\n"
    assert "words x 48 neurons" in done.err
    settings = ["--solver", "adam", "--grid", "quick", "--seeds", 2, "--batch-size", 16, "--learning-rate", 0.01]
    for command, stages in {
        "search": ["data", "search"],
        "rank": [],
        "ablate": ["oracles", "ablation"],
        "minimal": ["minimal"],
        "control": ["control"],
        "layers": [],
        "labels": [],
    }.items():
        options = {"search": settings, "minimal": ["--step", 0.1]}.get(command, [])
        done = shell(command, out, "--property", "pos", *options)
        assert done.code == 0
        assert [line.split(": ")[1].split()[0] for line in done.err.splitlines()] == stages
        content = json.loads(done.out)
        assert content["property"] == "pos"
        assert len(content["rows"]) == ROWS[command]
        assert list(content["rows"][0]) == COLUMNS[command]
    assert shell("report", out) == (0, f"{out}/report.html\n", "")
    for name in ("results.csv", "rankings.csv"):
        assert (out / name).read_bytes() == (finished_run / name).read_bytes()
    assert json.loads(shell("info", out).out)["finished"] is True


@pytest.mark.parametrize("command", COLUMNS)
def test_each_step_prints_csv_and_a_table(shell, run_folder: Path, command: str) -> None:
    done = shell(command, run_folder, "-p", "pos", "--csv")
    assert (done.code, done.err) == (0, "")
    rows = list(csv.reader(io.StringIO(done.out)))
    assert rows[0] == COLUMNS[command]
    assert len(rows) == 1 + (48 if command == "rank" else ROWS[command])  # a file is whole
    done = shell(command, run_folder, "-p", "pos", "--table")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "property: pos"
    assert lines[-ROWS[command] - 1].split() == COLUMNS[command]
    assert max(map(len, lines)) <= 80  # fits a terminal


def test_a_finished_step_computes_nothing(shell, run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in ("fit_probes", "search_lambdas", "minimal_neurons"):
        monkeypatch.delattr(f"neurosieve.study.stages.{function}")
    for command in COLUMNS:
        assert shell(command, run_folder, "-p", "pos").code == 0


def test_the_best_lambdas_come_first(shell, run_folder: Path) -> None:
    content = json.loads(shell("search", run_folder, "-p", "pos").out)
    first = content["rows"][0]
    assert (first["l1"], first["l2"]) == (content["l1"], content["l2"])
    scores = [row["score"] for row in content["rows"]]
    assert scores == sorted(scores, reverse=True)


def test_the_ranking_can_be_cut_and_widened(shell, run_folder: Path) -> None:
    rows = json.loads(shell("rank", run_folder, "-p", "pos", "--top", 3, "--seed", 1).out)["rows"]
    assert [row["rank"] for row in rows] == [0, 1, 2]
    rows = json.loads(shell("rank", run_folder, "-p", "pos", "--top", 0, "--labels").out)["rows"]
    assert len(rows) == 48
    assert {"rank:NN", "rank:."} <= set(rows[0])
    written = pd.read_csv(run_folder / "rankings.csv")
    assert [row["neuron"] for row in rows] == list(written["neuron"])


def test_values_that_are_missing_are_null_in_json_and_empty_in_a_table(shell, run_folder: Path) -> None:
    rows = json.loads(shell("control", run_folder, "-p", "pos").out)["rows"]
    assert {row["delta"] for row in rows} == {None, 0.005, 0.02}
    assert "nan" not in shell("control", run_folder, "-p", "pos", "--table").out.lower()
    assert "nan" not in shell("control", run_folder, "-p", "pos", "--csv").out.lower()


def test_the_report_is_a_page_with_all_of_a_run(shell, run_folder: Path) -> None:
    for name in ("report.html", "results.csv"):
        (run_folder / name).unlink()
    shutil.rmtree(run_folder / "figures")
    done = shell("report", run_folder, "--quiet")
    assert done == (0, f"{run_folder}/report.html\n", "")
    page = (run_folder / "report.html").read_text(encoding="utf-8")
    assert "tiny-bert" in page
    assert "http://" not in page.replace("http://www.w3.org", "")  # names of formats only; nothing is loaded
    assert list((run_folder / "figures").glob("*.png"))


@pytest.mark.parametrize("which", ["run", "store"])
def test_info_prints_every_format(shell, run_folder: Path, which: str) -> None:
    folder = run_folder if which == "run" else next((run_folder / "activations").iterdir())
    content = json.loads(shell("info", folder).out)
    assert content["rows"]
    assert shell("info", folder, "--csv").out.splitlines()[0] == ",".join(content["rows"][0])
    table = shell("info", folder, "--table")
    assert (table.code, table.err) == (0, "")
    assert "pos, nominal" in table.out
    assert "[" not in table.out  # no lists as Python writes them


def test_a_store_is_described_without_torch(run_folder: Path) -> None:
    store = next((run_folder / "activations").iterdir())
    script = (
        "import sys\nfrom neurosieve.cli.main import main\n"
        f"sys.argv = ['neurosieve', 'info', {str(store)!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print([m for m in ('torch', 'transformers', 'matplotlib') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert json.loads(done.stdout)["rows"]


def test_quiet_leaves_only_the_data(shell, tiny_bert: Path, tagged_text: Path, tmp_path: Path) -> None:
    done = shell("extract", "-m", tiny_bert, "-c", tagged_text, "-o", tmp_path / "run", "--quiet")
    assert (done.code, done.err) == (0, "")
    done = shell(
        "search", tmp_path / "run", "-p", "nominal", "--solver", "adam", "--grid", "quick", "--epochs", 1, "-q"
    )
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["property"] == "nominal"
