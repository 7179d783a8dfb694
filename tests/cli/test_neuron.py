"""``neuron`` and ``words``."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from neurosieve.report.neuron.page import NeuronPage
from neurosieve.runs.neurons import show
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


def test_texts_of_neurons_cannot_command_a_spreadsheet_or_a_terminal(
    shell, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = open_run(finished_run).cells[0].minimal().names[0]
    frame = NeuronPage.to_frame

    def hostile(page: NeuronPage) -> pd.DataFrame:
        return frame(page).assign(name="=HYPERLINK(1)")

    monkeypatch.setattr(NeuronPage, "to_frame", hostile)
    out = shell("neuron", finished_run, name, "--csv").out
    assert "'=HYPERLINK(1)" in out
    assert ",=" not in out
    monkeypatch.setattr(NeuronPage, "__str__", lambda _page: "a\x1b[31m\u202eb\nc")
    assert shell("neuron", finished_run, name).out == "a\\x1b[31m\\u202eb\nc\n"


def test_a_page_is_saved_whole(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(finished_run)
    page = show(run, run.cells[0].minimal().names[0])
    target = page.save(tmp_path / "neuron.html")
    before = target.read_text(encoding="utf-8")
    assert before.startswith("<!doctype html>")
    (tmp_path / "elsewhere").write_text("kept", encoding="utf-8")
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "elsewhere")
    page.save(link)  # takes the link's place and does not write through it
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "kept"
    monkeypatch.setattr(NeuronPage, "html", lambda _page: "half\ud800")  # cannot be written out
    with pytest.raises(UnicodeEncodeError):
        page.save(target)
    assert target.read_text(encoding="utf-8") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "link.html", "neuron.html"]
