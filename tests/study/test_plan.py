"""A study that is divided into tasks: whoever does them, in whatever order, it is the study that one process makes."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from neurosieve.bars import Reporter
from neurosieve.errors import StudyError
from neurosieve.study.failures import IncompleteStudyError
from neurosieve.study.folder import RunFolder
from neurosieve.study.plan import Plan, work
from neurosieve.study.run import run_cells
from neurosieve.study.settings import StudySettings
from neurosieve.study.tasks import SHARDS, Here, Outcome, Share, Task, perform, tried

Make = Callable[..., StudySettings]
EXACT = {"step": 0.5, "neuron_pages": 0, "grid": "strict", "tol": 0.05}
TWO_RANKINGS = {"ranking": ("weight-mass", "probeless"), "step": 0.5, "neuron_pages": 2}


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosieve.activations.extract.SHARD_BYTES", 1)
    monkeypatch.setattr("neurosieve.study.plan.SHARDS_A_TASK", 1)


def results(folder: Path) -> dict[str, str]:
    """Digest of every file below a run's folder but its manifest, wall times taken out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name, data = str(path.relative_to(folder)), path.read_bytes() if path.is_file() else b""
        if not data or name == "manifest.json":
            continue
        if name.startswith("cells") and path.suffix == ".json":
            content = {k: v for k, v in json.loads(data).items() if k not in ("seconds", "sha256")}
            data = json.dumps(content).encode()
        found[name] = hashlib.sha256(data).hexdigest()
    return found


class InAnyOrder(Here):
    """Does the tasks that wait in random order, each after it was begun and lost once; ends the process after so many."""

    def __init__(self, *given: Any, seed: int = 0, most: int = 10**6) -> None:
        super().__init__(*given)
        self.generator, self.most, self.done = random.Random(seed), most, []

    def finished(self) -> tuple[Task, Outcome]:
        if len(self.done) == self.most:
            raise KeyboardInterrupt
        task = self.waiting.pop(self.generator.randrange(len(self.waiting)))
        tried(task, self.folder, self.settings)
        self.done.append(task)
        return task, tried(task, self.folder, self.settings)


def by(made: list[InAnyOrder], **options: Any) -> Any:
    """What `run_cells` asks for an engine; those that it is given are added to `made`."""

    @contextmanager
    def engine(folder: RunFolder, settings: StudySettings, _report: Reporter) -> Iterator[InAnyOrder]:
        made.append(InAnyOrder(folder, settings, **options))
        yield made[-1]

    return engine


@pytest.mark.parametrize(
    ("solver", "more"), [("adam", TWO_RANKINGS), pytest.param("exact", EXACT, marks=pytest.mark.slow)]
)
def test_tasks_in_any_order_leave_what_one_process_leaves(
    solver: str, more: dict[str, Any], tmp_path: Path, make_settings: Make
) -> None:
    settings = make_settings(solver=solver, **more)
    whole, shared, made = tmp_path / "whole", tmp_path / "shared", list[InAnyOrder]()
    run_cells(settings, whole)
    run_cells(settings, shared, engine=by(made))
    assert results(shared) == results(whole)
    (engine,) = made
    assert len(engine.done) == len(set(engine.done))
    assert sum(task.what == SHARDS for task in engine.done) > 1
    seeds = {(task.what, task.seed) for task in engine.done if task.seed is not None}
    apart = ("control",) if solver == "exact" else ("oracles", "minimal", "control")
    assert seeds == {(stage, seed) for stage in apart for seed in (0, 1)}


def test_a_head_that_was_killed_goes_on_and_nothing_is_done_twice(tmp_path: Path, make_settings: Make) -> None:
    settings, made = make_settings(step=0.5, neuron_pages=0), list[InAnyOrder]()
    run_cells(settings, tmp_path / "whole", engine=by(made))
    expected = made.pop().done
    for most in (3, 7, 5):
        with pytest.raises(KeyboardInterrupt):
            run_cells(settings, tmp_path / "killed", engine=by(made, seed=most, most=most))
    run_cells(settings, tmp_path / "killed", engine=by(made))
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
    of_stages = [task for engine in made for task in engine.done if task.method]
    assert sorted(map(str, of_stages)) == sorted(str(task) for task in expected if task.method)
    shards = [number for engine in made for task in engine.done for number in task.shards]
    assert sorted(shards) == sorted(number for task in expected for number in task.shards)


def test_one_process_takes_up_the_seeds_that_workers_left(tmp_path: Path, make_settings: Make) -> None:
    settings, made = make_settings(step=0.5), list[InAnyOrder]()
    run_cells(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_cells(settings, tmp_path / "run", engine=by(made, most=17))
    parts = list((tmp_path / "run").glob("cells/*/parts/*.json"))
    assert parts
    run_cells(settings, tmp_path / "run")
    assert results(tmp_path / "run") == results(tmp_path / "whole")
    assert not list((tmp_path / "run").glob("cells/*/parts"))


def test_what_fails_is_said_as_in_one_process(tmp_path: Path, make_settings: Make, tiny_bert: Path) -> None:
    settings = make_settings(properties=("tense", "pos"), step=0.5)
    models = [*settings.models, settings.models[0].model_copy(update={"path": str(tmp_path), "name": "none"})]
    settings = settings.model_copy(update={"models": tuple(models)})
    said = []
    for engine in (None, by([])):
        with pytest.raises(IncompleteStudyError) as stopped:
            run_cells(settings, tmp_path / f"run{len(said)}", engine=engine)
        assert len(stopped.value.failures) == 2
        said.append(str(stopped.value).replace(f"run{len(said)}", "run"))
        assert [f.prop for f in stopped.value.found] == ["pos"]
    assert said[0] == said[1]


def test_what_needs_a_task_that_failed_is_not_done(tmp_path: Path, make_settings: Make) -> None:
    settings = make_settings(step=0.5)
    run_cells(settings, tmp_path / "run")
    folder, seen = RunFolder(tmp_path / "run"), list[tuple[float, float]]()
    work(Plan(folder, settings), Here(folder, settings), report=lambda _title: lambda *now: seen.append(now))
    assert seen == [(0, 0)]  # nothing is left to do
    for path in (tmp_path / "run").glob("cells/*/*.json"):
        path.unlink()
    plan = Plan(folder, settings)
    while tasks := plan.ready():
        for task in tasks:
            error = StudyError("lost") if task.what == "oracles" else None
            plan.end(task, Outcome(error=error))
    assert plan.n_done == plan.n_tasks
    assert {task.what for task in plan.failed} == {"oracles"}
    with pytest.raises(StudyError, match="lost"):
        plan.raise_failure(settings.models[0].label, settings.corpora[0].label, "pos", method="weight-mass")


def test_a_folder_that_a_worker_does_not_see_is_told(tmp_path: Path, make_settings: Make) -> None:
    with pytest.raises(StudyError, match="choose a folder on a file system that all machines share"):
        perform(Task("m", "c", "begin"), RunFolder(tmp_path / "elsewhere"), make_settings())


def test_a_task_keeps_to_its_share(tmp_path: Path, make_settings: Make) -> None:
    import torch

    from neurosieve.probes.memory import available_bytes

    before = torch.get_num_threads()
    try:
        with Share(1, memory=8 << 30).kept():
            assert torch.get_num_threads() == 1
            assert 4 << 30 < available_bytes() < 8 << 30
    finally:
        torch.set_num_threads(before)
    lost = tried(Task("m", "c", "begin"), RunFolder(tmp_path), make_settings(), share=Share(1, memory=1 << 20))
    assert "raise memory" in str(lost.error)
