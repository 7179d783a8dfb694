"""Packed text: read where it is text, refused in a line where it is damaged or a bomb."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from pathlib import Path

import pytest

from neurosieve.corpora.source import read_text
from neurosieve.errors import CorpusError


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(400):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(CorpusError, match=r"bomb\.gz: unpacks to more than 200 times its size"):
        read_text(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 << 20


def test_a_damaged_file_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    whole = gzip.compress("".join(f"w{i}\tN\n\n" for i in range(2000)).encode())
    generator = random.Random(0)
    for _ in range(300):
        content = bytearray(whole)
        content[generator.randrange(10, len(whole))] ^= 1 << generator.randrange(8)
        path.write_bytes(bytes(content))
        said = refusal(path)
        if said is None:  # a few bits at the end of the packed data mean nothing
            assert "".join(f"{line}\n" for line in read_text(path).lines[:-1]) == gzip.decompress(whole).decode()
        else:
            assert said.startswith(f"{path}: ")
            assert "\n" not in said


def refusal(path: Path) -> str | None:
    try:
        read_text(path)
    except CorpusError as error:
        return str(error)
    return None
