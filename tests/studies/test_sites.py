"""The study of sites: rows, resuming, baselines, and what is kept of the page."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "studies" / "sites.py"


@pytest.fixture(scope="module")
def sites():
    spec = importlib.util.spec_from_file_location("study_of_sites", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def arguments(tiny_bert, tmp_path):
    tasks = ["--task", "pos=sample:pos", "--task", "chunk=sample:chunk"]
    small = ["--train-words", "600", "--test-words", "200", "--epochs", "3"]
    return ["--model", f"tiny={tiny_bert}", *tasks, *small, "--out", str(tmp_path / "out")]


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "sites.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_for_each_task_twin_and_site_and_resumes(sites, arguments, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    sites.main(arguments)
    rows = rows_of(out)
    keys = {(row["task"], row["trained"], row["site"]) for row in rows}
    assert len(rows) == len(keys) == 2 * 2 * 4
    # Embeddings and 2 blocks of 16; 2 blocks of 24 hidden units; 2 blocks of 16 for both sites of the attention.
    widths = {row["site"]: int(row["n_neurons"]) for row in rows}
    assert widths == {"residual": 48, "mlp": 48, "attention": 32, "heads": 32}
    for row in rows:
        assert 570 < int(row["train_words"]) <= 600
        assert 170 < int(row["test_words"]) <= 200
        assert all(0 <= float(row[name]) <= 1 for name in ("accuracy", "ranked", "top", "random", "bottom"))
    page = (out / "sites.md").read_text()
    assert page.count("| tiny | untrained |") == 8
    assert "600 words of train" in page

    # Of a run that was stopped only what is missing is made again, and what somebody found in the figures stays.
    lines = (out / "sites.csv").read_text().splitlines(keepends=True)
    (out / "sites.csv").write_text("".join(lines[:-1]))
    (out / "sites.md").write_text(page + "## Findings\n\nThe embeddings carry it.\n")
    made = []
    extract = sites.ns.extract
    monkeypatch.setattr(sites.ns, "extract", lambda *given: made.append(given) or extract(*given))
    sites.main(arguments)
    assert len(made) == 1
    again = rows_of(out)
    assert again[:-1] == rows[:-1]
    times = {"extraction_words_per_s", "extraction_words_per_cpu_s", "seconds"}
    assert {k: v for k, v in again[-1].items() if k not in times} == {
        k: v for k, v in rows[-1].items() if k not in times
    }
    assert (out / "sites.md").read_text().endswith("## Findings\n\nThe embeddings carry it.\n")

    with pytest.raises(SystemExit, match="choose another --out"):
        sites.main([*arguments, "--epochs", "4"])


def test_baselines(sites) -> None:
    words, y = ["the", "light", "light", "light", "x"], ["DT", "NN", "NN", "VB", None]
    words_test, y_test = ["light", "light", "the", "new", "x"], ["NN", "VB", "DT", "NN", None]
    assert sites.majority(y, y_test) == 2 / 4
    assert sites.per_word(words, y, words_test, y_test) == 3 / 4  # light is NN, "new" gets NN, the most frequent


@pytest.mark.parametrize("text", ["pos", "pos=sample", "=sample:pos"])
def test_a_task_that_is_no_task_is_refused(sites, text) -> None:
    with pytest.raises(SystemExit, match="expected NAME=CORPUS:PROPERTY"):
        sites._task(text)
