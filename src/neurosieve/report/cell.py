"""The part of the page about one model and property: its summary, cautions and sections."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurosieve.report import numbers
from neurosieve.report.figures import save_figures
from neurosieve.report.page import flat, picture, rows_of
from neurosieve.report.section import Section, filled, lacking, sentences
from neurosieve.report.sections import all_sections

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def possible(f: Findings) -> list[Section]:
    """The sections whose needs the findings meet."""
    return [section for section in all_sections() if lacking(section.needs, f) is None]


def in_short(f: Findings) -> list[tuple[str, str]]:
    """The summary: pairs of a question and its answer, means over seeds, on test."""
    return [line for section in possible(f) for line in (section.brief(f) or {}).items()]


def cautions(f: Findings) -> list[str]:
    """What a reader must know before trusting the numbers."""
    return [said for section in possible(f) for said in sentences(section.caution(f))]


def cell(target: Path, f: Findings, *, model: str, prop: str, prefix: str) -> dict[str, Any]:
    """What the template takes, with the figures saved into ``figures/`` under names that begin with `prefix`."""
    saved = save_figures(target / "figures", f, prefix=prefix)
    anchor = prefix.rstrip("-")
    shown = [(section, _section(target, section, f, saved)) for section in all_sections()]
    return {
        "id": anchor,
        "model": model,
        "property": prop,
        "units": numbers.units(f).capitalize(),
        "sections": [{"id": f"{anchor}--{section.key}", **parts} for section, parts in shown if parts is not None],
        "warnings": cautions(f),
        "short": in_short(f),
        "settings": list(flat(f.settings)),
        "seconds": [(stage, f"{s:,.1f}") for stage, s in f.seconds.items()],
        "words": rows_of(
            pd.DataFrame(
                [
                    {
                        "split": split,
                        f"labelled {numbers.units(f)}": numbers.count(n),
                        "with a label that train lacks": f.unseen.get(split, 0),
                    }
                    for split, n in f.words.items()
                ]
            )
        ),
    }


def _section(
    target: Path, section: Section, f: Findings, saved: Mapping[str, Mapping[str, Path]]
) -> dict[str, Any] | None:
    """Heading, words, table and figures; what it lacks in place of them; None where the page leaves it out."""
    missing = lacking(section.needs, f)
    if missing is not None and not missing.otherwise:
        return None
    said = sentences(section.words(f)) if missing is None else [filled(missing.otherwise, f)]
    table = section.table(f) if missing is None else None
    rows = None if table is None else rows_of(table)
    return {
        "heading": section.heading,
        "said": said,
        "figures": [
            picture(target, saved[name], caption=filled(figure.caption, f), said=said)
            for name, figure in section.figures.items()
            if name in saved
        ],
        "table": rows,
        "ends_in_words": rows is not None and any(row[-1][0] and not row[-1][1] for row in rows["rows"]),
    }
