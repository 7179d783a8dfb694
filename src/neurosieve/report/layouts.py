"""The tables as a paper prints them: Markdown, and LaTeX with booktabs; what is odd about the paper's numbers below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

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
SYMBOLS = {"Neu_a": "Neu_a", "Neu_t": "Neu_t", "Acc_a": "Acc_a", "Acc_t": "Acc_t", "Sel_a": "Sel_a", "Sel_t": "Sel_t"}
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
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    return written


class Sheet:
    """One table as texts: heads, groups of rows, notes.

    Parameters
    ----------
    title : str
    heads : list of str
    groups : dict of str to list of list of str
        Rows below each property; one group without a name where the table has none.
    notes : list of str
    n_names : int
        Columns that hold names rather than numbers.
    """

    def __init__(
        self, title: str, heads: list[str], *, groups: dict[str, list[list[str]]], notes: list[str], n_names: int = 1
    ) -> None:
        self.title, self.heads, self.groups, self.notes, self.n_names = title, heads, groups, notes, n_names

    @classmethod
    def of(cls, name: str, table: pd.DataFrame, known: Known) -> Sheet:
        """Lay out the table `name`: mean ± standard deviation in one column, the paper's number in the next."""
        if "row" not in table:
            rows = [[written_value(value) for value in row] for row in table.itertuples(index=False)]
            odd = [text for (t, *_), text in paper.NOTES.items() if t == paper.TABLES.get(name)]
            has_paper = any(str(head).endswith("paper") for head in table)
            return cls(
                title_of(name),
                [str(c) for c in table],
                groups={"": rows},
                notes=[paper.SOURCE, *odd] if has_paper else [],
            )
        values = [str(c) for c in table.columns[2:] if not str(c).endswith(" sd")]
        notes: dict[str, str] = {}
        groups: dict[str, list[list[str]]] = {}
        records = [{str(k): v for k, v in record.items()} for record in table.to_dict("records")]
        for number, record in enumerate(records):
            prop, row = str(record["property"]), str(record["row"])
            if row == "Neu_t %":  # printed with the row above it
                continue
            share = records[number + 1] if row == "Neu_t" and number + 1 < len(records) else None
            cells = [_cell(record, share, column) for column in values]
            for place, column in enumerate(values):
                model = column.removesuffix(" paper")
                text = known.note(name, row, model=model, prop=prop) if column != model and cells[place] else None
                if text is not None:
                    mark = notes.setdefault(text, MARKS[len(notes) % len(MARKS)])
                    cells[place] += f"^{mark}"
            groups.setdefault(prop, []).append([row, *cells])
        said = [f"^{mark} {text}" for text, mark in notes.items()]
        has_paper = any(column.endswith(" paper") for column in values)
        return cls(title_of(name), ["", *values], groups=groups, notes=[paper.SOURCE, *said] if has_paper else [])

    def markdown(self) -> str:
        """A table in Markdown, its title above and its notes below."""

        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        lines = [f"**{self.title}**", "", line(self.heads)]
        lines.append("|" + "|".join(":--" if i < self.n_names else "--:" for i in range(len(self.heads))) + "|")
        for group, rows in self.groups.items():
            if group:
                lines.append(line([f"**{group}**", *[""] * (len(self.heads) - 1)]))
            lines += [line([_raised(cell) for cell in row]) for row in rows]
        for text in self.notes:
            lines += ["", _raised(text)]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """A table for LaTeX with the package booktabs."""
        width = len(self.heads)
        lines = [
            "% needs \\usepackage{booktabs}",
            "\\begin{table}",
            "\\centering",
            f"\\begin{{tabular}}{{{'l' * self.n_names}{'r' * (width - self.n_names)}}}",
            "\\toprule",
            " & ".join(_tex(head) for head in self.heads) + r" \\",
        ]
        for group, rows in self.groups.items():
            lines.append("\\midrule")
            if group:
                lines.append(f"\\multicolumn{{{width}}}{{l}}{{\\textbf{{{_tex(group)}}}}} \\\\")
            lines += [" & ".join(_tex(cell) for cell in row) + r" \\" for row in rows]
        lines += ["\\bottomrule", "\\end{tabular}", f"\\caption{{{_tex(' '.join([self.title + '.', *self.notes]))}}}"]
        return "\n".join([*lines, "\\end{table}"]) + "\n"


def _cell(record: Mapping[str, object], share: Mapping[str, object] | None, column: str) -> str:
    """A value with its spread; the number of selected neurons with its share, as the paper prints it."""
    text = written_value(record[column])
    if not text:
        return ""
    if share is not None:
        number = float(text)
        return f"{numbers.count(round(number, 1))} / {float(str(share[column])):.0f} %"
    spread = written_value(record.get(f"{column} sd"))
    if isinstance(record[column], float) and column.endswith(" paper"):
        return text
    return f"{text} ± {spread}" if spread else text


def _raised(text: str) -> str:
    """Marks of notes as small letters above the line."""
    for mark in MARKS:
        text = (
            text.removeprefix(f"^{mark} ").join([f"<sup>{mark}</sup> ", ""]) if text.startswith(f"^{mark} ") else text
        )
        text = text.removesuffix(f"^{mark}") + f"<sup>{mark}</sup>" if text.endswith(f"^{mark}") else text
    return text


_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "±": r"$\pm$",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "_": r"\_",
}


def _tex(text: str) -> str:
    """Text for LaTeX; ``Acc_t`` gets a lowered t, and marks of notes are raised."""
    if text in SYMBOLS:
        name, _, index = text.partition("_")
        return f"{name}$_{index}$"
    parts = text.split("^")
    out = "".join(_TEX.get(c, c) for c in parts[0])
    for part in parts[1:]:
        raised = part[:1] in MARKS and part[1:2] in ("", " ")
        out += f"$^{part[0]}$" if raised and part else r"\textasciicircum{}"
        out += "".join(_TEX.get(c, c) for c in (part[1:] if raised else part))
    return out
