"""What a run writes when its cells are done: the tables of all cells, and the manifest's account of what they were made from."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from neurosieve._version import __version__
from neurosieve.activations.store import ActivationStore
from neurosieve.csv_files import write_csv
from neurosieve.study.findings import Findings
from neurosieve.study.folder import TABLES, RunFolder, digests_of
from neurosieve.study.in_short import in_a_sentence
from neurosieve.study.opened import OpenCell
from neurosieve.study.result import is_intact, read_result
from neurosieve.study.spread import FILES

MADE_WITH = "made_with"
"""Entry of a cell in the manifest with all that its stages were made with, so that runs can be compared without their stages."""
RESULTS = ("results.csv", "rankings.csv")
_PACKAGES = ("numpy", "pandas", "scikit-learn", "safetensors", "tokenizers", "torch", "transformers")


def write_run(
    folder: RunFolder,
    cells: Sequence[OpenCell],
    found: Sequence[Findings],
    *,
    stores: Sequence[ActivationStore],
    failures: list[dict[str, str]],
    finished: bool,
    anew: bool = False,
) -> None:
    """Write a run's tables and manifest, unless they are there and were written from the same results, and `anew` is false."""
    written_from = fingerprint(cell.folder for cell in cells)
    manifest = folder.manifest()
    same = manifest.get("written_from") == written_from and manifest.get("failures") == failures
    if same and manifest.get("finished") == finished and folder.written(TABLES) and not anew:
        return
    if not found:
        folder.note(finished=finished, failures=failures)
        return
    folder.note(finished=False, written_from=None)  # half-written tables are nobody's results
    write_tables(folder.path, found)
    folder.note(
        finished=finished,
        failures=failures,
        **provenance(),
        activations=_activations(manifest.get("activations", ()), stores),
        seconds={f"{cell.folder.name}: {stage}": s for cell in cells for stage, s in cell.seconds().items()},
        cells=[_entry(f, cell) for f, cell in zip(found, cells, strict=True)],
        written_from=written_from,
        **{TABLES: digests_of(folder.path, [folder.path / name for name in (*FILES.values(), *RESULTS)])},
    )


def written_cells(folder: RunFolder) -> list[dict[str, Any]] | None:
    """What the manifest says of each cell, where the run is finished and its tables belong to what lies in its folder now.

    Returns
    -------
    list of dict, or None
        ``model``, ``corpus``, ``property``, ``ranking``, ``l1``, ``l2``, ``folder``, ``in_short``; None if there is work to do.
    """
    manifest = folder.manifest()
    cells: list[dict[str, Any]] = manifest.get("cells", [])
    if not manifest.get("finished") or not folder.written(TABLES) or not all("folder" in cell for cell in cells):
        return None
    folders = [folder.path / "cells" / cell["folder"] for cell in cells]
    if manifest.get("written_from") != fingerprint(folders):
        return None
    return cells if all(map(has_its_files, dict.fromkeys(folders))) else None


def has_its_files(cell: Path) -> bool:
    """Whether the files that a cell's stages left beside their own are there and are what was left."""
    return all(
        is_intact(cell / name, digest)
        for path in sorted(cell.glob("*.json"))
        for name, digest in read_result(path).files.items()
    )


def _entry(found: Findings, cell: OpenCell) -> dict[str, Any]:
    """What the manifest says of a finished cell."""
    return {
        "model": found.model,
        "corpus": found.corpus,
        "property": found.prop,
        "ranking": found.ranking.method,
        "l1": found.l1,
        "l2": found.l2,
        "folder": cell.folder.name,
        "stages": sorted(path.name for path in cell.folder.glob("*.json")),
        "in_short": in_a_sentence(found),
        MADE_WITH: {key: value for stage in cell.finished for key, value in cell.result(stage).made_with.items()},
    }


def fingerprint(folders: Iterable[Path]) -> str:
    """Digest of everything that the results are written from."""
    digest = hashlib.sha256(__version__.encode())
    for folder in dict.fromkeys(folders):
        for path in sorted(folder.glob("*.json")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def provenance() -> dict[str, Any]:
    """Versions and machine."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # pragma: no cover (all are dependencies)
            packages[name] = "not installed"
    import torch

    return {
        "neurosieve_version": __version__,
        "python": platform.python_version(),
        "packages": packages,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
    }


def _activations(before: Iterable[dict[str, Any]], stores: Sequence[ActivationStore]) -> list[dict[str, Any]]:
    """What the manifest says of activations: of those that are there now, and as it was of others."""
    now = {
        store.path.name: {
            "folder": store.path.name,
            **{k: store.manifest[k] for k in ("model", "corpus", "splits", "n_words", "unknown_share", "dtype")},
            "unit": store.unit,
            "sentence_vector": store.manifest.get("sentence_vector"),
            "special_token": store.manifest.get("special_token"),
            "n_left_out": len(store.manifest["left_out"]),
            "n_windowed": len(store.manifest["windowed"]),
            "left_out": store.manifest["left_out"][:20],
            **({"first_words": sink} if (sink := store.manifest.get("first_words")) else {}),
        }
        for store in stores
    }
    return list({**{entry["folder"]: entry for entry in before}, **now}.values())


def write_tables(folder: Path, found: Sequence[Findings]) -> None:
    """Write the tables of all cells: ``results.csv``, ``rankings.csv``, layers, labels and architectures."""
    tables = {"results.csv": [f.results() for f in found], "rankings.csv": [f.ranking_frame() for f in found]}
    for name, file in FILES.items():
        tables[file] = [f.by_seed[name].assign(model=f.model, property=f.prop) for f in found]
    for file, parts in tables.items():
        # Each property has labels of its own, so a wide table's columns are the union, empty where a label is unknown.
        placed = [_placed(part, f, found) for part, f in zip(parts, found, strict=True)]
        write_csv(folder / file, pd.concat(placed, ignore_index=True))


def _placed(table: pd.DataFrame, f: Findings, found: Sequence[Findings]) -> pd.DataFrame:
    """A cell's rows with model and property in front, and the corpus after them where the study has several."""
    first = ["model", "property"]
    if len({other.ranking.method for other in found}) > 1:
        table, first = table.assign(ranking=f.ranking.method), [*first, "ranking"]
    if len({other.corpus for other in found}) > 1:
        table, first = table.assign(corpus=f.corpus), [*first, "corpus"]
    return table[[*first, *(column for column in table if column not in first)]]
