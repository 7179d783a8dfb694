"""Tables as they are printed, and progress on a terminal."""

from __future__ import annotations

import io
import logging
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from neurosieve.cli.output import Format, emit, reporting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_numbers_stand_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame(
        {
            "name": ["a", "long"],
            "n": [1, 100],
            "l1": [0.0, 1e-5],
            "score": [0.123456, np.nan],
            "layer": [None, "L3"],
        }
    )
    emit(frame, form=Format.table, title="Things", n_all=3, kinds=["x", "y"])
    assert capsys.readouterr().out.splitlines() == [
        "n all: 3",
        "kinds: x; y",
        "",
        "Things:",
        "name    n     l1   score  layer",
        "a       1      0  0.1235",
        "long  100  1e-05          L3",
    ]


def test_text_in_brackets_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    emit(pd.DataFrame({"label": ["[bold]", "-LRB-"]}), form=Format.table)
    assert "[bold]" in capsys.readouterr().out


def test_messages_are_shown_only_while_a_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("neurosieve.test")
    with reporting() as report:
        assert report("stage") is None  # nobody watches
        log.info("a stage is done")
        log.warning("look out")
    log.info("later")
    assert capsys.readouterr() == ("", "a stage is done\nwarning: look out\n")


def test_python_warnings_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(quiet=True):
        warnings.simplefilter("default")
        warnings.warn("this may take long", stacklevel=1)
    assert capsys.readouterr().err == "warning: this may take long\n"


def test_a_terminal_sees_one_bar_at_a_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    with reporting() as report:
        first = report("lambda search")
        first(1, 2)
        logging.getLogger("neurosieve.test").info("search done")
        second = report("minimal set")
        second(3, 4)
    shown = terminal.getvalue()
    assert "lambda search" in shown
    assert "search done" in shown
    last = shown.rpartition("minimal set")[2]
    assert "75%" in last
    assert "lambda search" not in last
    assert capsys.readouterr().out == ""


def test_quiet_hides_the_bar_even_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with reporting(quiet=True) as report:
        assert report("search") is None
    assert terminal.getvalue() == ""
