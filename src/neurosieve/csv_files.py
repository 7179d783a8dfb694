"""Tables as CSV that a spreadsheet does not take for formulas.

A spreadsheet computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, and a label or a word may. Such a text (not a number)
is written with an apostrophe before it; `read_csv` takes it off again. A text that already has apostrophes before such a sign
gets one more, so that nothing is lost.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosieve.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

_RISKY = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r]")


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table; the file is either the old one or the whole new one."""
    with whole_file(path, suffix="~tmp") as temporary:
        defused(frame).to_csv(temporary, index=False, lineterminator="\n")
    return path


def read_csv(path: Path, **options: Any) -> pd.DataFrame:  # noqa: ANN401 (those of pandas)
    """Read a table that `write_csv` wrote; options are those of ``pandas.read_csv``."""
    import pandas as pd

    frame = pd.read_csv(path, **options)
    return _changed(frame, restored)


def defused(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before every text, and every name of a column, that a spreadsheet would compute."""
    return _changed(frame, _safe)


def restored(text: Any) -> Any:  # noqa: ANN401 (a cell)
    """A cell as it was before `defused`."""
    return text[1:] if isinstance(text, str) and _DEFUSED.match(text) else text


def _safe(text: Any) -> Any:  # noqa: ANN401 (a cell)
    return f"'{text}" if isinstance(text, str) and _RISKY.match(text) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    """Whether a text is a number as tables are written, such as -0.25."""
    return re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text) is not None


def _changed(frame: pd.DataFrame, change: Any) -> pd.DataFrame:  # noqa: ANN401 (a function of cells)
    result = frame.copy(deep=False)
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if column.dtype.kind not in "biufc" and any(change(cell) is not cell for cell in column.tolist()):
            result.isetitem(place, [change(cell) for cell in column.tolist()])
    result.columns = [change(name) for name in frame.columns]
    return result
