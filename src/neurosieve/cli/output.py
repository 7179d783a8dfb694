"""What commands show: data on stdout as JSON, CSV or a table; progress and messages on stderr."""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

import typer

from neurosieve.bars import Progress, Reporter, alone, silent, terminal_bars
from neurosieve.csv_files import defused

if TYPE_CHECKING:
    import pandas as pd


UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""Wrong usage of a command; typer has no public name for it."""


class Format(str, Enum):
    """How data is printed."""

    json = "json"
    csv = "csv"
    table = "table"


def chosen_format(*, csv: bool, table: bool) -> Format:
    """Turn the flags ``--csv`` and ``--table`` into a format; JSON by default."""
    if csv and table:
        raise UsageError("choose one of --csv and --table")
    return Format.csv if csv else Format.table if table else Format.json


CSV_OPTION = typer.Option(False, "--csv", help="Print CSV instead of JSON.")
TABLE_OPTION = typer.Option(False, "--table", help="Print a table to read instead of JSON.")
QUIET_OPTION = typer.Option(False, "--quiet", "-q", help="Show warnings and errors only.")


def emit(frame: pd.DataFrame, *, form: Format, title: str = "", **summary: Any) -> None:  # noqa: ANN401 (any JSON)
    """Print a table; all but CSV also carry `summary`."""
    if form is Format.csv:
        text = defused(frame).to_csv(index=False)
        sys.stdout.write(visible(text, but="\n\t") if sys.stdout.isatty() else text)
    elif form is Format.table:
        print("\n".join(map(visible, _table_lines(frame, title=title, summary=summary))))
    else:
        rows = json.loads(frame.to_json(orient="records", double_precision=12))
        text = json.dumps({**summary, "rows": rows}, indent=1, ensure_ascii=False)
        escaped = _UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)  # those that JSON allows as they are
        sys.stdout.write(f"{escaped}\n")


_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters but the line end, and those that turn the direction of writing: a terminal may obey them."""


def visible(text: object, *, but: str = "") -> str:
    r"""A text in which characters that a terminal would obey are written out, such as ``\x1b``; those of `but` are not."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in but else ascii(found[0])[1:-1], str(text))


def say(text: object) -> None:
    """Print one line on stderr; a line end that a name holds is written out as well."""
    print(visible(str(text).replace("\n", "\\n")), file=sys.stderr)


def _table_lines(frame: pd.DataFrame, *, title: str, summary: dict[str, Any]) -> Iterator[str]:
    """Lines of a table without frames: never cut, and a paste into a note stays readable."""
    for key, value in summary.items():
        several = isinstance(value, list)
        yield f"{key.replace('_', ' ')}: {'; '.join(map(str, value)) if several else value}"
    if summary:
        yield ""
    if title:
        yield f"{title}:"
    columns = [[str(name), *_written(frame[name])] for name in frame.columns]
    widths = [max(map(len, column)) for column in columns]
    rights = [frame[name].dtype.kind in "fiu" for name in frame.columns]
    for row in zip(*columns, strict=True):
        cells = (cell.rjust(w) if right else cell.ljust(w) for cell, w, right in zip(row, widths, rights, strict=True))
        yield "  ".join(cells).rstrip()


def _written(column: pd.Series[Any]) -> list[str]:
    """The values of a column; numbers with as many decimals as they need, four at most where the column has more."""
    values = [None if value != value else value for value in column.tolist()]  # NaN is not equal to itself
    if column.dtype.kind != "f":
        return ["" if value is None else str(value) for value in values]
    short = all(value is None or len(f"{value:g}") <= 6 for value in values)
    return ["" if value is None else f"{value:g}" if short else f"{value:.4f}" for value in values]


@contextmanager
def reporting(*, quiet: bool = False) -> Iterator[Reporter]:
    """A bar with rate and time left on a terminal, one line a finished stage there and elsewhere, nothing if quiet."""
    if quiet or not sys.stderr.isatty():
        with alone(), _messages(say, logging.WARNING if quiet else logging.INFO):
            yield silent
        return
    from rich.markup import escape

    with alone(), terminal_bars() as bars:
        console = bars.console

        class Report:
            """One bar at a time; what is finished stays as a line above it."""

            def __call__(self, title: str) -> Progress | None:
                for number in bars.task_ids:
                    bars.remove_task(number)
                return self.beside(title)

            def beside(self, title: str) -> Progress | None:
                """A bar that leaves the others where they are; it goes when it is full."""
                task = bars.add_task(escape(visible(title)), total=None)

                def advance(done: float, total: float) -> None:
                    bars.update(task, completed=done, total=total, visible=done < total)

                return advance

        with _messages(
            lambda text: console.print(visible(text), markup=False, highlight=False, soft_wrap=True), logging.INFO
        ):
            yield Report()


@contextmanager
def _messages(show: Callable[[str], None], level: int) -> Iterator[None]:
    """Show what the library logs from `level` on, and warnings, each on its own line."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            show(f"{'warning: ' if record.levelno >= logging.WARNING else ''}{record.getMessage()}")

    logger, handler = logging.getLogger("neurosieve"), Handler()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: show(f"warning: {message}")
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
