"""Runs side by side, from their result files alone: by whom they were made, and with which models, does not matter.

Read are ``results.csv``, ``rankings.csv``, ``architectures.csv``, ``labels.csv``, ``layers.csv`` and ``manifest.json`` of a run;
neither activations nor probes are needed, so that a folder can be compared that was handed on without them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurosieve.analysis.architectures import mean_interval
from neurosieve.csv_files import read_csv
from neurosieve.errors import StudyError
from neurosieve.notebook import short_repr
from neurosieve.runs.differences import differences, settings_of_cells
from neurosieve.study.folder import TABLES, RunFolder
from neurosieve.study.result import is_intact

FILES = ("results.csv", "rankings.csv", "architectures.csv", "labels.csv", "layers.csv")
KEY = ["run", "model", "property", "corpus", "ranking"]
Key = tuple[str, str, str, str, str]
"""Run, model, property, corpus, and the ranking where there are several."""
WITH_INTERVAL = ("neurons_per_label", "distributedness")
MEANS = ("n_exclusive", "n_shared", "layer_evenness", "overlap", "overlap_by_chance", "overlap_z")


@dataclass(frozen=True, repr=False)
class Comparison:
    """Runs side by side.

    Attributes
    ----------
    cells : DataFrame
        One row a run, model and property: n_neurons, n_seeds, delta, accuracy (test, all neurons; R² of real values),
        n_selected and
        selected_share (the minimal set), set_accuracy (test, retrained), and of `architecture_row` means over seeds;
        ``neurons_per_label`` and ``distributedness`` with a 95 % interval over seeds (``_low``, ``_high``).
    pairs : DataFrame
        One row a pair of cells of one property. ``label_agreement``: rank correlation of the numbers of neurons that the
        common labels take, mean over seeds. Where both have the same neurons, also ``jaccard`` of the minimal sets (mean
        over pairs of seeds), ``jaccard_by_chance``, ``jaccard_between_seeds`` (within each of the two, mean), and
        ``rank_agreement`` (Spearman's correlation of all ranks).
    labels : DataFrame
        One row a cell, seed and label.
    layers : DataFrame
        One row a cell, seed and layer.
    settings : DataFrame
        One row a cell: everything that its results depend on, as the run's manifest tells it; empty columns where it does not.
    differences : DataFrame
        One row a property and a setting in which its cells differ beside model, run, corpus and ranking: ``property``,
        ``setting``, ``said`` (a sentence with every value, and which cells have it).
    """

    __repr__ = short_repr

    cells: pd.DataFrame
    pairs: pd.DataFrame
    labels: pd.DataFrame
    layers: pd.DataFrame
    settings: pd.DataFrame
    differences: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """The cells."""
        return self.cells

    def save(self, folder: str | Path) -> Path:
        """Write ``compare.html`` with its tables and figures into `folder`, and return the page's path."""
        from neurosieve.report.comparison import write_comparison

        return write_comparison(
            folder,
            cells=self.cells,
            pairs=self.pairs,
            labels=self.labels,
            layers=self.layers,
            settings=self.settings,
            differences=self.differences,
        )


def compare(*runs: str | Path) -> Comparison:
    """Compare models, checkpoints or settings across the folders of any runs.

    Same-named neurons of two models are the same neuron only if one model was made from the other, as checkpoints of one
    training are; between other models of equal widths expect the overlap of chance.

    Parameters
    ----------
    *runs : str or Path
        Folders that `run_study` or ``neurosieve run`` wrote; one is enough if it holds several models or properties.

    Returns
    -------
    Comparison

    Raises
    ------
    StudyError
        If a folder lacks a result file, or there is nothing to compare.
    """
    if not runs:
        raise StudyError("compare needs the folder of at least one run")
    tables = {file: [] for file in FILES}  # type: dict[str, list[pd.DataFrame]]
    made: dict[str, list[dict[str, Any]]] = {}
    for name, folder in zip(_names([Path(run) for run in runs]), map(Path, runs), strict=True):
        manifest = RunFolder(folder).manifest()
        read, made[name] = _read(folder, manifest), settings_of_cells(folder, manifest)
        own = read["results.csv"]["ranking"].iloc[0]  # tables of a run with one ranking do not name it
        for file, table in read.items():
            tables[file].append(table.assign(run=name, ranking=table.get("ranking", own)))
    several = len({ranking for table in tables["results.csv"] for ranking in table["ranking"]}) > 1
    whole = {file: _keyed(pd.concat(parts, ignore_index=True), several=several) for file, parts in tables.items()}
    keys: list[Key] = list(whole["results.csv"][KEY].drop_duplicates().itertuples(index=False, name=None))
    if len(keys) < 2:
        raise StudyError(f"{runs[0]}: holds one model and property only; give the folder of another run as well")
    try:
        cells = pd.DataFrame([_cell(key, whole) for key in keys])
        pairs = pd.DataFrame(
            [_pair(a, b, whole) for a, b in combinations(keys, 2) if a[2] == b[2]],
            columns=[*PAIR_COLUMNS],
        )
        found = [_settings(key, whole, made[key[0]]) for key in keys]
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
    ) as error:  # each looks well, and they do not fit together
        raise StudyError(
            f"{', '.join(map(str, runs))}: the tables of a run do not fit together ({error!r}); write them again with "
            "`neurosieve report`"
        ) from error
    from neurosieve.report.comparison import cell_names

    told = differences(cells, settings=found, names=cell_names(cells))
    places = cells[KEY].reset_index(drop=True)
    made_with = pd.DataFrame([{k: v for k, v in s.items() if k not in (*KEY, "labels")} for s in found])
    settings = pd.concat([places, made_with.map(_plain)], axis=1)
    return Comparison(
        cells, pairs, labels=whole["labels.csv"], layers=whole["layers.csv"], settings=settings, differences=told
    )


