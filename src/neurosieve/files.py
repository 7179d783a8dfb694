"""Files that are whole or not there, and that tell when they were changed.

Whatever is written gets a temporary name beside its own, is synced and renamed, so that a reader never sees half of it and a
kill leaves the old one. JSON files end with the digest of all that stands before it, so that one flipped byte is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SEAL = "sha256"
"""Last entry of a JSON file of ours: the digest of what stands before it."""
WRITER = "NEUROSIEVE_WRITER"
"""Environment variable of a process that may write the same file as another: a name of its own, for its temporary files."""
_BEFORE, _AFTER = f',\n "{SEAL}": "'.encode(), b'"\n}\n'
_SEAL = re.compile(re.escape(_BEFORE) + rb"([0-9a-f]{64})" + re.escape(_AFTER) + rb"\Z")
_WIDTH = len(_BEFORE) + 64 + len(_AFTER)


class DamagedFileError(ValueError):
    """A file is not what was written; the message says in a few words what is wrong with it."""


@contextmanager
def whole_file(path: Path, *, suffix: str = ".tmp") -> Iterator[Path]:
    """Give a temporary path to write to; afterwards what is there is synced and takes the place of `path`.

    A link at `path` is replaced and not followed. Where the block fails, nothing of it stays. The file has the permissions of
    any new file in its folder, whoever writes it and however.

    Parameters
    ----------
    path : Path
    suffix : str
        Takes the place of the ending, or, if it does not begin with a dot, comes behind the whole name.
    """
    if writer := os.environ.get(WRITER):
        suffix = f".{writer}{suffix}" if suffix.startswith(".") else f"~{writer}{suffix}"
    temporary = path.with_suffix(suffix) if suffix.startswith(".") else path.with_name(path.name + suffix)
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # which no link can stand in for
    mode = stat.S_IMODE(temporary.stat().st_mode)
    try:
        yield temporary
        temporary.chmod(mode)  # safetensors and tempfile let nobody but the owner read
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Delete what a killed process left half-written in a folder, which nobody else writes into now."""
    for pattern in ("*.tmp", "*~tmp", ".tmp??????"):  # the last is how the safetensors library names them
        for path in folder.glob(pattern):
            if path.is_file() or path.is_symlink():
                path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut, where the system can."""
    if sys.platform == "win32":  # pragma: no cover (where a folder cannot be opened)
        return
    try:
        file = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder that may be written and not read
        return
    try:
        os.fsync(file)
    except OSError:  # pragma: no cover (file systems that cannot)
        pass
    finally:
        os.close(file)


def write_whole_text(path: Path, text: str) -> Path:
    """Write a text file with LF line ends; the file is either the old one or the whole new one."""
    with whole_file(path, suffix="~tmp") as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path


def write_sealed_json(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON that ends with its own digest; the file is either the old one or the whole new one."""
    kept = {key: value for key, value in content.items() if key != SEAL}
    text = json.dumps(kept, indent=1, ensure_ascii=False, default=str).encode("utf-8")
    body = text.removesuffix(b"\n}")
    seal = (
        b"\n" if body == text else _BEFORE + hashlib.sha256(body).hexdigest().encode() + _AFTER
    )  # of {} there is none
    with whole_file(path) as temporary:
        temporary.write_bytes(body + seal)


def read_sealed_json(path: Path) -> Any:  # noqa: ANN401 (any JSON)
    """Read JSON, and see that it is what was written. A file without a digest, of an earlier version, is read as it is.

    Raises
    ------
    OSError
        If it cannot be read.
    DamagedFileError
        If it is no JSON, or other than what was written.
    """
    data = path.read_bytes()
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"no JSON: {error}") from error
    found = _SEAL.search(data)
    if found is not None:
        if hashlib.sha256(data[: found.start()]).hexdigest().encode() != found.group(1):
            raise DamagedFileError("its content is not what was written")
    elif _looks_sealed(data) or (isinstance(content, dict) and SEAL in content):
        raise DamagedFileError(f"the digest at its end, '{SEAL}', does not stand where it was written")
    if isinstance(content, dict):
        content.pop(SEAL, None)
    return content


def _looks_sealed(data: bytes) -> bool:
    """Whether the end is nearly that of a sealed file."""
    end = data[-_WIDTH:]
    parts = zip((*end[: len(_BEFORE)], *end[-len(_AFTER) :]), (*_BEFORE, *_AFTER), strict=False)
    return len(end) == _WIDTH and sum(a != b for a, b in parts) <= 3


def is_there(path: Path) -> bool:
    """Whether something lies at a path; nothing does at one that no file can have, such as a name of a thousand characters."""
    return os.path.exists(path)  # noqa: PTH110 (which raises nothing)


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if sys.version_info >= (3, 11) else _digest(file)


def _digest(file: Any) -> str:  # noqa: ANN401 # pragma: no cover (Python 3.10)
    sha = hashlib.sha256()
    while block := file.read(1 << 22):
        sha.update(block)
    return sha.hexdigest()


def why_unreadable(error: BaseException, otherwise: str) -> str:
    """What to say of a file that cannot be read, and what to do: one that may not be read is not damaged.

    Parameters
    ----------
    error : exception
    otherwise : str
        What to do if it is damaged.
    """
    if isinstance(error, PermissionError):
        return "you may not read it; ask its owner for the permission (chmod a+r), nothing is wrong with it"
    if isinstance(error, DamagedFileError):
        return f"damaged ({error}); {otherwise}"
    return f"cannot be read ({' '.join(str(error).split())}); {otherwise}"
