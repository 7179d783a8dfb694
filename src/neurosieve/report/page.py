"""What all pages are made with: the templates, and tables in the form that they take."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from neurosieve.files import write_whole_text
from neurosieve.report.numbers import listed
from neurosieve.report.tables import written_value

MOST_ENTRIES = 12
SCRIPT_DIGEST = "sha256-OF-THE-SCRIPT"
"""Stands in the templates for the digest of their script."""


def write_page(path: Path, template: str, **values: object) -> Path:
    """Fill a template, with every value escaped and every missing one an error; a reader never sees half a page."""
    return write_whole_text(path, with_policy(rendered(template, **values)))


def rendered(template: str, **values: object) -> str:
    """A filled template, with every value escaped and every missing one an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neurosieve.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def with_policy(page: str) -> str:
    """The page, whose content-security policy allows its own script alone, by the script's digest."""
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)  # text of users is escaped and holds no tag
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return page.replace(SCRIPT_DIGEST, f"sha256-{digest}", 1)


def rows_of(table: pd.DataFrame) -> dict[str, Any]:
    """A table for the template: heads, and rows of (text, is it a number)."""

    def entry(value: object) -> tuple[str, bool]:
        text = written_value(value)
        return text, text.removeprefix("-")[:1].isdigit()

    rows = [[entry(value) for value in row] for row in table.itertuples(index=False)]
    return {"heads": [str(name) for name in table.columns], "rows": rows}


def picture(target: Path, files: Mapping[str, Path], *, caption: str, said: Sequence[str]) -> dict[str, Any]:
    """A saved figure for the template; its description is the caption and the first of what is said."""
    image = base64.b64encode(files["svg"].read_bytes()).decode("ascii")
    return {
        "source": f"data:image/svg+xml;base64,{image}",
        "caption": caption,
        "alt": " ".join([caption, *said[:1]]),
        "links": [(kind, path.relative_to(target).as_posix()) for kind, path in files.items()],
    }


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 (any JSON value)
    """Nested settings as rows of (dotted name, text); long lists are counted."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)) and any(isinstance(inner, (Mapping, list, tuple)) for inner in value):
        for number, inner in enumerate(value[:MOST_ENTRIES]):
            yield from flat(inner, f"{name}[{number}]")
        if len(value) > MOST_ENTRIES:
            yield name, f"… and {len(value) - MOST_ENTRIES} more entries"
    elif isinstance(value, (list, tuple)):
        yield name, listed(value, most=MOST_ENTRIES)
    else:
        yield name, "none" if value is None else str(value)
