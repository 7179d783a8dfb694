"""One process a folder at a time: a lock that the operating system lets go of when its process ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurosieve.activations.format import LOCK
from neurosieve.errors import StoreError

if sys.platform == "win32":  # pragma: no cover (tests run elsewhere)
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    @contextmanager
    def moment(_folder: Path) -> Iterator[None]:
        """Nothing: a folder cannot be locked there."""
        yield

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @contextmanager
    def moment(folder: Path) -> Iterator[None]:
        """Be the only one to change a file of a folder for a moment, waiting for whoever is at it."""
        file = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


@contextmanager
def extraction_lock(folder: Path, *, doing: str = "extracting into") -> Iterator[None]:
    """Hold the lock of a folder, which must exist; `doing` says in messages what its holder does.

    The lock lies on the open file, not in the file's being there: one that a killed process left stops nobody.

    Raises
    ------
    StoreError
        If another process holds it; the message gives its number.
    """
    path = folder / LOCK
    file = _locked(path, doing)
    try:
        os.truncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        yield
    finally:
        if sys.platform != "win32":  # where an open file cannot be removed
            path.unlink(missing_ok=True)
        os.close(file)


def _locked(path: Path, doing: str) -> int:
    """Open and lock the file, and see that it is still the one that has this name."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(file)
        except OSError as error:
            os.close(file)
            raise StoreError(
                f"{path.parent}: another process{_holder(path)} is {doing} this folder; wait until it is done, or "
                "choose another output folder"
            ) from error
        try:
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except FileNotFoundError:
            pass
        os.close(file)  # its holder removed it between our opening and our locking it


def _holder(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return f" ({number})" if number.isdigit() else ""
