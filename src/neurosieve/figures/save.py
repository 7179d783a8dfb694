"""Saving a figure: the same bytes for the same figure, and its data beside it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosieve.csv_files import write_csv
from neurosieve.errors import NeurosieveError
from neurosieve.figures.code_points import code_points
from neurosieve.figures.style import STYLE
from neurosieve.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

# Without dates and version numbers a figure changes only when its data do.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}


def save_figure(
    figure: Axes | Figure,
    path: str | Path,
    *,
    data: pd.DataFrame | None = None,
    formats: Sequence[str] = ("png", "svg"),
    dpi: int = 160,
) -> dict[str, Path]:
    """Save a figure in several formats, and its data as CSV under the same name.

    Parameters
    ----------
    figure : Axes or Figure
    path : str or Path
        Path without ending; folders are made.
    data : DataFrame, optional
        What the figure shows.
    formats : sequence of {"png", "svg", "pdf"}
    dpi : int
        Dots an inch of the PNG.

    Returns
    -------
    dict of str to Path
        The written file of each format, and of ``"csv"`` where data is given.

    Raises
    ------
    NeurosieveError
        If a format is unknown or the axes belong to no figure.
    """
    unknown = [name for name in formats if name not in _METADATA]
    if unknown:
        raise NeurosieveError(f"unknown format {unknown[0]!r}; expected some of {', '.join(_METADATA)}")
    whole = figure if isinstance(figure, Figure) else figure.get_figure(root=True)
    if whole is None:
        raise NeurosieveError("these axes were removed from their figure; draw them again")
    stem = Path(path)
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = {name: stem.with_name(f"{stem.name}.{name}") for name in formats}
    with mpl.rc_context(STYLE):
        for name, target in written.items():
            with whole_file(target, suffix="~tmp") as temporary, _readable(whole, name, stem) as missing:
                wide = "tight" if missing else None  # code points take more room than the figure was laid out for
                whole.savefig(temporary, format=name, dpi=dpi, metadata=_METADATA[name], bbox_inches=wide)
    if data is not None:
        written["csv"] = stem.with_name(f"{stem.name}.csv")
        write_csv(written["csv"], data)
    return written


@contextmanager
def _readable(figure: Figure, kind: str, stem: Path) -> Iterator[set[str]]:
    """Write what the font lacks as code points, but in SVG, whose text the reader's own fonts show; gives the characters."""
    if kind == "svg":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*missing from font")  # it holds text, no glyphs
            yield set()
        return
    with code_points(figure) as missing:
        if missing and kind == "png":
            log.warning(
                "%s: the bundled font lacks %d characters of its labels; the PNG shows their code points, the SVG and the CSV "
                "hold the text",
                stem.name,
                len(missing),
            )
        yield missing
