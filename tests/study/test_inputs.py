"""A run is refused where its text or weights changed, however they were named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.errors import StudyError
from neurosieve.runs.page import short_names
from neurosieve.runs.study import finished_cells, run_study
from neurosieve.study.settings import StudySettings

Make = Callable[..., StudySettings]
WAYS = ("file", "folder", "pattern", "splits")


def named(way: str, text: Path) -> dict[str, object]:
    if way == "splits":
        return {"splits": {split: str(text / f"{split}.tsv") for split in ("train", "dev", "test")}, "name": "tagged"}
    files = {
        "file": [str(text / f"{split}.tsv") for split in ("train", "dev", "test")],
        "folder": [str(text)],
        "pattern": [str(text / "*.tsv")],
    }
    return {"files": files[way], "name": "tagged"}


@pytest.fixture
def study(tmp_path: Path, tiny_bert: Path, tagged_text: Path) -> Callable[..., StudySettings]:
    text, model = tmp_path / "text", tmp_path / "model"
    shutil.copytree(tagged_text, text)
    shutil.copytree(tiny_bert, model)

    def make(way: str, **more: object) -> StudySettings:
        return StudySettings.checked(
            {
                "models": [{"path": str(model), "name": "tiny"}],
                "corpora": [{**named(way, text), "properties": ["pos"], **more}],
                "probes": {"solver": "adam", "grid": "quick", "seeds": 1, "step": 0.5, "epochs": 1, "control": False},
            },
            where="test",
        )

    return make


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\nthe\tDT\tno\ncat\tNN\tyes\n")


@pytest.mark.parametrize("way", WAYS)
def test_text_that_changed_is_refused(way: str, study: Make, tmp_path: Path, pages: list[Path]) -> None:
    settings = study(way)
    run_study(settings, tmp_path / "run")
    assert finished_cells(settings, tmp_path / "run")
    append(tmp_path / "text" / "dev.tsv")
    with pytest.raises(StudyError, match=r"dev\.tsv: has changed since"):
        run_study(settings, tmp_path / "run")
    with pytest.raises(StudyError, match=r"dev\.tsv: has changed since"):
        finished_cells(settings, tmp_path / "run")


@pytest.mark.parametrize("way", ["folder", "pattern"])
def test_a_file_that_came_or_went_is_refused(way: str, study: Make, tmp_path: Path, pages: list[Path]) -> None:
    settings = study(way)
    run_study(settings, tmp_path / "run")
    shutil.copy(tmp_path / "text" / "train.tsv", tmp_path / "text" / "train-more.tsv")
    with pytest.raises(StudyError, match=r"train-more\.tsv: is new since"):
        run_study(settings, tmp_path / "run")
    (tmp_path / "text" / "train-more.tsv").unlink()
    run_study(settings, tmp_path / "run")
    (tmp_path / "text" / "test.tsv").unlink()
    with pytest.raises(StudyError, match=r"test\.tsv: is gone since"):
        run_study(settings, tmp_path / "run")


def test_weights_that_changed_under_the_same_path_are_refused(study: Make, tmp_path: Path, pages: list[Path]) -> None:
    settings = study("folder")
    run_study(settings, tmp_path / "run")
    weights = tmp_path / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)
    with pytest.raises(StudyError, match=r"model\.safetensors: has changed since"):
        run_study(settings, tmp_path / "run")


def test_a_word_list_that_changed_is_refused(study: Make, tmp_path: Path, pages: list[Path]) -> None:
    words = tmp_path / "words.txt"
    words.write_text("cat\ndog\nriver\n", encoding="utf-8")
    settings = study("folder", properties=[f"list:{words}"])
    run_study(settings, tmp_path / "run")
    words.write_text("cat\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"words\.txt: has changed since"):
        run_study(settings, tmp_path / "run")


def test_digests_outlive_a_change_of_other_settings(study: Make, tmp_path: Path, pages: list[Path]) -> None:
    """Activations stay when only the probes' settings change; so must what is known of the text they came from."""
    settings = study("folder")
    run = tmp_path / "run"
    run_study(settings, run)
    shutil.rmtree(run / "cells")
    append(tmp_path / "text" / "dev.tsv")
    other = settings.model_copy(update={"probes": settings.probes.model_copy(update={"seeds": 2})})
    with pytest.raises(StudyError, match=r"dev\.tsv: has changed since"):
        run_study(other, run)


def test_the_page_shows_no_local_path(study: Make, tmp_path: Path) -> None:
    settings = study("splits")
    run_study(settings, tmp_path / "run")
    assert str(tmp_path) not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert str(tmp_path / "text" / "train.tsv") in json.loads((tmp_path / "run" / "manifest.json").read_text())["files"]


def test_files_of_one_name_keep_their_folders() -> None:
    assert short_names(["/a/b/train.txt", "/a/c/train.txt", "/a/c/dev.txt"]) == [
        "b/train.txt",
        "c/train.txt",
        "dev.txt",
    ]
    assert short_names([]) == []
