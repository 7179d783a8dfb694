"""Take damaged files out of a store, so that the next extraction makes them, and them alone, again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from neurosieve.activations import format as fmt
from neurosieve.activations.lock import extraction_lock
from neurosieve.activations.store import ActivationStore
from neurosieve.errors import StoreError
from neurosieve.files import file_digest


def damaged_files(store: ActivationStore) -> list[Path]:
    """Files of a finished store that are gone, or are other than what was written; all are read, on several cores."""
    files = store.files()

    def wrong(path: Path) -> bool:
        return not path.is_file() or file_digest(path) != files[path]

    with ThreadPoolExecutor() as pool:  # digests are computed without the interpreter's lock
        return [path for path, bad in zip(files, pool.map(wrong, files), strict=True) if bad]


def take_out_damaged(folder: Path) -> list[Path]:
    """Delete the files of a store that are damaged, and return them; of an unfinished one the extraction finds them itself.

    Raises
    ------
    StoreError
        If another process is extracting into the folder.
    """
    if not (folder / fmt.MANIFEST).is_file():
        return []
    with extraction_lock(folder):
        try:
            damaged = damaged_files(ActivationStore(folder, fmt.read_json(folder / fmt.MANIFEST)))
        except StoreError as error:
            if isinstance(error.__cause__, PermissionError) or not (folder / fmt.PLAN).is_file():
                raise
            damaged = [folder / fmt.MANIFEST]
        for path in damaged:
            path.unlink(missing_ok=True)
    return damaged
