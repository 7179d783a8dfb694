"""What commands show: data on stdout as JSON, CSV or a table; progress and messages on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from neurosieve.study.cell import Progress, Reporter


class Format(str, Enum):
    """How data is printed."""

    json = "json"
    csv = "csv"
    table = "table"


def chosen_format(*, csv: bool, table: bool) -> Format:
    """Turn the flags ``--csv`` and ``--table`` into a format; JSON by default."""
    if csv and table:
        raise typer.BadParameter("choose one of --csv and --table")
    return Format.csv if csv else Format.table if table else Format.json


CSV_OPTION = typer.Option(False, "--csv", help="Print CSV instead of JSON.")
TABLE_OPTION = typer.Option(False, "--table", help="Print a table to read instead of JSON.")


def emit(frame: pd.DataFrame, *, form: Format, title: str = "", **summary: Any) -> None:  # noqa: ANN401 (any JSON)
    """Print a table; JSON also carries `summary`."""
    if form is Format.csv:
        frame.to_csv(sys.stdout, index=False)
    elif form is Format.table:
        _print_table(frame, title=title, summary=summary)
    else:
        rows = json.loads(frame.to_json(orient="records", double_precision=12))
        json.dump({**summary, "rows": rows}, sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")


def _print_table(frame: pd.DataFrame, *, title: str, summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for key, value in summary.items():
        console.print(f"{key.replace('_', ' ')}: [bold]{value}[/bold]", highlight=False)
    table = Table(title=title or None, title_justify="left")
    for name in frame.columns:
        table.add_column(str(name), justify="right" if frame[name].dtype.kind in "fiu" else "left", no_wrap=True)
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN is not equal to itself
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if value and (abs(value) < 1e-3 or abs(value) >= 1e4) else f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


@contextmanager
def reporting(*, quiet: bool = False) -> Iterator[Reporter]:
    """Progress bars with rate and time left on a terminal, one line a finished stage elsewhere, nothing if quiet."""
    _set_up_logging(quiet=quiet)
    if quiet or not sys.stderr.isatty():
        yield lambda _title: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Units a second: words, probe passes, set sizes."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed and task.speed >= 10 else f"{task.speed or 0:.2f}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def report(title: str) -> Progress_:
            task = bars.add_task(title, total=None)

            def advance(done: float, total: float) -> None:
                bars.update(task, completed=done, total=total)

            return advance

        yield report


if TYPE_CHECKING:
    Progress_ = Progress | None


def _set_up_logging(*, quiet: bool) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("neurosieve").setLevel(logging.WARNING if quiet else logging.INFO)
