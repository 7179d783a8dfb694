"""A run's folder belongs to one study, and nothing else in it is ever overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.errors import StudyError
from neurosieve.study.folder import RunFolder

SETTINGS = {"models": [{"path": "a"}], "corpora": [{"files": ["t"], "properties": ["pos"]}], "probes": {"seeds": 3}}
OTHER_PROBES = {**SETTINGS, "probes": {"seeds": 1}}
OTHER_PROPERTY = {**SETTINGS, "corpora": [{"files": ["t"], "properties": ["chunk"]}]}
OTHER_MODEL = {**SETTINGS, "models": [{"path": "b"}]}


def with_store(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.claim(SETTINGS)
    folder.store_path("a", "t").mkdir(parents=True)
    return folder


def with_cell(path: Path) -> RunFolder:
    folder = with_store(path)
    folder.cell_path("a", "t", "pos").mkdir(parents=True)
    return folder


def test_the_same_settings_claim_again(tmp_path: Path) -> None:
    folder = with_cell(tmp_path / "run")
    assert folder.claim(SETTINGS)["settings"] == SETTINGS


@pytest.mark.parametrize("settings", [OTHER_PROBES, OTHER_PROPERTY, OTHER_MODEL])
def test_other_settings_are_refused(
    tmp_path: Path, settings: dict[str, object], digest: Callable[[Path], dict[str, str]]
) -> None:
    folder = with_cell(tmp_path / "run")
    before = digest(folder.path)
    with pytest.raises(StudyError, match=r"holds another run \(.* there and .* here\); choose another output folder"):
        folder.claim(settings)
    assert digest(folder.path) == before


def test_the_first_difference_is_said(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"probes\.seeds is 3 there and 1 here"):
        with_cell(tmp_path / "run").claim(OTHER_PROBES)
    with pytest.raises(StudyError, match=r"models\[0\]\.path is 'a' there and 'b' here"):
        with_cell(tmp_path / "other").claim(OTHER_MODEL)


def test_what_nothing_depends_on_yet_may_change(tmp_path: Path) -> None:
    empty = RunFolder(tmp_path / "empty")
    empty.claim(SETTINGS)
    assert empty.claim(OTHER_MODEL)["settings"] == OTHER_MODEL
    stored = with_store(tmp_path / "stored")
    assert stored.claim(OTHER_PROBES)["settings"] == OTHER_PROBES
    assert stored.claim(OTHER_PROPERTY)["settings"] == OTHER_PROPERTY
    with pytest.raises(StudyError, match="holds another run"):
        stored.claim(OTHER_MODEL)


def test_foreign_files_are_refused(tmp_path: Path, digest: Callable[[Path], dict[str, str]]) -> None:
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    before = digest(tmp_path)
    with pytest.raises(StudyError, match="is not empty and holds no run; choose another output folder"):
        RunFolder(tmp_path).claim(SETTINGS)
    with pytest.raises(StudyError, match="is not empty and holds no run"):
        RunFolder(tmp_path / "thesis.txt").claim(SETTINGS)
    assert digest(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "said"), [("{", "not readable"), ('{"format": "other"}', "not the manifest of a run")]
)
def test_a_foreign_manifest_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=said):
        RunFolder(tmp_path).claim(SETTINGS)
    assert (tmp_path / "manifest.json").read_text(encoding="utf-8") == content


def test_a_run_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").claim({"a": 1})
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace('"format_version": 2', '"format_version": 3'), "utf-8"
    )
    with pytest.raises(StudyError, match="format version 3, this neurosieve reads versions 1 to 2"):
        RunFolder(tmp_path / "run").manifest()
