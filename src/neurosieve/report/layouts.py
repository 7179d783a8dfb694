"""The tables as a paper prints them: Markdown, and LaTeX with booktabs; what is odd about the paper's numbers below them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from neurosieve.files import write_whole_text
from neurosieve.report import numbers, paper
from neurosieve.report.tables import Known, written_value

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

TITLES = {
    "ablation_test": "Accuracy on test (%) with all, top, random and bottom neurons; the others are set to zero",
    "ablation_dev": "Accuracy on dev (%) with all, top, random and bottom neurons; the others are set to zero",
    "ablation_mean_fill_test": "Accuracy on test (%) with top, random and bottom neurons; the others are set to their mean",
    "ablation_mean_fill_dev": "Accuracy on dev (%) with top, random and bottom neurons; the others are set to their mean",
    "data": "Labelled words and sentences, and labels in train",
    "lambdas": "The lambdas chosen (l1, l2)",
    "runtime": "Wall time in seconds; the extraction is shared by all properties of a corpus",
    "architectures": "How labels share the neurons of the minimal set",
}
SYMBOLS = ("Neu_a", "Neu_t", "Acc_a", "Acc_t", "Sel_a", "Sel_t")
MARKS = "abcdefghijklmnopqrstuvwxyz"


def title_of(name: str) -> str:
    """What a table shows, with the number of its counterpart in the paper."""
    text = TITLES.get(name)
    if text is None and name.startswith("minimal_"):
        _, points, split = name.split("_")
        text = (
            f"Minimal sets within {points} point{'' if points == '1' else 's'} of the probe on all neurons, {split} (%)"
        )
    text = text or name.replace("_", " ")
    known = paper.TABLES.get(name)
    return f"{text} (the paper's {'appendix ' if known == 'A.3' else 'Table '}{known})" if known else text


def write_layouts(folder: str | Path, tables: Mapping[str, pd.DataFrame], findings: Sequence[Findings]) -> list[Path]:
    """Write each table to ``<name>.md`` and ``<name>.tex`` in `folder`, which is made.

    Parameters
    ----------
    folder : str or Path
    tables : mapping of str to DataFrame
        Of `neurosieve.report.tables.paper_tables`.
    findings : sequence of Findings
        What the tables were made from.

    Returns
    -------
    list of Path
        The files written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    known = Known(list(zip(numbers.cell_names(findings), findings, strict=True)))
    written = []
    for name, table in tables.items():
        sheet = Sheet.of(name, table, known)
        for ending, text in (("md", sheet.markdown()), ("tex", sheet.latex())):
            path = target / f"{name}.{ending}"
            written.append(write_whole_text(path, text))
    return written


Cell = tuple[str, str]
"""A text, and the mark of the note below the table that is about it."""


@dataclass(frozen=True)
class Sheet:
    """One table as texts: heads, rows below each property (or below no name), notes as (text, mark)."""

    title: str
    heads: list[str]
    groups: dict[str, list[list[Cell]]]
    notes: list[Cell]

    @classmethod
    def of(cls, name: str, table: pd.DataFrame, known: Known) -> Sheet:
        """Lay out the table `name`: mean ± standard deviation in one column, the paper's number in the next."""
        has_paper = any(str(head).endswith("paper") for head in table)
        notes: dict[str, str] = {paper.SOURCE: ""} if has_paper else {}
        if "row" not in table:
            rows = [[(written_value(value), "") for value in row] for row in table.itertuples(index=False)]
            odd = {text: "" for (t, *_), text in paper.NOTES.items() if t == paper.TABLES.get(name)}
            return cls(title_of(name), [str(c) for c in table], {"": rows}, list((notes and {**notes, **odd}).items()))
        values = [str(c) for c in table.columns[2:] if not str(c).endswith(" sd")]
        groups: dict[str, list[list[Cell]]] = {}
        records = [{str(k): v for k, v in record.items()} for record in table.to_dict("records")]
        for record, after in zip(records, [*records[1:], None], strict=True):
            prop, row = str(record["property"]), str(record["row"])
            if row == "Neu_t %":  # printed with the row above it
                continue
            cells: list[Cell] = [(row, "")]
            for column in values:
                text = _text(record, after if row == "Neu_t" else None, column)
                model = column.removesuffix(" paper")
                note = known.note(name, row, model=model, prop=prop) if text and column != model else None
                mark = "" if note is None else notes.setdefault(note, MARKS[(len(notes) - 1) % len(MARKS)])
                cells.append((text, mark))
            groups.setdefault(prop, []).append(cells)
        return cls(title_of(name), ["", *values], groups, list(notes.items()))

    def markdown(self) -> str:
        """A table in Markdown, its title above and its notes below."""

        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(cells) + " |"

        def raised(mark: str) -> str:
            return f"<sup>{mark}</sup>" if mark else ""

        heads = [_md(head) for head in self.heads]
        lines = [f"**{_md(self.title)}**", "", line(heads), "|:--|" + "--:|" * (len(self.heads) - 1)]
        for group, rows in self.groups.items():
            if group:
                lines.append(line([f"**{_md(group)}**", *[""] * (len(self.heads) - 1)]))
            lines += [line([_md(text) + raised(mark) for text, mark in row]) for row in rows]
        for text, mark in self.notes:
            lines += ["", f"{raised(mark)} {_md(text)}".strip()]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """A table for LaTeX with the package booktabs."""

        def line(cells: Sequence[str]) -> str:
            return " & ".join(cells) + r" \\"

        def raised(mark: str) -> str:
            return f"$^{mark}$" if mark else ""

        width = len(self.heads)
        said = [f"{raised(mark)} {_tex(text)}".strip() for text, mark in self.notes]
        lines = [
            "% needs \\usepackage{booktabs}",
            "\\begin{table}",
            "\\centering",
            f"\\begin{{tabular}}{{l{'r' * (width - 1)}}}",
            "\\toprule",
            line([_tex(head) for head in self.heads]),
        ]
        for group, rows in self.groups.items():
            lines.append("\\midrule")
            if group:
                lines.append(f"\\multicolumn{{{width}}}{{l}}{{\\textbf{{{_tex(group)}}}}} \\\\")
            lines += [line([_tex(text) + raised(mark) for text, mark in row]) for row in rows]
        caption = " ".join([_tex(f"{self.title}."), *said])
        return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", f"\\caption{{{caption}}}", "\\end{table}"]) + "\n"


def _text(record: Mapping[str, object], share: Mapping[str, object] | None, column: str) -> str:
    """A value with its spread; the number of selected neurons with its share, as the paper prints it."""
    text = written_value(record[column])
    if text and share is not None:
        return f"{numbers.count(round(float(text), 1))} / {float(str(share[column])):.0f} %"
    spread = record.get(f"{column} sd")
    # A solved probe is the same with every seed, and no spread over them was measured.
    return f"{text} ± {written_value(spread)}" if text and written_value(spread) and spread != 0 else text


_MD = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "\\`*|[]"},
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "\n": " ",
        "\r": " ",
    }
)


def _md(text: str) -> str:
    """Text for Markdown, in which neither its own signs nor HTML mean anything."""
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text.translate(_MD))  # within a word it means nothing


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "“": "``",
        "”": "''",
        "…": r"\ldots{}",
        "\n": " ",
        "\r": " ",
        "_": r"\_",
    }
)


def _tex(text: str) -> str:
    """Text for LaTeX; ``Acc_t`` gets a lowered t."""
    return f"{text[:-2]}$_{text[-1]}$" if text in SYMBOLS else text.translate(_TEX)
