"""Helpers to give readers a few lines of a format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.corpora.source import TextFile


@pytest.fixture
def lines() -> Callable[[str], TextFile]:
    """Make a `TextFile` called ``file`` from text; ``·`` stands for a tab, so that tests show columns."""
    return lambda text: TextFile("file", text.replace("·", "\t").split("\n"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below the temporary folder; ``·`` stands for a tab."""

    def writer(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("·", "\t"), encoding="utf-8")
        return path

    return writer
