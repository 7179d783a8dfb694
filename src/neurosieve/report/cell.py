"""The part of the page about one model and property: its summary, cautions and sections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurosieve.figures.save import save_figure
from neurosieve.report import numbers
from neurosieve.report.answer import answer
from neurosieve.report.glossary import Explained
from neurosieve.report.page import flat, picture, rows_of
from neurosieve.report.section import Section, filled, lacking, sentences
from neurosieve.report.sections import all_sections

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

MOST_PARTS = 40
"""Parts of a section on a page of one model and property."""


def possible(f: Findings) -> list[Section]:
    """The sections whose needs the findings meet."""
    return [section for section in all_sections() if lacking(section.needs, f) is None]


def in_short(f: Findings) -> list[tuple[str, str]]:
    """The summary: pairs of a question and its answer, means over seeds, on test."""
    return [line for section in possible(f) for line in (section.brief(f) or {}).items()]


def cautions(f: Findings) -> list[str]:
    """What a reader must know before trusting the numbers."""
    return [said for section in possible(f) for said in sentences(section.caution(f))]


def cell(
    target: Path, f: Findings, *, model: str, prop: str, prefix: str, most_parts: int = MOST_PARTS
) -> dict[str, Any]:
    """What the template takes, with the figures saved into ``figures/`` under names that begin with `prefix`.

    Of the parts of a section, such as those of single neurons, `most_parts` are shown.
    """
    anchor, explained = prefix.rstrip("-"), Explained()
    shown = [
        (section, _section(section, f, target=target, prefix=prefix, most=most_parts)) for section in all_sections()
    ]
    return {
        "id": anchor,
        "model": model,
        "property": prop,
        "units": numbers.units(f).capitalize(),
        "answer": explained.all(answer(f)),
        "short": [(explained(question), explained(text)) for question, text in in_short(f)],
        "warnings": cautions(f),
        "sections": [
            {"id": f"{anchor}--{section.key}", **parts, "said": explained.all(parts["said"], terms=not parts["lacks"])}
            for section, parts in shown
            if parts is not None
        ],
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


def _section(section: Section, f: Findings, *, target: Path, prefix: str, most: int) -> dict[str, Any] | None:
    """Heading, words, table, figures and parts; what it lacks in place of them; None where the page leaves it out."""
    missing = lacking(section.needs, f)
    shown: dict[str, Any] = {"heading": section.heading, "figures": [], "table": None, "ends_in_words": False}
    shown |= {"parts": [], "template": "", "n_parts": 0, "lacks": missing is not None}
    if missing is not None:
        return {**shown, "said": [filled(missing.otherwise, f)]} if missing.otherwise else None
    shown["said"] = sentences(section.words(f))
    table = section.table(f)
    if table is not None:
        shown["table"] = rows_of(table)
        shown["ends_in_words"] = any(text and not number for *_, (text, number) in shown["table"]["rows"])
    if section.parts is not None:
        shown["template"], shown["n_parts"] = section.parts.template, section.parts.n(f)
        shown["parts"] = section.parts.of(f, prefix.rstrip("-"), most)
    for name, figure in section.figures.items():
        if lacking(figure.needs, f) is None:
            files = save_figure(figure.draw(f), target / "figures" / f"{prefix}{name}", data=figure.data(f))
            shown["figures"].append(picture(target, files, caption=filled(figure.caption, f), said=shown["said"]))
    return shown
