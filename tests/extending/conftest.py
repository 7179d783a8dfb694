"""What other packages would add is taken away again after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neurosieve.probes.solvers import SOLVERS
from neurosieve.rankings.registry import METHODS
from neurosieve.report.sections import SECTIONS
from neurosieve.study.stage import STAGES

RECIPES = Path(__file__).parents[2] / "CONTRIBUTING.md"
TABLES = (SOLVERS, METHODS, SECTIONS, STAGES)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = [dict(table) for table in TABLES]
    yield
    for table, content in zip(TABLES, before, strict=True):
        table.clear()
        table.update(content)


def is_a_recipe(file: str, begins: str) -> bool:
    """Whether a block of CONTRIBUTING.md that begins like this stands word for word in a test's file."""
    blocks = [part.partition("```")[0] for part in RECIPES.read_text(encoding="utf-8").split("```python\n")[1:]]
    block = next(block for block in blocks if block.startswith(begins))
    return block.strip() in Path(file).read_text(encoding="utf-8")
