"""A run's folder belongs to one study, and nothing else in it is ever overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.errors import StudyError
from neurosieve.files import write_sealed_json
from neurosieve.runs.opened import open_run
from neurosieve.study.folder import RunFolder
from neurosieve.study.result import read_result

PROBES = {"seeds": 3, "ranking": ["weight-mass"]}
SETTINGS = {
    "models": [{"path": "a"}],
    "corpora": [{"files": ["t"], "properties": ["pos"]}],
    "stores": [],
    "probes": PROBES,
}
OTHER_PROBES = {**SETTINGS, "probes": {**PROBES, "seeds": 1}}
OTHER_PROPERTY = {**SETTINGS, "corpora": [{"files": ["t"], "properties": ["chunk"]}]}
OTHER_MODEL = {**SETTINGS, "models": [{"path": "b"}]}
OTHER_SITE = {**SETTINGS, "models": [{"path": "c", "name": "a"}]}


def with_store(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.claim(SETTINGS)
    folder.store_path("a", "t").mkdir(parents=True)
    return folder


def with_cell(path: Path) -> RunFolder:
    folder = with_store(path)
    cell = folder.cell_path("a", "t", "pos")
    cell.mkdir(parents=True)
    for stage in ("search", "ablation"):
        (cell / f"{stage}.json").write_text("{}", encoding="utf-8")
    return folder


def test_the_same_settings_claim_again(tmp_path: Path) -> None:
    folder = with_cell(tmp_path / "run")
    before = folder.manifest_path.stat().st_mtime_ns
    assert folder.claim(SETTINGS) == SETTINGS
    assert folder.manifest_path.stat().st_mtime_ns == before


def test_what_is_there_stays_part_of_the_study(tmp_path: Path) -> None:
    folder = with_cell(tmp_path / "run")
    assert folder.claim(OTHER_MODEL)["models"] == [{"path": "a"}, {"path": "b"}]
    both = [{"files": ["t"], "properties": ["pos", "chunk"]}]
    assert folder.claim(OTHER_PROPERTY)["corpora"] == both
    assert folder.claim(OTHER_PROBES)["probes"] == OTHER_PROBES["probes"]
    ranked = {**SETTINGS, "probes": {**PROBES, "ranking": ["probeless"]}}
    assert folder.claim(ranked)["probes"]["ranking"] == ["weight-mass", "probeless"]


def test_what_nothing_depends_on_yet_may_change(tmp_path: Path) -> None:
    empty = RunFolder(tmp_path / "empty")
    empty.claim(SETTINGS)
    assert empty.claim(OTHER_MODEL) == OTHER_MODEL
    stored = with_store(tmp_path / "stored")
    assert stored.claim(OTHER_PROBES) == OTHER_PROBES
    assert stored.claim(OTHER_PROPERTY) == OTHER_PROPERTY


def test_activations_of_one_name_made_otherwise_are_refused(
    tmp_path: Path, digest: Callable[[Path], dict[str, str]]
) -> None:
    folder = with_cell(tmp_path / "run")
    before = digest(folder.path)
    with pytest.raises(StudyError, match=r"holds activations of 'a' made otherwise \(path is 'a' there and 'c' here"):
        folder.claim(OTHER_SITE)
    assert digest(folder.path) == before


def test_wall_times_are_added_to_and_all_else_is_replaced(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    first, second = ({"model": name, "corpus": "c", "property": "pos"} for name in "ab")
    folder.note(seconds={"a": 1}, cells=[first])
    folder.note(seconds={"b": 2}, cells=[second])
    assert folder.manifest()["seconds"] == {"a": 1, "b": 2}
    assert folder.manifest()["cells"] == [second]


def test_foreign_files_are_refused(tmp_path: Path, digest: Callable[[Path], dict[str, str]]) -> None:
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    before = digest(tmp_path)
    with pytest.raises(StudyError, match="is not empty and holds no run; choose another output folder"):
        RunFolder(tmp_path).claim(SETTINGS)
    with pytest.raises(StudyError, match="is not empty and holds no run"):
        RunFolder(tmp_path / "thesis.txt").claim(SETTINGS)
    assert digest(tmp_path) == before


@pytest.mark.parametrize(("content", "said"), [("{", "damaged"), ('{"format": "other"}', "not the manifest of a run")])
def test_a_foreign_manifest_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=said):
        RunFolder(tmp_path).claim(SETTINGS)
    assert (tmp_path / "manifest.json").read_text(encoding="utf-8") == content


def test_a_run_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").claim(SETTINGS)
    manifest = tmp_path / "run" / "manifest.json"
    write_sealed_json(manifest, {**json.loads(manifest.read_text(encoding="utf-8")), "format_version": 3})
    with pytest.raises(StudyError, match="format version 3, this neurosieve reads versions 1 to 2"):
        RunFolder(tmp_path / "run").manifest()


def test_many_processes_note_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.note(seconds={})
    code = (
        "import sys; from neurosieve.study.folder import RunFolder\n"
        "for i in range(20): RunFolder(sys.argv[1]).note(seconds={f'{sys.argv[2]}-{i}': i})"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(folder.path), str(n)]) for n in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len(folder.manifest()["seconds"]) == 60


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"settings": [1]}, r"settings is \[1\], where a mapping is expected"),
        ({"settings": {"probes": 3}}, "settings.probes is 3, where a mapping is expected"),
        (
            {"settings": {"probes": {"solver": ["exact"]}}},
            r"settings.probes.solver is \['exact'\], where a text is expected",
        ),
        ({"files": ["a"]}, r"files is \['a'\], where a mapping is expected"),
        ({"seconds": {"a": "long"}}, "seconds.a is 'long', where a number is expected"),
        ({"cells": [{}]}, r"cells\[0\].model is missing"),
    ],
)
def test_an_edited_manifest_is_refused_with_the_entry(tmp_path: Path, change: dict, said: str) -> None:
    content = {"format": "neurosieve run", "format_version": 2, "settings": {}, **change}
    write_sealed_json(tmp_path / "manifest.json", content)
    with pytest.raises(StudyError, match=rf"manifest\.json: {said}; restore it from a copy"):
        RunFolder(tmp_path).manifest()


def test_a_manifest_without_settings_is_refused(tmp_path: Path) -> None:
    write_sealed_json(tmp_path / "manifest.json", {"format": "neurosieve run", "format_version": 2})
    with pytest.raises(StudyError, match="tells no settings; restore it"):
        open_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"units": None}, "units is None, where a list"),
        ({"tables": {"t": [1]}}, r"tables\.t is \[1\], where a mapping"),
        ({"tables": {"t": {"a": [1], "b": [1, 2]}}}, "not what a stage leaves"),
        ({"tables": {"t": {"a": [10**30]}}}, "not what a stage leaves"),
        ({"format_version": "\n2"}, "version '.n2' of a stage's result"),
    ],
)
def test_an_edited_stage_is_refused_in_a_line(tmp_path: Path, change: dict, said: str) -> None:
    content = {"format_version": 1, "made_with": {}, "units": [[0, None]], "seconds": 1.0, "tables": {}, **change}
    write_sealed_json(tmp_path / "data.json", content)
    with pytest.raises(StudyError, match=said) as caught:
        read_result(tmp_path / "data.json")
    assert "\n" not in str(caught.value)
