"""The command line in this process: as fast as a function, with everything a shell would see."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


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
