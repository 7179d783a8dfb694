"""A run grows: what is new is computed, what is there is kept, and what was made otherwise is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from neurosieve.errors import StudyError
from neurosieve.files import write_sealed_json
from neurosieve.runs.opened import open_run
from neurosieve.runs.study import finished_cells, run_study
from neurosieve.study import stages
from neurosieve.study.settings import StudySettings
from neurosieve.study.steps import open_cell

Make = Callable[..., StudySettings]


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def made(folder: Path) -> dict[str, bytes]:
    """Every stage's result and every probe."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted((folder / "cells").rglob("*")) if p.is_file()}


@pytest.fixture
def make_settings(make_settings: Make, tagged_text: Path) -> Make:
    """Settings of the finished run, and changed ones."""
    return partial(make_settings, files=tuple(str(tagged_text / f"{split}.tsv") for split in ("train", "dev", "test")))


def test_a_property_is_added_and_the_rest_is_kept(run: Path, make_settings: Make, pages: list[Path]) -> None:
    before = made(run)
    found = run_study(make_settings(properties=("nominal",)), run)
    assert [f.prop for f in found] == ["pos", "nominal"]
    assert before.items() <= made(run).items()
    assert open_run(run).results.groupby("property").ngroups == 2
    assert run_study(make_settings(), run)[1].prop == "nominal"  # asked for once, there for good


def test_a_property_made_from_text_is_added_to_finished_activations(
    run: Path, make_settings: Make, pages: list[Path], digest: Callable[[Path], dict[str, str]]
) -> None:
    before = digest(run / "activations")
    found = run_study(make_settings(properties=("vowel=regex:^[aeiou]",), control=False), run)
    assert [f.prop for f in found] == ["pos", "vowel"]
    assert digest(run / "activations") == before
    cell = open_run(run).cells["vowel"]
    words = cell.store.split("test").words
    assert (words["vowel"] == "yes").tolist() == words["word"].str.match("[aeiou]").tolist()
    assert cell.splits.n_neurons == 48


def test_a_model_is_added_and_the_rest_is_kept(
    run: Path, make_settings: Make, pages: list[Path], tiny_bert: Path
) -> None:
    before = made(run)
    twin = make_settings().models[0].model_copy(update={"untrained": 3})
    found = run_study(make_settings().model_copy(update={"models": (twin,)}), run)
    assert [f.model for f in found] == ["tiny-bert", "tiny-bert-untrained3"]
    assert before.items() <= made(run).items()


def test_a_corpus_is_added_and_the_rest_is_kept(
    run: Path, make_settings: Make, pages: list[Path], tagged_text: Path, tmp_path: Path
) -> None:
    before = made(run)
    other = Path(shutil.copytree(tagged_text, tmp_path / "other"))
    found = run_study(make_settings(files=(str(other),)), run)
    assert [f.corpus for f in found] == ["tagged", "other"]
    assert before.items() <= made(run).items()
    assert open_run(run).cells["tiny-bert", "other", "pos"].corpus == "other"


