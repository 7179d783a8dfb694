"""Files of annotated text: finding them, reading them as UTF-8 lines, and saying where something stands in them."""

from __future__ import annotations

import glob
import gzip
import os
import re
import zlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from neurosieve.errors import CorpusError
from neurosieve.files import is_there, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PathLike: TypeAlias = str | os.PathLike[str]

_GZIP_MAGIC = b"\x1f\x8b"
MOST_TIMES = 200
"""How many times larger than the packed file a text may be."""
LEAST_BOUND = 1 << 24
"""Bytes that a small file may unpack to, whatever its size."""
_NOT_TEXT = re.compile(r"^\.|licen[cs]e|readme|copying|changelog|\.(md|html|pdf|json|yaml|yml|py)$", re.IGNORECASE)


@dataclass(frozen=True)
class TextFile:
    """Lines of one file, without their line ends.

    Attributes
    ----------
    path : str
        As the user gave it, for messages.
    lines : sequence of str
        Only LF and CRLF end a line: other characters that Unicode calls line separators may occur inside words.
    """

    path: str
    lines: Sequence[str]

    def where(self, line: int) -> str:
        """Return ``path:line`` for line number `line`, counted from 1."""
        return f"{self.path}:{line}"

    def error(self, line: int, message: str) -> CorpusError:
        """Return (not raise) the error that something is wrong in line `line`, counted from 1."""
        return CorpusError(f"{self.where(line)}: {message}")

    def head(self, n: int = 200) -> list[str]:
        """Return the first `n` lines that are not blank."""
        return list(islice((line for line in self.lines if not is_blank(line)), n))


def is_blank(line: str) -> bool:
    """Say whether a line holds nothing but spaces and tabs."""
    return not line.strip(" \t")


def never(line: str) -> bool:  # noqa: ARG001 - one of the `comment` arguments of `blocks`
    """No line is a comment."""
    return False


def blocks(file: TextFile, comment: Callable[[str], bool] = never) -> Iterator[list[tuple[int, str]]]:
    """Yield the (line number, line) pairs between blank lines; comments are left out."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(file.lines, 1):
        if is_blank(line):
            if block:
                yield block
                block = []
        elif not comment(line):
            block.append((number, line))
    if block:
        yield block


def read_text(path: PathLike) -> TextFile:
    """Read a UTF-8 file, gzip-compressed or not; a byte order mark at its start is taken off.

    Raises
    ------
    CorpusError
        If the file is missing, empty, damaged or not UTF-8 (with the line of the first byte that is not).
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = _unpacked(path, len(data))
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(
            f"{path}: {why_unreadable(error, 'check path and permissions, or get the file again')}"
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8; convert the file first, "
            "for example with 'iconv -f latin1 -t utf-8'"
        ) from error
    if not text.strip():
        raise CorpusError(f"{path}: the file is empty; give a file with annotated sentences")
    return TextFile(str(path), [line.removesuffix("\r") for line in text.split("\n")])


def _unpacked(path: Path, packed: int) -> bytes:
    """What a gzip file holds; text shrinks to a third or a fifth, and a file that grows a thousandfold is none."""
    most = max(MOST_TIMES * packed, LEAST_BOUND)
    with gzip.open(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise CorpusError(
            f"{path}: unpacks to more than {MOST_TIMES} times its size, as no annotated text does; unpack it yourself if it is one"
        )
    return data


def expand(paths: PathLike | Iterable[PathLike]) -> tuple[list[Path], list[Path]]:
    """Resolve files, folders and glob patterns to files.

    Parameters
    ----------
    paths : path or iterable of paths
        A folder stands for all files below it, but hidden ones and those that hardly hold annotated text (licence,
        readme, Markdown, JSON and the like).

    Returns
    -------
    files : list of pathlib.Path
        In the order given; those of a folder or pattern in sorted order. No file twice.
    left_out : list of pathlib.Path
        Files of folders that are not taken.

    Raises
    ------
    CorpusError
        If a path does not exist, a pattern fits nothing, or a folder holds no file.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not given:
        raise CorpusError("no path is given; name a file, a folder or a pattern, or 'sample' for the built-in corpus")
    files: list[Path] = []
    left_out: list[Path] = []
    for path in map(Path, given):
        if is_there(path) and path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            found = [p for p in inside if not _NOT_TEXT.search(p.name)]
            left_out += [p for p in inside if _NOT_TEXT.search(p.name)]
            nothing = "the folder holds no file of annotated text"
        elif is_there(path) and path.is_file():
            found, nothing = [path], ""
        else:
            found = sorted(Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file())  # noqa: PTH207 - absolute patterns too
            is_pattern = glob.has_magic(str(path))
            nothing = "no file fits this pattern" if is_pattern else "there is no such file or folder"
        if not found:
            raise CorpusError(f"{path}: {nothing}; check the path (from {Path.cwd()})")
        files += found
    return list(dict.fromkeys(files)), left_out
