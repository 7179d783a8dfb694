"""The page of a run: written from its tables, and only when they are not those that it was written from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurosieve.errors import StudyError
from neurosieve.study.findings import Findings
from neurosieve.study.folder import PAGE_FILES, TABLES, RunFolder, digests_of

PAGE = "report.html"
BESIDE = ("tables", "figures")
"""Folders of what is written with the page."""


def page_of(folder: RunFolder) -> Path | None:
    """The run's page, if there is one and it was written from the tables that lie beside it."""
    manifest = folder.manifest()
    written = manifest.get("written_from")
    same = written and manifest.get("page_from") == written
    return folder.path / PAGE if same and folder.written(PAGE_FILES) else None


def report_on(folder: RunFolder, found: Sequence[Findings]) -> Path:
    """Write the page of a run whose tables are written; it says what the manifest says."""
    from neurosieve.report.html import write_report

    for name in BESIDE:
        if (folder.path / name).is_symlink():
            raise StudyError(f"{folder.path / name}: is a link, and results are not written through links; remove it")
    folder.note(page_from=None)
    shown = [replace(f, prop=without_path(f.prop)) for f in found]
    write_report(folder.path, shown, manifest=without_paths(folder.manifest()))
    path = folder.path / PAGE
    made = [path, *(file for name in BESIDE for file in (folder.path / name).glob("*") if file.is_file())]
    folder.note(page_from=folder.manifest().get("written_from"), **{PAGE_FILES: digests_of(folder.path, made)})
    return path


def without_paths(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as the page shows it: local files by their names, since a page is handed on and paths are not."""
    settings = manifest.get("settings", {})

    def short(path: str) -> str:
        return Path(path).name if Path(path).exists() else path

    def short_splits(splits: Any) -> Any:  # noqa: ANN401 (a scheme's name, or files by split)
        if not isinstance(splits, dict):
            return splits
        return {k: short(v) if isinstance(v, str) else [short(f) for f in v] for k, v in splits.items()}

    def short_props(props: Iterable[str]) -> list[str]:
        return [without_path(prop) for prop in props]

    changed = {
        "models": [{**model, "path": short(model["path"])} for model in settings.get("models", ())],
        "corpora": [
            {
                **corpus,
                "files": [short(f) for f in corpus["files"]],
                "splits": short_splits(corpus.get("splits")),
                "properties": short_props(corpus.get("properties", ())),
            }
            for corpus in settings.get("corpora", ())
        ],
        "stores": [
            {**store, "path": short(store["path"]), "properties": short_props(store.get("properties", ()))}
            for store in settings.get("stores", ())
        ],
    }
    named = [
        {key: without_path(value) if key in ("property", "in_short", "error") else value for key, value in cell.items()}
        for cell in manifest.get("cells", ())
    ]
    files = dict(zip(short_names(manifest.get("files", {})), manifest.get("files", {}).values(), strict=True))
    kept = {
        key: value for key, value in manifest.items() if key not in ("page_from", "written_from", PAGE_FILES, TABLES)
    }
    known = {"cells": named} if named else {}
    return {**kept, **known, "settings": {**settings, **changed}, "files": files}


def without_path(text: str) -> str:
    """A text in which word lists (``list:FILE``) are told by the file's own name."""
    return re.sub(r"\blist:(?:[^\s'\"]*[/\\])", "list:", text)


def short_names(paths: Iterable[str]) -> list[str]:
    """The last parts of paths, as many of each as tell it from all others: two ``train.txt`` keep their folders' names."""
    parts = [Path(path).parts for path in paths]

    def shortest(own: tuple[str, ...]) -> str:
        for n in range(1, len(own)):
            if sum(other[-n:] == own[-n:] for other in parts) == 1:
                return "/".join(own[-n:])
        return "/".join(own)

    return [shortest(own) for own in parts]