def _settings(key: Key, whole: dict[str, pd.DataFrame], made: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What made a cell, and which seeds, delta and labels it has; the run's tables tell the latter whoever made it."""
    _, model, prop, corpus, ranking = key
    asked = {"model": model, "property": prop, "corpus": corpus, "ranking": ranking}
    fits = [m for m in made if all(m[part] == value for part, value in asked.items() if value)]
    delta, sizes = _sizes(_of(whole["results.csv"], key))
    labels = _of(whole["labels.csv"], key)["label"]
    return {
        **(fits[0] if fits else {}),
        "n_seeds": len(sizes),
        "delta": delta,
        "labels": list(dict.fromkeys(labels.astype(str))),
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """A setting as a cell of a table."""
    return json.dumps(value, sort_keys=True) if isinstance(value, (list, dict)) else value


def _names(folders: Sequence[Path]) -> list[str]:
    """A short name for each run: the folder's, with as much of its path as tells it from the others."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise StudyError(f"{folders[0]}: is named twice; name each run once")


def _read(folder: Path, manifest: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    if not folder.is_dir():
        raise StudyError(f"{folder}: there is no such folder; check the path (from {Path.cwd()})")
    missing = [file for file in FILES if not (folder / file).is_file()]
    if len(missing) == len(FILES):
        raise StudyError(f"{folder}: holds no results of a run; pass a folder that `neurosieve run` wrote")
    if missing:
        raise StudyError(
            f"{folder}: lacks {', '.join(missing)}; write the run's results again with `neurosieve report {folder}`"
        )
    noted: dict[str, str] = manifest.get(TABLES) or {}  # which a run that was handed on may lack
    found = {}
    for file in FILES:
        if file in noted and not is_intact(folder / file, noted[file]):
            raise StudyError(
                f"{folder / file}: is not what the run wrote (cut, or changed by hand); write the run's results again with "
                f"`neurosieve report {folder}`"
            )
        try:
            # Labels such as NA, null and 1 are names.
            found[file] = read_csv(
                folder / file, dtype={"label": str, "corpus": str}, keep_default_na=False, na_values=[""]
            )
        except (ValueError, pd.errors.ParserError) as error:
            raise StudyError(f"{folder / file}: not a table of results ({error})") from error
    _require_columns(folder, found)
    return found


NEEDED = {
    "results.csv": (
        ("model", "property", "ranking", "metric", "subset", "split", "task"),
        ("seed", "value", "n_neurons"),
    ),
    "rankings.csv": (("model", "property", "neuron"), ("index",)),
    "architectures.csv": (("model", "property"), (*WITH_INTERVAL, *MEANS)),
    "labels.csv": (("model", "property", "label"), ("seed", "n_neurons")),
    "layers.csv": (("model", "property"), ("seed", "n_selected", "n_neurons", "expected")),
}
"""Columns of text and of numbers that are read of each table."""


def _require_columns(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """See that tables have the columns that are read, of the kinds that they have to be."""
    for file, (texts, values) in NEEDED.items():
        table, again = tables[file], f"write the run's results again with `neurosieve report {folder}`"
        for column in (*texts, *values):
            if column not in table:
                raise StudyError(f"{folder / file}: lacks the column '{column}'; {again}")
        wrong = [c for c in values if len(table) and table[c].dtype.kind not in "iufb" and table[c].notna().any()]
        if wrong:
            raise StudyError(f"{folder / file}: the column '{wrong[0]}' holds something else than numbers; {again}")
        for column in texts:
            table[column] = [
                value if isinstance(value, str) else "" if pd.isna(value) else str(value) for value in table[column]
            ]
    if tables["results.csv"].empty:
        raise StudyError(
            f"{folder / 'results.csv'}: has no rows; write the run's results again with `neurosieve report {folder}`"
        )


def _keyed(table: pd.DataFrame, *, several: bool) -> pd.DataFrame:
    corpus = table["corpus"].fillna("") if "corpus" in table else ""
    return table.assign(corpus=corpus, ranking=table["ranking"] if several else "")


def _of(table: pd.DataFrame, key: Key) -> pd.DataFrame:
    return table[(table[KEY] == list(key)).all(axis=1)]


def _cell(key: Key, whole: dict[str, pd.DataFrame]) -> dict[str, object]:
    rows, results = _of(whole["architectures.csv"], key), _of(whole["results.csv"], key)
    n_neurons = int(results["n_neurons"].max())
    delta, sizes = _sizes(results)

    def test(metric: str, subset: str) -> float:
        found = results[
            results["metric"].isin([metric, metric.replace("accuracy", "r2")])  # R² where values are real
            & (results["subset"] == subset)
            & (results["split"] == "test")
            & (results["task"] == "linguistic")
        ]
        return float(found["value"].mean())

    row: dict[str, object] = {
        **dict(zip(KEY, key, strict=True)),
        "n_neurons": n_neurons,
        "n_seeds": len(sizes),
        "delta": delta,
        "accuracy": test("accuracy", "all"),
        "n_selected": float(np.mean(sizes)),
        "selected_share": float(np.mean(sizes)) / n_neurons,
        "set_accuracy": test(f"accuracy@{delta:g}", "minimal"),
    }
    for name in WITH_INTERVAL:  # which rankings that are not by weight mass have not
        row[name], low, high = mean_interval(rows[name]) if len(rows) else (np.nan, np.nan, np.nan)
        row[f"{name}_low"], row[f"{name}_high"] = float(np.maximum(0.0, low)), high  # neither can be less than 0
    return {**row, **{name: float(rows[name].mean()) for name in MEANS}}


PAIR_COLUMNS = (
    "property",
    *(f"{part}_{end}" for end in "ab" for part in ("run", "model", "corpus", "ranking")),
    "label_agreement",
    "same_neurons",
    "jaccard",
    "jaccard_by_chance",
    "jaccard_between_seeds",
    "rank_agreement",
)


def _pair(a: Key, b: Key, whole: dict[str, pd.DataFrame]) -> dict[str, object]:
    row: dict[str, object] = {"property": a[2]}
    for end, key in (("a", a), ("b", b)):
        row |= {f"run_{end}": key[0], f"model_{end}": key[1], f"corpus_{end}": key[3], f"ranking_{end}": key[4]}
    counts = [
        _of(whole["labels.csv"], key).pivot_table(index="label", columns="seed", values="n_neurons") for key in (a, b)
    ]
    row["label_agreement"] = _label_agreement(*counts)
    ranks = [_ranks(key, whole) for key in (a, b)]
    row["same_neurons"] = list(ranks[0].index) == list(ranks[1].index)
    if row["same_neurons"]:
        row |= _agreement(ranks, [_sizes(_of(whole["results.csv"], key))[1] for key in (a, b)])
    return row


def _label_agreement(first: pd.DataFrame, second: pd.DataFrame) -> float:
    """Spearman's correlation over common labels, mean over pairs of seeds; NaN for fewer than three labels."""
    common = first.index.intersection(second.index)
    if len(common) < 3:
        return float("nan")
    ranked = [table.loc[common].rank() for table in (first, second)]
    with np.errstate(invalid="ignore", divide="ignore"):  # a seed in which all labels take equally many
        found = [
            np.corrcoef(ranked[0][i], ranked[1][j])[0, 1] for i, j in product(ranked[0].columns, ranked[1].columns)
        ]
    return float(np.mean(found))


def _ranks(key: Key, whole: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Rank of each neuron, one column a seed, neurons in order of layer and index."""
    table = _of(whole["rankings.csv"], key).sort_values(["layer", "index"]).set_index("neuron")
    columns = [column for column in table if str(column).startswith("rank_seed_")]
    return table[columns].dropna(axis=1)


def _sizes(results: pd.DataFrame) -> tuple[float, list[int]]:
    """The smallest delta of a cell, and the size of each seed's minimal set."""
    sets = results[results["metric"].str.startswith("n_neurons@")]
    deltas = sets["metric"].str.removeprefix("n_neurons@").astype(float)
    chosen = sets[deltas == deltas.min()].sort_values("seed")
    return float(deltas.min()), [int(n) for n in chosen["value"]]


def _agreement(ranks: Sequence[pd.DataFrame], sizes: Sequence[Sequence[int]]) -> dict[str, float]:
    n = len(ranks[0])
    sets: list[list[set[int]]] = [
        [set(np.flatnonzero(table[column] < size).tolist()) for column, size in zip(table, many, strict=False)]
        for table, many in zip(ranks, sizes, strict=True)
    ]

    def jaccard(pairs: Sequence[tuple[set[int], set[int]]]) -> float:
        return float(np.mean([len(a & b) / max(1, len(a | b)) for a, b in pairs])) if pairs else float("nan")

    def chance(a: set[int], b: set[int]) -> float:
        shared = len(a) * len(b) / n
        return shared / max(1.0, len(a) + len(b) - shared)

    between = list(product(sets[0], sets[1]))
    within = [jaccard(list(combinations(each, 2))) for each in sets]
    spearman = [np.corrcoef(ranks[0][i], ranks[1][j])[0, 1] for i, j in product(ranks[0], ranks[1])]
    return {
        "jaccard": jaccard(between),
        "jaccard_by_chance": float(np.mean([chance(a, b) for a, b in between])),
        "jaccard_between_seeds": float(np.mean(within)),
        "rank_agreement": float(np.mean(spearman)),
    }
