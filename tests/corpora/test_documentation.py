"""docs/corpora.md shows every format, and each example is recognised and read as what it is called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurosieve.corpora.formats import FORMATS, recognise
from neurosieve.corpora.source import TextFile

PAGE = Path(__file__).parents[2] / "docs" / "corpora.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
EXAMPLES = [(name, text) for name, text in BLOCKS if name != "python"]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples_are_what_they_are_called(name: str, text: str) -> None:
    file = TextFile("corpora.md", text.split("\n"))
    fmt = recognise(file)
    assert fmt.name == name
    assert list(fmt.read(file, None))


def test_every_format_is_documented() -> None:
    headings = re.findall(r"^### `(\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(headings) == set(FORMATS)
    assert {name for name, _ in EXAMPLES} == set(FORMATS) - {"columns"}


def test_python_examples_run() -> None:
    code = "\n".join(text for name, text in BLOCKS if name == "python")
    names: dict[str, object] = {}
    exec(code, names)
    assert "doubled" in names
