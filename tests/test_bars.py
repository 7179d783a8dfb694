"""Progress bars: there where a person looks, one at a time, and nothing left of them but a line in a notebook."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosieve as ns
from neurosieve import bars
from neurosieve.cli.output import reporting
from neurosieve.study.settings import CorpusSettings, ModelSettings, ProbeSettings


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FakeCell:
    """What a notebook's kernel is told to show, an output a handle."""

    def __init__(self) -> None:
        self.outputs: list[list[dict[str, str]]] = []

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw
        assert display_id
        shown = [data]
        self.outputs.append(shown)

        class Handle:
            def update(self, data: dict[str, str], *, raw: bool) -> None:
                assert raw
                shown.append(data)

        return Handle()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars that appear at once, so that short work shows them."""
    monkeypatch.setattr(bars, "DELAY", 0.0)
    monkeypatch.setattr(bars, "REDRAWN", 0.001)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, at_once: None) -> FakeCell:
    """A notebook's kernel around this process."""
    display = pytest.importorskip("IPython.display", reason="IPython (extra `dev`) is not installed")
    import IPython

    cell = FakeCell()
    monkeypatch.setattr(display, "display", cell.display)
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    return cell


def terminal(monkeypatch: pytest.MonkeyPatch) -> FakeTerminal:
    """A terminal as stderr; called in a test, since what fixtures put there is replaced before it begins."""
    screen = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bars._setting, "on", value=True)


@bars.with_bar("work <b>")
def work(n: int, *, progress: bars.Progress | None = None, seconds: float = 0.02) -> list[float]:
    """Tell of every step, wait, and do some more of the same inside."""
    for done in range(n):
        if progress is not None:
            progress(done, n)
        time.sleep(seconds)
    return inner(progress=None)


@bars.with_bar("inner")
def inner(*, progress: bars.Progress | None = None) -> list[float]:
    return [] if progress is None else [1.0]


def test_a_notebook_shows_one_bar_and_keeps_one_line(kernel: FakeCell) -> None:
    assert work(4) == []  # what is called inside shows nothing of its own
    [shown] = kernel.outputs
    assert any("<progress" in each["text/html"] and "work &lt;b&gt;" in each["text/html"] for each in shown)
    assert any("work <b>: 75%" in each["text/plain"] for each in shown)
    assert shown[-1]["text/html"].startswith("<div><small>work &lt;b&gt;: 0.")
    assert "progress" not in shown[-1]["text/html"]


def test_what_is_quick_leaves_nothing(kernel: FakeCell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "DELAY", 60.0)
    work(2, seconds=0)
    assert not kernel.outputs


def test_a_failure_takes_the_bar_away(kernel: FakeCell) -> None:
    @bars.with_bar("failing")
    def fail(*, progress: bars.Progress | None = None) -> None:
        time.sleep(0.05)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert "<progress" not in kernel.outputs[0][-1]["text/html"]
    assert inner() == [1.0]  # and the next one has its place


def test_a_terminal_shows_one_and_keeps_nothing(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    assert work(4) == []
    text = screen.getvalue()
    assert "work <b>" in text
    assert "75%" in text
    assert "inner" not in text
    assert text.endswith("\x1b[2K")  # the line of the bar is erased


def test_the_setting_turns_them_off(kernel: FakeCell, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    ns.progress(on=False)
    assert work(2) == []
    assert inner() == []
    assert (kernel.outputs, screen.getvalue()) == ([], "")
    ns.progress(on=True)
    assert inner() == [1.0]


def test_the_callers_callback_wins(kernel: FakeCell) -> None:
    told: list[tuple[float, float]] = []
    work(3, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert not kernel.outputs


def test_the_command_line_has_a_display_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    with reporting():
        assert inner() == []
    with reporting(quiet=True):
        assert inner() == []
    assert inner() == [1.0]


def test_workers_of_a_pool_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    monkeypatch.setattr(bars.multiprocessing.current_process(), "name", "LokyProcess-1")
    assert inner() == []


SCRIPT = """\
import neurosieve as ns
from neurosieve import bars
bars.DELAY = 0.0
made = ns.make_planted(n_words=600, n_neurons=20, n_labels=3, n_informative=4, random_state=0)
ns.fit_probes(made.X, [ns.ProbeSpec(made.y, 1e-3, 1e-3)])
print(bars._surface())
"""


def test_nothing_is_shown_where_output_is_piped() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("None\n", "")


@pytest.mark.parametrize(("value", "on"), [("0", "False"), ("off", "False"), ("1", "True")])
def test_a_variable_turns_them_off(value: str, on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bars.SETTING, value)
    script = "from neurosieve import bars; print(bars._setting['on'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{on}\n"


def test_long_functions_show_one(kernel: FakeCell, tmp_path: Path) -> None:
    made = ns.make_planted(n_words=900, n_neurons=60, n_labels=4, n_informative=6, random_state=0)
    X, y = made.X, made.y
    splits = ns.Splits.from_arrays((X[:500], X[500:700], X[700:]), (y[:500], y[500:700], y[700:]))
    search = ns.search_lambdas(splits, grid=[(1e-3, 1e-3), (1e-2, 1e-3)])
    ranking = ns.weight_mass_ranking(search.probe)
    ns.minimal_neurons(search.probe, ranking, splits, deltas=[0.05], step=0.2)
    parts = np.repeat(["train", "dev", "test"], [500, 200, 200])
    store = ns.store_from_arrays(tmp_path / "store", X, labels={"y": y}, splits=parts)
    ns.rank_all(["auroc", "probeless"], split=splits)
    ns.show(store, store.neurons["neuron"][0], "y")
    titles = [shown[-1]["text/plain"].split(":")[0] for shown in kernel.outputs]
    for title in ("lambda search (fits x passes)", "minimal sets (sizes)"):
        assert titles.count(title) == 1
    assert "probes (fits x passes)" not in titles


@pytest.mark.slow
def test_a_study_shows_one_bar_that_passes_from_stage_to_stage(
    kernel: FakeCell, tiny_bert: Path, tagged_text: Path, tmp_path: Path
) -> None:
    files = tuple(str(tagged_text / f"{split}.tsv") for split in ("train", "dev", "test"))
    settings = ns.StudySettings(
        models=[ModelSettings(path=str(tiny_bert))],
        corpora=[CorpusSettings(files=files, properties=["nominal"])],
        probes=ProbeSettings(solver="adam", grid="quick", seeds=1, step=0.5, batch_size=16),
    )
    ns.run_study(settings, tmp_path / "run")
    [shown] = kernel.outputs
    assert any("nominal: lambda search" in each["text/plain"] for each in shown)
    assert shown[-1]["text/plain"].startswith("study: ")
    told: list[str] = []
    ns.run_study(settings, tmp_path / "other", report=lambda title: told.append(title))  # type: ignore[func-returns-value]
    assert len(kernel.outputs) == 1
    assert "writing the page" in told
