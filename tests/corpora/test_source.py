from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from neurosieve.corpora.source import blocks, expand, read_text
from neurosieve.errors import CorpusError


def test_byte_order_mark_and_carriage_returns_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert list(read_text(path).lines) == ["one", "two", ""]


def test_only_line_feeds_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\u2028still\x85one\ntwo\n", encoding="utf-8")
    assert read_text(path).lines[0] == "one\u2028still\x85one"


def test_gzip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.txt.gz"
    path.write_bytes(gzip.compress(b"one\n"))
    assert read_text(path).lines[0] == "one"


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("caf\n\ncafé\n".encode("latin1"))
    with pytest.raises(CorpusError, match=r"latin\.txt:3: byte 0xe9 is not UTF-8; convert"):
        read_text(path)


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xef\xbb\xbf"])
def test_empty_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match="the file is empty"):
        read_text(path)


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\n" * 100)[:-12])
    with pytest.raises(CorpusError, match="cannot be read"):
        read_text(path)


def test_a_folder_stands_for_its_files_in_sorted_order_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "deep/c.txt", "LICENSE.txt", ".hidden", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    files, left_out = expand(tmp_path)
    assert [str(f.relative_to(tmp_path)) for f in files] == ["a.txt", "b.txt", "deep/c.txt"]
    assert [f.name for f in left_out] == [".hidden", "LICENSE.txt", "notes.md"]


def test_files_and_patterns_name_each_file_once(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "README"):
        (tmp_path / name).write_text("x")
    files, _ = expand([tmp_path / "b.txt", str(tmp_path / "*.txt")])
    assert [f.name for f in files] == ["b.txt", "a.txt"]
    assert expand(tmp_path / "README")[0] == [tmp_path / "README"]  # named by itself, any file is taken


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.txt", "no such file or folder"), ("*.none", "no file fits this pattern"), ("hollow", "holds no file")],
)
def test_paths_that_lead_nowhere_are_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "hollow").mkdir()
    with pytest.raises(CorpusError, match=message):
        expand(tmp_path / name)


def test_no_path_is_refused() -> None:
    with pytest.raises(CorpusError, match="no path is given"):
        expand([])


def test_the_head_passes_over_blank_lines(lines) -> None:
    assert lines("\n" * 1000 + "a\n\nb\nc").head(2) == ["a", "b"]


def test_blocks_number_lines_from_one_and_skip_comments(lines) -> None:
    file = lines("# c\na\n# c\nb\n \n\n·\nc")
    assert list(blocks(file, lambda line: line.startswith("#"))) == [[(2, "a"), (4, "b")], [(8, "c")]]
    assert list(blocks(lines("# c\na"))) == [[(1, "# c"), (2, "a")]]
