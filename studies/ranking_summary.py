"""Writes one table of what `studies/rankings.py` left, in Markdown.

    .venv/bin/python studies/ranking_summary.py FOLDER     # a folder with one folder a model and property

The columns are for the top 50 of each ranking, in percent; docs/rankings.md says what they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd


def spread(table: pd.DataFrame, column: str) -> pd.Series:
    """Mean and range over seeds, by ranking."""
    found = 100 * table.groupby("ranking")[column].agg(["mean", "min", "max"])
    return found.apply(lambda row: f"{row['mean']:.0f} ({row['min']:.0f}–{row['max']:.0f})", axis=1)


def summary(folder: Path) -> pd.DataFrame:
    """One row a ranking."""
    agreement = pd.read_csv(folder / "agreement.csv").query("k == 50").set_index("ranking")
    probes = pd.read_csv(folder / "probes.csv").query("probe == 'gaussian'")
    found = (100 * agreement[["avg_overlap", "neuron_vote", "f1", "auprc"]]).map("{:.1f}".format)
    for k in (10, 50):
        of_size = probes[probes["k"] == k].set_index("ranking")
        found[f"gaussian, {k}"] = of_size.apply(
            lambda row: f"{100 * row['score']:.1f} ± {100 * (row['high'] - row['score']):.1f}", axis=1
        )
    by_words = pd.read_csv(folder / "words.csv").pivot_table(index="ranking", columns="words", values="score")
    found["again"] = spread(pd.read_csv(folder / "again.csv"), "overlap")
    found["planted"] = spread(pd.read_csv(folder / "planted.csv"), "found")
    for n in by_words:
        found[f"from {n:,} words"] = (100 * by_words[n]).map("{:.1f}".format)
    return found.fillna("").reset_index()


def main() -> None:
    """Write ``summary.md`` into the folder."""
    place = Path(sys.argv[1])
    parts = []
    for folder in sorted(place.iterdir()):
        if (folder / "probes.csv").is_file():
            table = summary(folder)
            head = [f"### {folder.name}", "", "| " + " | ".join(table) + " |", "|" + "---|" * table.shape[1]]
            parts += [*head, *("| " + " | ".join(map(str, row)) + " |" for row in table.to_numpy()), ""]
    (place / "summary.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
