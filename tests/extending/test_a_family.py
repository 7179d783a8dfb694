"""A model family of another package (the recipe, see tests/models/test_families.py), from a folder to the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.models.test_families import LETTERS

from neurosieve.models import families
from neurosieve.runs.study import run_study
from neurosieve.study.estimate import estimate


def test_a_family(tmp_path: Path, make_settings: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "FAMILIES", dict(families.FAMILIES))
    folder = tmp_path / "vowels"
    folder.mkdir()
    (folder / "letters.json").write_text('"aeiouthndsr"', encoding="utf-8")
    families.register(LETTERS)
    asked = make_settings(seeds=1, step=0.2, control=False)
    asked = asked.model_copy(update={"models": (asked.models[0].model_copy(update={"path": str(folder)}),)})
    assert estimate(asked).cells["neurons"].unique().tolist() == [22]
    found = run_study(asked, tmp_path / "run")[0]
    assert (found.model, found.n_neurons) == ("vowels", 22)
    assert found.oracle["score"].min() > 0.5  # letters tell much of these words' labels
    assert "vowels" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
