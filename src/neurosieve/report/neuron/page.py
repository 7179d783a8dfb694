"""`NeuronPage`: one neuron to look at, as text, in a notebook, or as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd

from neurosieve.files import write_whole_text
from neurosieve.report.neuron.says import what_it_does
from neurosieve.report.neuron.tables import NeuronTables
from neurosieve.report.neuron.view import view_of
from neurosieve.report.numbers import SPACE, file_name

WIDTH = 110
"""Characters in a line of text."""


@dataclass(frozen=True, repr=False)
class NeuronPage:
    """What one neuron does: print it, let a notebook show it, or save it as a page.

    Attributes
    ----------
    neuron : NeuronTables
        What is known of it.
    facts : sequence of (name, text)
        What the run knows of it beside: its rank, how sure that is.
    where : str
        Model, corpus and property.
    """

    neuron: NeuronTables
    facts: Sequence[tuple[str, str]] = ()
    where: str = ""

    @property
    def answer(self) -> str:
        """What it does, in a few sentences."""
        return " ".join(what_it_does(self.neuron)).replace(SPACE, " ")

    @property
    def words(self) -> pd.DataFrame:
        """Words in context, one row a word: kind, context, sentence, split, offset, position, word, label, value."""
        return self.neuron.contexts.drop(columns="index")

    def to_frame(self) -> pd.DataFrame:
        """All numbers, one row each: part, name, n, mean, sd, value.

        Parts are ``summary``, ``label`` (means by label), ``weight`` (signed, for a change by a standard deviation), ``type``
        (word types), ``feature`` (correlations) and ``twin`` (correlations with other neurons).
        """
        n = self.neuron
        rows: list[dict[str, Any]] = [
            {"part": "summary", "name": name, "value": value} for name, value in n.summary.items() if name != "index"
        ]
        rows += [{"part": "label", "name": r["label"], **_moments(r)} for r in n.labels.to_dict("records")]
        rows += [{"part": "weight", "name": r["label"], "value": r["per_sd"]} for r in n.weights.to_dict("records")]
        types = n.types.drop_duplicates("word")
        rows += [{"part": "type", "name": r["word"], **_moments(r)} for r in types.to_dict("records")]
        rows += [{"part": "feature", "name": r["feature"], "value": r["r"]} for r in n.follows.to_dict("records")]
        rows += [{"part": "twin", "name": r["other"], "value": r["r"]} for r in n.twins.to_dict("records")]
        return pd.DataFrame(rows, columns=["part", "name", "n", "mean", "sd", "value"])

    def __repr__(self) -> str:
        return f"NeuronPage {self.neuron.name}: {self.answer}"

    def __str__(self) -> str:
        return "\n".join(self._lines()).replace(SPACE, " ")

    def _lines(self) -> list[str]:
        shown = self._view()
        lines = [f"{shown['name']}{f' ({self.where})' if self.where else ''}", ""]
        lines += [line for said in shown["said"] for line in wrap(said, WIDTH)]
        width = max(len(name) for name, _ in shown["facts"])
        lines += ["", *(f"{name.ljust(width)}  {text}" for name, text in shown["facts"])]
        if shown["weights"]:
            lines += [
                "",
                "labels by weight, for a change by one standard deviation; in brackets its place in the label:",
            ]
            lines += wrap(
                "  ".join(f"{label} {weight} ({place})" for label, weight, _, place in shown["weights"]), WIDTH
            )
        for group in shown["contexts"]:
            lines += ["", f"{group['title'].lower()}:"]
            lines += [f"{row['value']:>8}  {_sentence(row)}" for row in group["rows"]]
        for title, rows in shown["types"]:
            if rows:
                lines += ["", f"{title.lower()} (times, mean):"]
                lines += wrap("  ".join(f"{word} ({n}, {mean})" for word, n, mean, _, _ in rows), WIDTH)
        lines += ["", "share of the variance:"]
        lines += wrap(
            "  ".join(f"{name} {share}{f' (r {r})' if r else ''}" for name, r, share in shown["follows"]), WIDTH
        )
        if shown["twins"]:
            lines += ["", "goes with (r, of the neurons looked at):"]
            lines += wrap("  ".join(f"{name} {r}" for name, _, r in shown["twins"]), WIDTH)
        return lines

    def _view(self) -> dict[str, Any]:
        return view_of(self.neuron, anchor=file_name(self.neuron.name), facts=self.facts, opened=True)

    def _repr_html_(self) -> str:
        from neurosieve.report.page import rendered

        return rendered("neuron_cell.html", part=self._view())

    def html(self) -> str:
        """A page of its own, which opens without a network."""
        from neurosieve.report.page import rendered

        return rendered("neuron_alone.html", part=self._view(), where=self.where)

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, and return its path; the file is either the old one or the whole new one."""
        return write_whole_text(Path(path), self.html())


def _moments(row: dict[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("n", "mean", "sd")}


def _sentence(row: dict[str, Any]) -> str:
    """A context in one line: the word that is meant in brackets, with its label."""
    words = [
        f"[{w['text']}{'/' if w['label'] else ''}{w['label']}]" if w["target"] else w["text"] for w in row["words"]
    ]
    return f"{'' if row['begins'] else '… '}{' '.join(words)}"