def test_a_seed_and_a_delta_are_added_as_if_made_at_once(
    run: Path, make_settings: Make, pages: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = make_settings(seeds=3, deltas=(0.005, 0.02, 0.1))
    run_study(asked, tmp_path / "at-once")

    def not_again(*_: object, **__: object) -> None:
        raise AssertionError("the lambdas were searched again")

    with monkeypatch.context() as patched:
        patched.setattr(stages, "search_lambdas", not_again)
        run_study(asked, run)
    for name in ("results.csv", "rankings.csv", "layers.csv", "labels.csv", "architectures.csv"):
        pd.testing.assert_frame_equal(pd.read_csv(run / name), pd.read_csv(tmp_path / "at-once" / name))
    assert open_run(run).cells["pos"].seeds == (0, 1, 2)
    assert open_run(run).cells["pos"].minimal(0.1, seed=2).delta == 0.1


def test_fewer_seeds_show_fewer_and_lose_nothing(run: Path, make_settings: Make, pages: list[Path]) -> None:
    before = made(run)
    found = run_study(make_settings(seeds=1), run)[0]
    assert set(found.oracle["seed"]) == set(found.minimal["seed"]) == set(found.control["seed"]) == {0}
    assert made(run) == before
    assert set(run_study(make_settings(seeds=2), run)[0].oracle["seed"]) == {0, 1}
    assert made(run) == before


def test_resamples_are_added_and_more_of_them_made_anew(run: Path, make_settings: Make, pages: list[Path]) -> None:
    before = made(run)
    assert run_study(make_settings(resamples=2), run)[0].certainty is not None
    assert before.items() <= made(run).items()
    sure = run_study(make_settings(resamples=3), run)[0].certainty
    assert sure is not None
    assert sure.n_resamples == 3
    kept = run_study(make_settings(), run)[0].certainty  # not asked for, and there
    assert kept is not None
    assert kept.n_resamples == 3


def test_a_ranking_is_added_on_the_same_probes(run: Path, make_settings: Make, pages: list[Path]) -> None:
    before = made(run)
    found = run_study(make_settings(ranking="probeless"), run)
    assert [f.ranking.method for f in found] == ["weight-mass", "probeless"]
    assert before.items() <= made(run).items()
    mass, other = found
    assert mass.oracle.equals(other.oracle)
    assert not mass.ablation.equals(other.ablation)
    results = open_run(run).results
    assert set(results["ranking"]) == {"weight-mass", "probeless"}
    assert list(results.columns[:3]) == ["model", "property", "ranking"]
    cell = open_run(run).cells["tiny-bert", "tagged", "pos", "probeless"]
    assert cell.ranking().method == "probeless"
    assert len(cell.minimal().neurons) == other.minimal.query("seed == 0")["n_neurons"].iloc[0]


def test_a_grown_run_answers_at_once(run: Path, make_settings: Make, pages: list[Path]) -> None:
    run_study(make_settings(properties=("nominal",)), run)
    for asked in (
        make_settings(),
        make_settings(properties=("nominal",)),
        make_settings(properties=("pos", "nominal")),
    ):
        cells = finished_cells(asked, run)
        assert cells is not None
        assert [cell["property"] for cell in cells] == ["pos", "nominal"]
    assert finished_cells(make_settings(seeds=3), run) is None


@pytest.mark.parametrize(
    ("changes", "stage", "said"),
    [
        ({"epochs": 3}, "search", "epochs = 10, now asked with 3"),
        ({"keep": 0.5}, "search", "keep = 0.2, now asked with 0.5"),
        ({"step": 0.5}, "minimal", "step = 0.1, now asked with 0.5"),
        ({"rare_labels": "drop"}, "data", "rare_labels = 'refuse', now asked with 'drop'"),
    ],
)
def test_what_was_made_otherwise_is_refused_by_name(
    run: Path, make_settings: Make, changes: dict[str, object], stage: str, said: str
) -> None:
    before = made(run)
    with pytest.raises(StudyError, match=rf"{stage}\.json: was made with {said}; use the earlier value, delete .*"):
        run_study(make_settings(**changes), run)
    assert made(run) == before


def test_only_the_result_that_depends_on_it_is_refused(run: Path) -> None:
    cell = open_cell(run, "pos", step=0.5)
    stages.ablation(cell)
    with pytest.raises(StudyError, match=r"minimal\.json: was made with step"):
        stages.minimal(cell)
    with pytest.raises(StudyError, match=r"control\.json: was made with step"):
        stages.control(cell)


def test_settings_that_the_solver_does_not_read_refuse_nothing(
    run: Path, make_settings: Make, pages: list[Path]
) -> None:
    before = made(run)
    run_study(make_settings(tol=1e-6, memory_limit="2GB"), run)  # of the exact solver; adam has no tolerance
    assert made(run) == before


def test_new_properties_may_be_probed_otherwise(run: Path, make_settings: Make) -> None:
    """One folder can hold cells made with different settings; each says with which."""
    stages.search(open_cell(run, "nominal", epochs=2))
    assert open_run(run).cells["nominal"].result("search").made_with["epochs"] == 2
    assert open_run(run).cells["pos"].result("search").made_with["epochs"] == 10


def test_a_stage_of_another_format_is_refused_with_what_to_do(run: Path, make_settings: Make) -> None:
    path = next((run / "cells").glob("*/search.json"))
    content = json.loads(path.read_text(encoding="utf-8"))
    write_sealed_json(path, {**content, "format_version": 99})
    with pytest.raises(StudyError, match=r"search\.json: version 99 .* reads version 1; delete it to compute"):
        run_study(make_settings(), run)
