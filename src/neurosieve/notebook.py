"""How objects show themselves in a notebook: a title, a few facts, and a table, as plain HTML in the notebook's own colours."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 12
MOST_ENTRIES, MOST_CHARACTERS = 6, 200


def card(
    title: str, facts: Mapping[str, object], table: pd.DataFrame | None = None, *, most_rows: int = MOST_ROWS
) -> str:
    """HTML of an object; everything in it is escaped.

    Parameters
    ----------
    title : str
        What it is.
    facts : mapping of str to object
        Name and value, written as text.
    table : DataFrame, optional
        Its first rows are shown.
    most_rows : int
    """
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(str(name))}</th><td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in facts.items()
    )
    whole = f"<p><b>{escape(title)}</b></p>" + (f"<table>{rows}</table>" if rows else "")
    if table is not None and len(table):
        whole += str(table.head(most_rows).to_html(index=False, border=0, float_format=lambda value: f"{value:.4g}"))
        if len(table) > most_rows:
            whole += f"<p>{len(table) - most_rows} more rows</p>"
    return f"<div>{whole}</div>"


def listed(names: object, *, most: int = 8) -> str:
    """Names in one line, such as ``A, B and 3 more``."""
    each = [str(name) for name in names]  # type: ignore[attr-defined]
    return ", ".join(each[:most]) + (f" and {len(each) - most} more" if len(each) > most else "")


def short_repr(thing: object) -> str:
    """The ``__repr__`` of a dataclass whose fields are large: arrays, tables and long lists by their sizes."""
    fields = vars(thing) if hasattr(thing, "__dict__") else {n: getattr(thing, n) for n in type(thing).__slots__}  # type: ignore[attr-defined]
    return f"{type(thing).__name__}({', '.join(f'{name}={_short(value)}' for name, value in fields.items())})"


def _short(value: object) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None and shape != ():
        return f"<{' x '.join(map(str, shape))}>"
    if isinstance(value, (str, int, float, bool, type(None))):
        return repr(value)
    if isinstance(value, (Mapping, list, tuple, set)) and len(value) > MOST_ENTRIES:
        return f"<{len(value)} entries>"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k!r}: {_short(v)}' for k, v in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_short, value))}]"
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"<{type(value).__name__}>"
