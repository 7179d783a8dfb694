"""A changed byte in any file of a run is refused or mended, and told by `info --verify`; no result is ever another one."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import neurosieve as ns
from neurosieve.errors import NeurosieveError
from neurosieve.runs.study import finished_cells
from neurosieve.runs.verify import verify
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings


def settings_of(run: Path) -> StudySettings:
    return StudySettings.model_validate(RunFolder(run).manifest()["settings"])


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished_run, tmp_path / "run")


def flipped(path: Path, place: int, bit: int = 1) -> bytes:
    before = path.read_bytes()
    content = bytearray(before)
    content[place] ^= bit
    path.write_bytes(bytes(content))
    return before


def kinds(run: Path) -> dict[str, Path]:
    """One file of each kind."""
    found = {
        "manifest": run / "manifest.json",
        "results": run / "results.csv",
        "layers": run / "layers.csv",
        "page": run / "report.html",
        "table": next(run.glob("tables/*.csv")),
        "latex": next(run.glob("tables/*.tex")),
        "figure": next(run.glob("figures/*.svg")),
        "stage": next(run.glob("cells/*/minimal.json")),
        "probe": next(run.glob("cells/*/oracle-1.safetensors")),
        "words": next(run.glob("activations/*/words.parquet")),
        "shard": next(run.glob("activations/*/shards/*.safetensors")),
        "store": next(run.glob("activations/*/manifest.json")),
        "plan": next(run.glob("activations/*/plan.json")),
    }
    assert all(path.is_file() for path in found.values())
    return found


def test_a_whole_run_is_verified(run: Path) -> None:
    problems, counted = verify(run)
    assert not len(problems)
    assert counted["unknown"] == 0
    told = {path for path in run.rglob("*") if path.is_file()}
    assert counted["files"] == len(told)  # nothing is left unlooked at
    assert counted["bytes"] == sum(path.stat().st_size for path in told)


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_every_kind_of_file_is_told(run: Path, how: str) -> None:
    generator = random.Random(0)
    for kind, path in kinds(run).items():
        if kind in ("manifest", "plan") and how == "gone":  # then it is no run; a finished store needs no plan
            continue
        before = path.read_bytes()
        for place in {0, len(before) // 2, len(before) - 1, *(generator.randrange(len(before)) for _ in range(10))}:
            if how == "flipped":
                flipped(path, place, 1 << generator.randrange(8))
            elif how == "cut":
                path.write_bytes(before[:place])
            else:
                path.unlink()
            problems, _ = verify(run)
            path.write_bytes(before)
            assert str(path.relative_to(run)) in set(problems["file"]) or (kind == "manifest" and how == "gone"), (
                kind,
                place,
            )
            if how == "gone":
                break


def scores(run: Path) -> pd.DataFrame:
    return ns.open_run(run).results


@pytest.mark.parametrize("kind", ["results", "layers", "page", "table", "latex", "figure"])
@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_what_is_written_from_the_stages_is_written_again(run: Path, kind: str, how: str) -> None:
    path = kinds(run)[kind]
    before = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(before[: len(before) // 2] if how == "cut" else before[:-2] + b"x\n")
    settings = settings_of(run)
    assert finished_cells(settings, run) is None
    ns.run_study(settings, run)
    assert path.read_bytes() == before
    assert finished_cells(settings, run) is not None


@pytest.mark.parametrize("how", ["flipped", "gone"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_probe_is_computed_again(run: Path, how: str, seed: int, digest: Any) -> None:
    whole = {name: d for name, d in digest(run).items() if name.endswith((".safetensors", ".csv"))}
    path = next(run.glob(f"cells/*/oracle-{seed}.safetensors"))
    flipped(path, -1) if how == "flipped" else path.unlink()
    cell = ns.open_run(run).cells["pos"]
    if how == "flipped":
        with pytest.raises(NeurosieveError, match=f"oracle-{seed}.safetensors: is not what the stage"):
            cell.probe(seed)
    settings = settings_of(run)
    assert finished_cells(settings, run) is None
    ns.run_study(settings, run)
    assert {name: d for name, d in digest(run).items() if name in whole and "runtime" not in name} == {
        name: d for name, d in whole.items() if "runtime" not in name
    }


def test_a_flipped_bit_of_a_stage_is_refused_anywhere(run: Path) -> None:
    path = kinds(run)["stage"]
    generator = random.Random(1)
    settings = settings_of(run)
    for _ in range(60):
        before = flipped(path, generator.randrange(path.stat().st_size), 1 << generator.randrange(8))
        with pytest.raises(NeurosieveError, match=r"minimal\.json: damaged .*delete it to compute this stage again"):
            ns.open_run(run).cells["pos"].result("minimal")
        with pytest.raises(NeurosieveError, match="damaged"):
            finished_cells(settings, run) or ns.run_study(settings, run)
        path.write_bytes(before)


def read_all(run: Path) -> None:
    store = ns.open_store(next(run.glob("activations/*")))
    assert len(store.words) == len(store.read(0, store.n_words))


def test_a_flipped_bit_of_a_store_is_refused_when_it_is_read(run: Path) -> None:
    generator = random.Random(2)
    for kind in ("words", "shard", "store"):
        path = kinds(run)[kind]
        for _ in range(25):
            before = flipped(path, generator.randrange(path.stat().st_size), 1 << generator.randrange(8))
            with pytest.raises(NeurosieveError, match=f"{path.name}: .*") as error:
                read_all(run)
            assert "\n" not in str(error.value)
            path.write_bytes(before)


def test_a_cut_table_is_not_compared(run: Path, finished_run: Path) -> None:
    path = run / "results.csv"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(NeurosieveError, match=r"results\.csv: is not what the run wrote .*neurosieve report"):
        ns.compare(finished_run, run)
    ns.open_run(run).report()
    assert len(ns.compare(finished_run, run).cells) == 2


def test_a_file_that_may_not_be_read_is_not_called_damaged(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("neurosieve.activations.store.file_digest", refuse)
    store = ns.open_store(next(run.glob("activations/*")))
    with pytest.raises(NeurosieveError, match=r"words\.parquet: you may not read it; ask its owner") as error:
        store.words  # noqa: B018
    assert "delete" not in str(error.value)


def test_results_are_not_written_through_links(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("mine")
    (run / "results.csv").unlink()
    (run / "results.csv").symlink_to(other)
    ns.open_run(run).report()
    assert other.read_text() == "mine"
    assert not (run / "results.csv").is_symlink()
    shutil.move(run / "tables", tmp_path / "elsewhere")
    (run / "tables").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NeurosieveError, match="tables: is a link"):
        ns.open_run(run).report()


def test_info_and_repair(run: Path, shell: Any, command_line: list[str]) -> None:
    assert shell("info", run, "--verify").code == 0
    shard = kinds(run)["shard"]
    before = flipped(shard, -1)
    done = shell("info", run, "--verify", "--table")
    assert done.code == 1
    assert shard.name in done.out
    assert "--repair" in done.out
    options = command_line[1 : command_line.index("--property")]
    done = shell("extract", *options, "--out", run, "--repair")
    assert done.code == 0, done.err
    assert f"{shard.name}: damaged, so it is made again" in done.err
    assert shard.read_bytes() == before
    assert shell("info", run, "--verify").code == 0
