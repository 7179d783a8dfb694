"""Names that a folder cannot hold as they are: told apart, or refused; what is there keeps its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import StudyError
from neurosieve.report.numbers import file_name
from neurosieve.study.folder import RunFolder, property_in
from neurosieve.study.result import FORMAT, FORMAT_VERSION
from neurosieve.study.settings import LONGEST, slug


def settings(*pairs: tuple[str, str], properties: tuple[str, ...] = ("pos",)) -> dict[str, Any]:
    return {
        "models": [{"path": model} for model in dict.fromkeys(m for m, _ in pairs)],
        "corpora": [
            {"files": [f"{c}.tsv"], "name": c, "properties": list(properties)}
            for c in dict.fromkeys(c for _, c in pairs)
        ],
        "stores": [],
        "probes": {"ranking": ["weight-mass"]},
    }


def result(folder: Path, prop: str) -> None:
    folder.mkdir(parents=True)
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "stage": "data", "made_with": {"property": prop}}
    (folder / "data.json").write_text(json.dumps({**content, "units": [[None, None]], "seconds": 0, "tables": {}}))


def test_properties_that_look_alike_as_folders_have_their_own(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    props = ["regex:ing", "regex:ing$", "regex-ing", "regex:ing?", "a--b", "a/b", "a-b", "-a-b"]
    assert len({folder.cell_path("m", "c", prop) for prop in props}) == len(props)
    assert folder.cell_path("m", "c", "regex-ing").name == "m--c--regex-ing"


def test_a_property_keeps_the_folder_that_it_has(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    plain = tmp_path / "cells" / "m--c--regex-ing"
    result(plain, "regex:ing$")
    assert property_in(plain) == "regex:ing$"
    assert folder.cell_path("m", "c", "regex:ing$") == plain
    assert folder.cell_path("m", "c", "regex:ing") != plain


def test_models_and_corpora_that_would_share_a_folder_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.claim(settings(("x", "y--z")))
    folder.store_path("x", "y--z").mkdir(parents=True)
    before = folder.manifest()
    with pytest.raises(StudyError, match=r"x--y--z: would hold the activations of 'x' over 'y--z' and those of 'x--y'"):
        folder.claim(settings(("x--y", "z")))
    assert folder.manifest() == before
    new = RunFolder(tmp_path / "new")
    with pytest.raises(StudyError, match="give one of the models or corpora another name"):
        new.claim(settings(("a/b", "c"), ("a-b", "c")))
    assert not new.manifest()


def test_what_is_there_is_found_with_two_dashes_in_its_name(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.claim(settings(("x--y", "z")))
    folder.store_path("x--y", "z").mkdir(parents=True)
    assert folder.holds("models", "x--y")
    assert folder.holds("corpora", "z")
    assert not folder.holds("models", "x")


@pytest.mark.parametrize("letter", ["p", "名"])
def test_long_names_are_cut_and_told_apart(tmp_path: Path, letter: str) -> None:
    names = [letter * 260, letter * 261]
    for function in (slug, file_name):
        cut = [function(name) for name in names]
        assert len(set(cut)) == 2
        assert all(len(name.encode()) <= LONGEST for name in cut)
    path = RunFolder(tmp_path).cell_path(names[0], names[0], names[0])
    assert len(path.name.encode()) < 255
    path.mkdir(parents=True)
