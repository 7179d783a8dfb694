"""What a run or a store holds, without loading any of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from neurosieve.activations.format import MANIFEST, SHARDS, readable_size
from neurosieve.activations.store import open_store
from neurosieve.errors import StudyError


def describe(path: str | Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Describe a run's folder (one row a cell and stage) or a store (one row a layer).

    Raises
    ------
    NeurosieveError
        If the folder is neither.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise StudyError(f"{folder}: there is no such folder; check the path (from {Path.cwd()})")
    if (folder / SHARDS).is_dir():
        return _describe_store(folder)
    from neurosieve.study.cells import open_cells  # these load torch, which takes seconds: a store needs none of it
    from neurosieve.study.folder import RunFolder
    from neurosieve.study.steps import settings_of

    run = RunFolder(folder)
    manifest = run.manifest()
    if not manifest:
        raise StudyError(f"{folder}: neither a run nor an activation store; pass a folder that neurosieve wrote")
    rows = [
        {"cell": cell.folder.name, "ranking": cell.method, "finished": ", ".join(cell.finished)}
        for cell in open_cells(run, settings_of(run))
    ]
    summary = {
        "run": str(folder),
        "finished": bool(manifest.get("finished")),
        "activations": [f"{path.name} ({_in_short(path)})" for path in run.stores()],
    }
    return pd.DataFrame(rows, columns=["cell", "ranking", "finished"]), summary


def _in_short(path: Path) -> str:
    if not (path / MANIFEST).is_file():
        return f"unfinished, {_size(path)}"
    store = open_store(path)
    return f"{store.n_words} {store.unit}s x {store.n_neurons} neurons, {_size(path)}; properties {', '.join(store.properties)}"


def _describe_store(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    store = open_store(folder)
    manifest = store.manifest
    summary = {
        "model": manifest["model"]["name"],
        "corpus": manifest["corpus"]["name"],
        "unit": store.unit,
        "n_words": store.n_words,
        "n_neurons": store.n_neurons,
        "size": _size(folder),
        "properties": ", ".join(store.properties),
        "splits": ", ".join(f"{name} {b - a}" for name, (a, b) in manifest["splits"].items()),
        "left_out": len(manifest["left_out"]),
        "windowed": len(manifest["windowed"]),
        "unknown_share": round(manifest["unknown_share"], 6),
        "model_digest": manifest["model"]["digest"],
    }
    return pd.DataFrame(manifest["layers"]), summary


def _size(folder: Path) -> str:
    return readable_size(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()))
