"""Writes the tables of what `studies/rankings.py` left, in Markdown: those of all studies together, and one for each.

    .venv/bin/python studies/ranking_summary.py FOLDER     # a folder with one folder a model and property, named MODEL-PROPERTY

All is for the top 50 of each ranking, in percent; docs/rankings.md says what it is.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

PROPERTIES = ("xpos", "chunk", "sem", "ccg")


def spread(table: pd.DataFrame, column: str) -> pd.Series:
    """Mean and range over draws, by ranking; the value alone where there is one."""
    percent = table.assign(**{column: 100 * table[column]})
    found = percent.groupby("ranking")[column].agg(["mean", "min", "max", "size"])
    return found.apply(
        lambda row: (
            f"{row['mean']:.0f} ({row['min']:.0f}–{row['max']:.0f})" if row["size"] > 1 else f"{row['mean']:.0f}"
        ),
        axis=1,
    )


def summary(folder: Path) -> pd.DataFrame:
    """One row a ranking."""
    agreement = pd.read_csv(folder / "agreement.csv").query("k == 50").set_index("ranking")
    probes = pd.read_csv(folder / "probes.csv")
    found = (100 * agreement[["avg_overlap", "neuron_vote", "f1", "auprc"]]).map("{:.1f}".format)
    for probe, k in (("gaussian", 10), ("gaussian", 50), ("exact", 50), ("adam", 50)):
        of_size = probes[(probes["k"] == k) & (probes["probe"] == probe)].set_index("ranking")
        if len(of_size):
            found[f"{probe}, {k}"] = of_size.apply(
                lambda row: f"{100 * row['score']:.1f} ± {50 * (row['high'] - row['low']):.1f}", axis=1
            )
    by_words = pd.read_csv(folder / "words.csv").pivot_table(index="ranking", columns="words", values="score")
    found["again"] = spread(pd.read_csv(folder / "again.csv"), "overlap")
    found["planted"] = spread(pd.read_csv(folder / "planted.csv"), "found")
    for n in by_words:
        found[f"from {n:,} words"] = (100 * by_words[n]).map("{:.1f}".format)
    return found.reset_index()


def judge(folder: Path, probe: str) -> pd.Series:
    """Accuracy of a probe on the top 50, by ranking."""
    table = pd.read_csv(folder / "probes.csv")
    return 100 * table[(table["k"] == 50) & (table["probe"] == probe)].set_index("ranking")["score"]


def agreed(folder: Path, column: str) -> pd.Series:
    """A column of the table of agreement, by ranking."""
    return 100 * pd.read_csv(folder / "agreement.csv").query("k == 50").set_index("ranking")[column]


def drawn(folder: Path, lens: str, column: str) -> pd.Series:
    """The mean over the draws of a lens, by ranking."""
    return 100 * pd.read_csv(folder / f"{lens}.csv").groupby("ranking")[column].mean()


def gained(folder: Path) -> pd.Series:
    """Accuracy from the most words less that from the fewest, by ranking."""
    by_words = pd.read_csv(folder / "words.csv").pivot_table(index="ranking", columns="words", values="score")
    return 100 * (by_words.iloc[:, -1] - by_words.iloc[:, 0])


def across(folders: dict[str, Path], show: Callable[[Path], pd.Series]) -> pd.DataFrame:
    """One column a study."""
    return pd.DataFrame({name: show(folder) for name, folder in folders.items()})


def paired(one: pd.DataFrame, other: pd.DataFrame, form: str) -> pd.DataFrame:
    """Two tables in one: ``value / other value``."""
    shown = {
        name: [f"{a:{form}} / {b:{form}}" for a, b in zip(one[name], other[name].reindex(one.index), strict=True)]
        for name in one
    }
    return pd.DataFrame(shown, index=one.index).replace("nan", "–", regex=True).replace("– / –", "–")


def cell(value: object, form: str) -> str:
    """A value of a table."""
    if isinstance(value, str):
        return value
    return "–" if pd.isna(value) else f"{value:{form}}"


def markdown(table: pd.DataFrame, title: str) -> list[str]:
    """A heading and a table."""
    head = [f"### {title}", "", "| " + " | ".join(map(str, table)) + " |", "|" + "---|" * table.shape[1]]
    return [*head, *("| " + " | ".join(map(str, row)) + " |" for row in table.to_numpy()), ""]


def main() -> None:
    """Write ``summary.md`` into the folder."""
    place = Path(sys.argv[1])
    made = [folder for folder in sorted(place.iterdir()) if (folder / "probes.csv").is_file()]
    order = {prop: number for number, prop in enumerate(PROPERTIES)}
    made.sort(key=lambda folder: (folder.name.split("-")[0], order.get(folder.name.split("-")[1], len(order))))
    folders = {folder.name: folder for folder in made}
    names = list(dict.fromkeys(name for f in made for name in agreed(f, "f1").index))
    accuracy = [across(folders, functools.partial(judge, probe=probe)) for probe in ("gaussian", "exact", "adam")]
    agreements = [across(folders, functools.partial(agreed, column=name)) for name in ("avg_overlap", "neuron_vote")]
    shown = {
        "Accuracy on the top 50: Gaussian probe / linear probe, exact": paired(accuracy[0], accuracy[1], ".1f"),
        "Linear probe by Adam, less the exact one": accuracy[2] - accuracy[1],
        "F1 of the best detector of a label, mean over labels": across(folders, lambda f: agreed(f, "f1")),
        "AvgOverlap / NeuronVote": paired(*agreements, ".0f"),
        "Again": across(folders, lambda f: drawn(f, "again", "overlap")).round(),
        "Planted": across(folders, lambda f: drawn(f, "planted", "found")).round(),
        "More words": across(folders, gained).map("{:+.1f}".format).replace("+nan", "–"),
    }
    parts = []
    for title, table in shown.items():
        whole = table.reindex(names)
        if table.dropna(how="all").index.size < len(names):
            whole = whole.dropna(how="all")
        whole = whole.map(lambda v, form=".0f" if title in ("Again", "Planted") else ".1f": cell(v, form))
        parts += markdown(whole.rename_axis("ranking").reset_index(), title)
    for name, folder in folders.items():
        parts += markdown(summary(folder).fillna("–").replace("nan", "–"), name)
    (place / "summary.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
