"""A quick study with a tiny model, and one without pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosieve.study.settings import StudySettings

QUICK = {"solver": "adam", "grid": "quick", "seeds": 2, "step": 0.1, "batch_size": 16, "learning_rate": 0.01}


@pytest.fixture
def make_settings(tiny_bert: Path, tagged_text: Path) -> Callable[..., StudySettings]:
    """Settings of a quick study; other properties and probe settings by keyword."""

    def make(*, properties: tuple[str, ...] = ("pos",), files: tuple[str, ...] = (), **probes: Any) -> StudySettings:
        return StudySettings.checked(
            {
                "models": [{"path": str(tiny_bert)}],
                "corpora": [{"files": files or (str(tagged_text),), "properties": properties}],
                "probes": {**QUICK, **probes},
            },
            where="test",
        )

    return make


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Write a short page instead of the report, whose pictures take seconds; holds the folders it was written to."""
    written: list[Path] = []

    def write(folder: Path, found: object, *, manifest: object) -> Path:
        written.append(folder)
        page = folder / "report.html"
        page.write_text("page", encoding="utf-8")
        return page

    monkeypatch.setattr("neurosieve.report.html.write_report", write)
    return written


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def digest() -> Callable[[Path], dict[str, str]]:
    """`contents`, to compare a folder before and after."""
    return contents
