"""Whether every file of a run or a store still holds what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from neurosieve.activations import format as fmt
from neurosieve.errors import NeurosieveError, StudyError
from neurosieve.files import DamagedFileError, file_digest, read_sealed_json, why_unreadable
from neurosieve.study.folder import PAGE_FILES, TABLES, RunFolder

EXTRACT = "run the same `extract` with --repair"
RUN = "repeat the run's command"
REPORT = "write it again with `neurosieve report`"
DELETE = "delete it to compute this stage again"


def verify(path: str | Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Compare every file of a run's folder, or of a store, with its digest.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    problems : DataFrame
        One row a file that is gone or changed: file, problem, todo. None is empty.
    summary : dict of str to int
        ``files`` and ``bytes`` that were compared, and ``unknown``, files of earlier versions whose digest nobody noted.

    Raises
    ------
    StudyError
        If the folder is neither.
    """
    folder = Path(path)
    if (folder / fmt.SHARDS).is_dir():
        jobs = list(_of_store(folder))
    elif (folder / "manifest.json").is_file():
        jobs = list(_of_run(folder))
    else:
        raise StudyError(f"{folder}: neither a run nor an activation store; pass a folder that neurosieve wrote")

    def look(job: Job) -> tuple[Path, str | None, str]:
        return job[0], _problem(job[0], job[1]), job[2]

    with ThreadPoolExecutor() as pool:
        looked = list(pool.map(look, jobs))
    rows = [(str(file.relative_to(folder)), problem, todo) for file, problem, todo in looked if problem]
    compared = [file for file, digest, _ in jobs if digest != UNKNOWN and file.is_file()]
    summary = {
        "files": len(compared),
        "bytes": sum(file.stat().st_size for file in compared),
        "unknown": sum(digest == UNKNOWN for _, digest, _ in jobs),
    }
    return pd.DataFrame(rows, columns=["file", "problem", "todo"]), summary


Job = tuple[Path, str, str]
"""A file, its digest (or `SEALED` or `UNKNOWN`), and what to do if it is another."""
SEALED, UNKNOWN = "sealed", "unknown"


def _problem(path: Path, digest: str) -> str | None:
    """What is wrong with a file, in a few words; None if nothing is."""
    if not path.is_file():
        return "gone"
    try:
        if digest == SEALED:
            read_sealed_json(path)
        elif digest != UNKNOWN and file_digest(path) != digest:
            return "changed"
    except DamagedFileError as error:
        return f"changed: {error}"
    except OSError as error:
        return why_unreadable(error, "")
    return None


def _of_store(folder: Path) -> Iterator[Job]:
    if (folder / fmt.PLAN).is_file():
        yield folder / fmt.PLAN, SEALED, EXTRACT
    manifest = folder / fmt.MANIFEST
    if not manifest.is_file():  # unfinished: shards tell their own checksums when the extraction goes on
        return
    yield manifest, SEALED, EXTRACT
    try:
        content = fmt.read_json(manifest)
    except NeurosieveError:
        return
    yield folder / fmt.WORDS, content.get("words", {}).get("sha256", UNKNOWN), EXTRACT
    for number, shard in enumerate(content["shards"]):
        yield fmt.shard_path(folder, number), shard["sha256"], EXTRACT


def _of_run(folder: Path) -> Iterator[Job]:
    run = RunFolder(folder)
    yield run.manifest_path, SEALED, "restore it from a copy"
    try:
        manifest = run.manifest()
    except NeurosieveError:
        manifest = {}
    for part in (TABLES, PAGE_FILES):
        for name, digest in (manifest.get(part) or {}).items():
            yield folder / name, digest, REPORT
    written = {folder / "cells" / c["folder"] / name for c in manifest.get("cells", ()) for name in c.get("stages", ())}
    for path in sorted(written | {*(folder / "cells").glob("*/*.json")}):
        yield path, SEALED, DELETE if path.is_file() else RUN
        try:
            files = json.loads(path.read_text(encoding="utf-8")).get("files", {})
            for name, digest in files.items():
                yield path.parent / name, digest, RUN
        except (OSError, ValueError, AttributeError):  # told by the file's own check
            continue
    for store in run.stores():
        used = any((folder / "cells").glob(f"{store.name}--*/*.json"))
        if used and not (store / fmt.MANIFEST).is_file():  # it was finished once
            yield store / fmt.MANIFEST, SEALED, RUN
        yield from _of_store(store)
