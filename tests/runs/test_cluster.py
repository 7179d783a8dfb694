"""Ray's workers: what is asked of the machines, what is refused, what is shown; and, where Ray is, a run with a killed worker."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import neurosieve
from neurosieve.errors import StudyError
from neurosieve.files import WRITER, sweep, whole_file
from neurosieve.runs.board import Bars, Board
from neurosieve.runs.study import run_study
from neurosieve.runs.worker import Job, on_worker
from neurosieve.study.cluster_settings import ClusterSettings, memory_of_a_task
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings
from neurosieve.study.tasks import Share, Task

STUDY: dict[str, Any] = {"models": [{"path": "none"}], "corpora": [{"files": ["sample"], "properties": ["pos"]}]}
BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_cluster.py"


def machine(**resources: float) -> dict[str, float]:
    return {"CPU": 16.0, "memory": 64e9, **resources}


def test_a_task_has_the_share_of_the_smallest_machine_that_its_processors_are() -> None:
    machines = [machine(), machine(CPU=8.0, memory=16e9)]
    assert memory_of_a_task(machines, ClusterSettings(processors=2), None) == 4e9
    assert memory_of_a_task(machines, ClusterSettings(processors=12), None) == 48e9  # the other cannot do it
    assert memory_of_a_task(machines, ClusterSettings(memory="3GB"), "2GB") == 3e9


@pytest.mark.parametrize(
    ("settings", "limit", "said"),
    [
        (
            {"processors": 32},
            None,
            "takes 32 processors, 0 GPUs and any memory, and no machine has that; there is 16 proc",
        ),
        ({"gpus": 1}, None, "1 GPUs"),
        ({"memory": "100GB"}, None, "100GB memory"),
        (
            {"memory": "2GB"},
            "2GB",
            "memory_limit is 2GB, and a task has 2.0 GB, its program of about 1 GB included; raise memory",
        ),
    ],
)
def test_what_no_machine_can_do_is_refused(settings: dict[str, Any], limit: str | None, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        memory_of_a_task([machine()], ClusterSettings(**settings), limit)


def test_the_settings_of_tasks_are_no_part_of_the_study() -> None:
    study = StudySettings.checked({**STUDY, "cluster": {"processors": 4, "memory": "8GB"}}, where="study.toml")
    assert study.cluster == ClusterSettings(processors=4, memory="8GB")
    assert study.model_dump() == StudySettings.checked(STUDY).model_dump()
    with pytest.raises(
        StudyError, match=r"study.toml: cluster.cores: unknown entry; there are processors, gpus, memory"
    ):
        StudySettings.checked({**STUDY, "cluster": {"cores": 4}}, where="study.toml")
    with pytest.raises(StudyError, match=r"cluster.memory: memory limit 'much': expected a size such as 4GB"):
        StudySettings.checked({**STUDY, "cluster": {"memory": "much"}}, where="study.toml")


def test_without_ray_the_way_to_get_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosieve.runs.cluster.find_spec", lambda _name: None)
    settings = StudySettings.checked(STUDY)
    with pytest.raises(StudyError, match=r'--address auto: needs Ray; pip install "neurosieve\[cluster\]"'):
        run_study(settings, tmp_path / "run", address="auto")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("address", ["s3://bucket/run", Path("gs://bucket/run")])
def test_a_bucket_is_no_folder(address: str | Path) -> None:
    with pytest.raises(
        StudyError, match=r"is an address \(.*\), and a run lies in a folder; .* a file system that they share"
    ):
        RunFolder(address)


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in (".tmp", "~tmp"):
        monkeypatch.setenv(WRITER, "a-1")
        with whole_file(tmp_path / "x.json", suffix=suffix) as first:
            first.write_text("same")
            monkeypatch.setenv(WRITER, "b-2")
            with whole_file(tmp_path / "x.json", suffix=suffix) as second:
                second.write_text("same")
                assert first.read_text() == "same"
        assert [path.name for path in tmp_path.iterdir()] == ["x.json"]
        first.write_text("left by a kill")
        sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_each_task_under_way_has_a_bar_and_a_lost_worker_is_told(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[tuple[str, float, float]] = []
    bars, board = Bars(lambda title: lambda done, total: seen.append((title, done, total))), Board()
    bars.names |= {1: "search", 2: "control"}
    for number in (1, 2):
        board.begin(number)
    board.move(1, "fits", done=3, total=4)
    bars.show(board.read())
    board.end(1)
    board.begin(2)
    with caplog.at_level(logging.WARNING):
        bars.show(board.read())
        bars.show(board.read())
    assert seen == [("search", 3, 4), ("search", 1, 1)]
    assert [record.getMessage() for record in caplog.records] == ["control: its worker was lost, and it is begun again"]


class Anything:
    """In place of an actor's handle: takes every call."""

    def __getattr__(self, _name: str) -> Any:
        return self

    def __call__(self, *_given: object) -> None:
        return None


def test_a_worker_of_another_version_says_so(tmp_path: Path) -> None:
    job = Job(str(tmp_path), StudySettings.checked(STUDY).model_dump_json(), Share(1), str(Path.cwd()), version="0.0.1")
    answer = on_worker(Task("m", "c", "begin"), job, board=Anything(), number=1)
    assert "and the study was started by 0.0.1; install the same on all machines" in str(answer.outcome.error)


def test_what_is_no_address_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(
        StudyError, match="--address nowhere: expected local, auto or the HOST:PORT of a cluster's head"
    ):
        run_study(StudySettings.checked(STUDY), tmp_path / "run", address="nowhere")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (the extra 'cluster')")
def test_no_cluster_at_an_address_is_told(tiny_bert: Path, tmp_path: Path) -> None:
    code = "from neurosieve.cli.main import main; main()"
    model = ["--model", str(tiny_bert), "--corpus", "sample", "--property", "pos", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", code, "run", *model, "--address", "127.0.0.1:1"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1
    assert "--address 127.0.0.1:1: no cluster answers there" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(neurosieve.__file__).parents[1])}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (the extra 'cluster')")
def test_a_run_whose_workers_are_killed_has_the_same_bytes(shared_data: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--of", "kills", "heads", "--quick"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| runs that differ after killed workers | 0 | runs |" in done.stdout, done.stdout + done.stderr
    assert "| files that differ after killed heads | 0 | files |" in done.stdout, done.stdout + done.stderr
