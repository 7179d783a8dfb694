"""The command line in this process: as fast as a function, with everything a shell would see."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from neurosieve.cli.main import main


class Done(NamedTuple):
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


Shell = Callable[..., Done]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run ``neurosieve`` with arguments. Anything but a stated failure, such as a traceback, fails the test."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["neurosieve", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return Done(int(stopped.value.code or 0), out, err)

    return run


@pytest.fixture
def run_folder(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def plain_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a short page instead of the report, whose pictures take seconds."""

    def write(folder: Path, found: object, *, manifest: object) -> Path:
        page = folder / "report.html"
        page.write_text("page", encoding="utf-8")
        return page

    monkeypatch.setattr("neurosieve.report.html.write_report", write)
