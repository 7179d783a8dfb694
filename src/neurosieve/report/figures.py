"""The figures of all sections, drawn and saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurosieve.figures.save import save_figure
from neurosieve.report.section import lacking
from neurosieve.report.sections import all_sections

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def draw_figures(findings: Findings) -> dict[str, tuple[Any, pd.DataFrame]]:
    """Draw every figure that the findings allow, such as none of selectivity without control tasks.

    Returns
    -------
    dict of str to (Axes, DataFrame)
        The figure and what it shows.
    """
    return {
        name: (figure.draw(findings), figure.data(findings))
        for section in all_sections()
        for name, figure in section.figures.items()
        if lacking((*section.needs, *figure.needs), findings) is None
    }


def save_figures(
    folder: str | Path, findings: Findings, *, prefix: str = "", formats: Sequence[str] = ("png", "svg")
) -> dict[str, dict[str, Path]]:
    """Draw and save every figure that the findings allow, each with its data as CSV.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    findings : Findings
    prefix : str
        Put before each figure's name.
    formats : sequence of {"png", "svg", "pdf"}

    Returns
    -------
    dict of str to dict of str to Path
        For each figure the files by format, and ``"csv"``.
    """
    return {
        name: save_figure(axes, Path(folder) / f"{prefix}{name}", data=data, formats=formats)
        for name, (axes, data) in draw_figures(findings).items()
    }
