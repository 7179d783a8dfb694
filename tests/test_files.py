"""Files are whole or not there, tell when they were changed, and hold no formulas; texts cannot command a terminal."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.cli.output import visible
from neurosieve.csv_files import defused, read_csv, restored, write_csv
from neurosieve.files import DamagedFileError, read_sealed_json, sweep, whole_file, why_unreadable, write_sealed_json
from neurosieve.report.layouts import _md
from neurosieve.report.page import with_policy
from neurosieve.runs.page import without_path


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_links_are_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "a.json").symlink_to(other)
    (tmp_path / "a.tmp").symlink_to(other)
    write_sealed_json(tmp_path / "a.json", {"a": 1})
    assert other.read_text() == "mine"
    assert read_sealed_json(tmp_path / "a.json") == {"a": 1}


def test_what_killed_processes_left_is_swept_up(tmp_path: Path) -> None:
    for name in ("a.tmp", "b.csv~tmp", ".tmpA1b2C3", "kept.csv", ".hidden"):
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"kept.csv", ".hidden"}


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()))))
def test_sealed_files_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, content: dict) -> None:
    path = tmp_path_factory.mktemp("sealed") / "a.json"
    content = {k: v for k, v in content.items() if k != "sha256" and k.isprintable()}
    content = json.loads(json.dumps(content))
    write_sealed_json(path, content)
    assert read_sealed_json(path) == content


def test_any_flipped_bit_of_a_sealed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed_json(path, {"words": ["PUNCT", 'a "b"'], "score": 0.75, "more": {"x": None}})
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            content = bytearray(whole)
            content[place] ^= 1 << bit
            path.write_bytes(bytes(content))
            with pytest.raises(DamagedFileError):
                read_sealed_json(path)
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(DamagedFileError):
            read_sealed_json(path)


def test_a_file_without_a_seal_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"digest": "0" * 64}, indent=1) + "\n")
    assert read_sealed_json(path) == {"digest": "0" * 64}


def test_a_file_that_may_not_be_read_is_not_damaged() -> None:
    said = why_unreadable(PermissionError(13, "no"), "delete it")
    assert "ask its owner" in said
    assert "delete" not in said
    assert "delete it" in why_unreadable(OSError("bad"), "delete it")


TEXTS = [
    "=1+1",
    "+x",
    "-LRB-",
    "@a",
    "\tx",
    "'=x",
    "''@",
    "'s",
    "''",
    "a=b",
    "-0.25",
    "+3",
    "1e-5",
    "",
    "=cmd|' /C calc'!A0",
]


def test_no_text_of_a_table_is_a_formula_and_nothing_is_lost(tmp_path: Path) -> None:
    frame = pd.DataFrame({"label": TEXTS, "=head": range(len(TEXTS)), "score": [-0.5] * len(TEXTS)})
    path = write_csv(tmp_path / "a.csv", frame)
    safe = pd.read_csv(path, keep_default_na=False, dtype=str)
    for text, cell in zip(TEXTS, safe["label"], strict=True):
        assert cell[:1] not in set("=@\t\r")
        assert cell[:1] not in set("+-") or abs(float(cell)) > 0  # a number
        assert restored(cell) == text
    assert list(safe.columns) == ["label", "'=head", "score"]
    assert set(safe["score"]) == {"-0.5"}  # numbers are numbers
    back = read_csv(path, keep_default_na=False, dtype={"label": str})
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)


@given(st.text())
def test_every_cell_comes_back(text: str) -> None:
    (cell,) = defused(pd.DataFrame({"a": [text]}))["a"].tolist()
    assert restored(cell) == text or (cell == text and restored(text) == text)


def test_texts_cannot_command_a_terminal() -> None:
    generator = random.Random(0)
    evil = "\x1b[31mred\x07\x9b2J\r\x08\u202eabc\x7f" + "".join(chr(generator.randrange(0xA0)) for _ in range(500))
    shown = visible(evil)
    assert all(c == "\n" or (c.isprintable() and c not in "\u202e") for c in shown)
    assert visible("名詞 café") == "名詞 café"


def test_markdown_means_nothing_but_its_text() -> None:
    assert _md("<img src=x onerror=alert(1)>") == "&lt;img src=x onerror=alert(1)&gt;"
    assert _md("a|b\n**c** [x](y) `z`") == r"a\|b \*\*c\*\* \[x\](y) \`z\`"
    assert _md("a_b _c_ Neu_t") == r"a_b \_c\_ Neu_t"


def test_the_page_allows_its_own_script_alone() -> None:
    page = with_policy("<meta content=\"script-src 'sha256-OF-THE-SCRIPT'\"><script>\nlet a = 1;\n</script>")
    assert "OF-THE-SCRIPT" not in page
    assert "script-src 'sha256-" in page
    assert "unsafe" not in page.replace("style-src 'unsafe-inline'", "")


def test_word_lists_are_told_by_their_own_name() -> None:
    assert without_path("list:/home/me/secret/colours.txt") == "list:colours.txt"
    assert without_path("c=list:../x/colours.txt is") == "c=list:colours.txt is"
    assert without_path("casing") == "casing"
