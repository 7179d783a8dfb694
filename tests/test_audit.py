"""What `make audit` says of what pip-audit found."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PLACE = Path(__file__).parents[1] / "tools" / "audit.py"


def verdict(*packages):
    spec = importlib.util.spec_from_file_location("audit", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verdict(list(packages))


WELL = {"name": "a", "version": "1", "vulns": []}
WEAK = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


def test_weak_packages_are_named_and_fail() -> None:
    assert verdict(WELL, WEAK, UNKNOWN) == (
        ["b 2: PYSEC-1, mended in 3", "pip-audit: 2 packages looked up, 1 known weaknesses; not known there: c"],
        1,
    )
    assert verdict(WELL) == (["pip-audit: 1 packages looked up, 0 known weaknesses"], 0)


def test_advisories_that_cannot_be_reached_are_said_and_do_not_fail() -> None:
    for found in ((), (UNKNOWN, UNKNOWN)):
        (line,), code = verdict(*found)
        assert code == 0
        assert "SKIPPED" in line
        assert "nothing was looked up" in line
