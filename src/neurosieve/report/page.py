"""What all pages are made with: the templates, and tables in the form that they take."""

from __future__ import annotations

from typing import Any

import jinja2
import pandas as pd

from neurosieve.report.tables import written_value


def environment() -> jinja2.Environment:
    """The templates, with every value escaped and every missing one an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("neurosieve.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def rows_of(table: pd.DataFrame) -> dict[str, Any]:
    """A table for the template: heads, and rows of (text, is it a number)."""

    def entry(value: object) -> tuple[str, bool]:
        text = written_value(value)
        return text, text.removeprefix("-")[:1].isdigit()

    rows = [[entry(value) for value in row] for row in table.itertuples(index=False)]
    return {"heads": [str(name) for name in table.columns], "rows": rows}
