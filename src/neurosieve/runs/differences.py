"""What else differs between cells that are compared: solver, grid, tolerance, text, labels, seeds and all else that made them.

A number that differs between two runs may differ because the models do, or because the probes were made otherwise. Each cell's
manifest entry tells what its stages were made with; everything in which two cells of one property differ is said.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from neurosieve.errors import StudyError
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.result import read_result
from neurosieve.study.results import MADE_WITH

CALLED = {
    "corpus_digest": "text and labels (digest)",
    "model_digest": "weights (digest)",
    "rare_labels": "labels that occur once",
    "tol": "tolerance",
    "deltas": "deltas",
    "n_seeds": "number of seeds",
    "delta": "delta of the minimal set",
    "neurosieve_version": "version of neurosieve",
    "labels": "labels",
}
"""What settings are called where their name in study files does not say it."""
OF_MODELS = ("pooling", "dtype", "sentence_vector", "unit")
"""Settings of models that are compared between different models; all others belong to a model."""
NOT_COMPARED = ("property", "model_settings", "pairs_digest")
SHOWN = 8
"""Labels that are named where two cells do not have the same."""


def settings_of_cells(folder: Path, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What made each cell of a run: its model, corpus, property and ranking, and every setting that its results depend on.

    Parameters
    ----------
    folder : Path
        The run's.
    manifest : mapping
        The run's; empty where it was not handed on.

    Returns
    -------
    list of dict
        Empty where nothing tells it.
    """
    found = []
    for entry in manifest.get("cells") or ():
        made = entry.get(MADE_WITH) or _from_stages(folder / "cells" / str(entry.get("folder", "?")))
        if not made:
            continue
        place = {key: entry.get(key, "") for key in ("model", "corpus", "property", "ranking")}
        model = made.get("model_settings")
        flat = {f"model: {key}": value for key, value in model.items()} if isinstance(model, dict) else {}
        version = {"neurosieve_version": manifest["neurosieve_version"]} if "neurosieve_version" in manifest else {}
        found.append({**place, **{k: v for k, v in made.items() if k not in NOT_COMPARED}, **flat, **version})
    return found


def _from_stages(cell: Path) -> dict[str, Any]:
    """The same from the files of a cell's stages, of runs whose manifest is of an earlier version."""
    made: dict[str, Any] = {}
    for path in sorted(cell.glob("*.json")):
        try:
            made |= read_result(path).made_with
        except StudyError:  # what is damaged is said where it is needed
            continue
    return made


def differences(cells: pd.DataFrame, *, settings: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pd.DataFrame:
    """What differs between the cells of each property, beside model, run, corpus and ranking.

    Parameters
    ----------
    cells : DataFrame
        With ``property`` and ``model``.
    settings : sequence of mapping, one a cell
        As of `settings_of_cells`; empty where nothing tells what made the cell. Values are compared exactly.
    names : sequence of str
        What to call each cell.

    Returns
    -------
    DataFrame
        ``property``, ``setting``, ``said``: a sentence that gives every value and the cells that have it.
    """
    rows = []
    for prop, table in cells.groupby("property", sort=False):
        places = [int(cells.index.get_loc(index)) for index in table.index]  # type: ignore[arg-type]
        if len(places) < 2:
            continue
        own = {place: settings[place] for place in places}
        unknown = [names[place] for place in places if not own[place].get("solver")]
        if unknown:
            text = f"{', '.join(unknown)}: nothing tells with which solver, grid and text this was made (no manifest beside it)."
            rows.append({"property": prop, "setting": "unknown", "said": f"{prop}: {text}"})
        solvers = {str(s["solver"]) for s in own.values() if s.get("solver")}
        for key in dict.fromkeys(key for s in own.values() for key in s):
            known = {place: s[key] for place, s in own.items() if key in s}
            if len(solvers) > 1 and len(known) < len(own) - len(unknown):  # a setting that only one of the solvers has
                continue
            if not _compared(key, known, cells) or len({_text(value) for value in known.values()}) < 2:
                continue
            said = (
                f"{prop}: {CALLED.get(key, key.replace('_', ' '))} differ{'' if key in ('labels', 'deltas') else 's'}: "
            )
            values = _labels(known, names) if key == "labels" else _values(known, names)
            rows.append({"property": prop, "setting": key, "said": f"{said}{values}.{_meaning(key, solvers)}"})
    return pd.DataFrame(rows, columns=["property", "setting", "said"])


def _compared(key: str, known: Mapping[int, Any], cells: pd.DataFrame) -> bool:
    """Whether a difference is worth saying: weights, and what belongs to a model, only within one model."""
    if key in ("model", "corpus", "property", "ranking"):
        return False
    if key == "model_digest" or (key.startswith("model: ") and key.removeprefix("model: ") not in OF_MODELS):
        return len({cells["model"].iloc[place] for place in known}) == 1
    return True


def _meaning(key: str, solvers: Collection[str]) -> str:
    if key != "solver":
        return ""
    proven = [name for name in solvers if _is_proven(name)]
    if not proven or len(proven) == len(solvers):
        return ""
    return (
        f" Probes by {' and '.join(sorted(proven))} are solved to an optimum that is proven, the others are trained: a difference "
        "between these cells may be the solver's."
    )


def _is_proven(solver: str) -> bool:
    try:
        return ProbeSettings(solver=solver).solved_by.deterministic
    except ValueError:  # of a package that is not installed here
        return False


def _values(known: Mapping[int, Any], names: Sequence[str]) -> str:
    by_value: dict[str, list[str]] = {}
    for place, value in known.items():
        by_value.setdefault(_text(value), []).append(names[place])
    return "; ".join(f"{value} in {', '.join(who)}" for value, who in by_value.items())


def _labels(known: Mapping[int, Any], names: Sequence[str]) -> str:
    everywhere = set.intersection(*(set(value) for value in known.values()))
    parts = []
    for place, value in known.items():
        own = [label for label in value if label not in everywhere]
        more = f" and {len(own) - SHOWN} more" if len(own) > SHOWN else ""
        parts.append(
            f"{', '.join(own[:SHOWN])}{more} only in {names[place]}" if own else f"none of its own in {names[place]}"
        )
    return f"{len(everywhere)} are common; {'; '.join(parts)}"


def _text(value: Any) -> str:  # noqa: ANN401 (any JSON)
    """A value as it was set, never rounded; digests are cut to what tells them apart."""
    if isinstance(value, str):
        return value[:12] if len(value) == 64 and set(value) <= set("0123456789abcdef") else value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
