"""The whole chain: what it writes, that it resumes, and that it repeats nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from neurosieve.errors import NeurosieveError, StudyError
from neurosieve.runs.study import run_study
from neurosieve.study import stages
from neurosieve.study.findings import RESULT_COLUMNS
from neurosieve.study.result import read_result
from neurosieve.study.settings import StudySettings

Make = Callable[..., StudySettings]
N_NEURONS = 48
STAGES_IN_ORDER = ("data", "search", "oracles", "ablation", "minimal", "control")
LABELS = [".", "DT", "JJ", "NN", "VB"]


def test_every_file_of_the_format_is_there(finished_run: Path) -> None:
    for name in ("results.csv", "rankings.csv", "manifest.json", "report.html"):
        assert (finished_run / name).stat().st_size > 0
    tables = {path.stem for path in (finished_run / "tables").glob("*.csv")}
    assert {
        "ablation_test",
        "ablation_dev",
        "minimal_0.5_test",
        "minimal_2_test",
        "data",
        "lambdas",
        "runtime",
    } <= tables
    figures = {(path.stem, path.suffix) for path in (finished_run / "figures").iterdir()}
    for name in ("minimal", "layers", "labels", "ablation", "lambdas", "selectivity", "agreement"):
        for suffix in (".png", ".svg", ".csv"):
            assert (f"tiny-bert--pos--{name}", suffix) in figures


def test_results_are_one_tidy_table(finished_run: Path) -> None:
    results = pd.read_csv(finished_run / "results.csv")
    assert list(results.columns) == RESULT_COLUMNS
    assert set(results["model"]) == {"tiny-bert"}
    assert set(results["property"]) == {"pos"}
    assert set(results["subset"]) == {"all", "top", "random", "bottom", "minimal"}
    assert set(results["task"]) == {"linguistic", "control"}
    assert set(results["split"]) == {"train", "dev", "test"}
    assert set(results.loc[results["split"] == "train", "metric"]) == {"objective"}
    assert results["n_neurons"].between(1, N_NEURONS).all()
    assert (results["fraction"] == results["n_neurons"] / N_NEURONS).all()
    assert not results["value"].isna().any()
    key = [column for column in RESULT_COLUMNS if column != "value"]
    assert not results.duplicated(key).any()
    scores = results[results["metric"] == "accuracy"]
    assert scores["value"].between(0, 1).all()


def test_results_hold_every_score_of_every_seed(finished_run: Path) -> None:
    results = pd.read_csv(finished_run / "results.csv")
    assert (results["metric"] == "lambda_score").sum() == 16  # the quick grid, seed 0 alone
    for metric, n_rows in {
        "accuracy": 2 * 2 * 4 + 2 * 2,  # seeds x splits x subsets; and the control task with all neurons
        "accuracy_mean_ablation": 2 * 2 * 3,  # without all, of which nothing is filled
        "selectivity": 2 * 2,
        "selectivity@0.005": 2 * 2,
        "selectivity@0.02": 2 * 2,
        "accuracy@0.005": 2 * 2 * 2,  # linguistic and control
        "n_neurons@0.005": 2,
        "n_neurons@0.02": 2,
        "macro_f1": 2 * 2,
        "macro_f1@0.005": 2 * 2,
        "objective": 2,  # of the oracles; without a gap, which the stochastic solver cannot give
        "gap": 0,
    }.items():
        assert (results["metric"] == metric).sum() == n_rows, metric


def test_selectivity_is_the_difference_of_what_stands_beside_it(finished_run: Path) -> None:
    results = pd.read_csv(finished_run / "results.csv")
    at = results[results["split"].eq("test") & results["seed"].eq(1) & results["subset"].eq("minimal")]
    value = {(row.task, row.metric): row.value for row in at.itertuples()}
    expected = value["linguistic", "accuracy@0.005"] - value["control", "accuracy@0.005"]
    assert value["linguistic", "selectivity@0.005"] == pytest.approx(expected, abs=1e-12)  # rounding of one subtraction


def test_rankings_hold_every_neuron_once(finished_run: Path) -> None:
    rankings = pd.read_csv(finished_run / "rankings.csv")
    head = [
        "model",
        "property",
        "neuron",
        "layer",
        "index",
        "rank",
        "key",
        "mass",
        "rank_seed_0",
        "rank_seed_1",
        "in_minimal_set",
        "mean_rank",
        "minimal_set_share",
    ]
    assert list(rankings.columns) == [*head, *(f"rank:{label}" for label in LABELS)]
    assert list(rankings["rank"]) == list(range(N_NEURONS)) == list(rankings["rank_seed_0"])
    assert sorted(rankings["rank_seed_1"]) == list(range(N_NEURONS))
    assert set(rankings["neuron"]) == {f"L{layer}N{i}" for layer in range(3) for i in range(16)}
    selected = rankings[rankings["in_minimal_set"]]
    assert list(selected["rank"]) == list(range(len(selected)))
    cell = next((finished_run / "cells").iterdir())
    sizes = read_result(cell / "minimal.json")["minimal"].query("delta == 0.005")["n_neurons"].tolist()
    assert len(selected) == sizes[0]
    mean = rankings[["rank_seed_0", "rank_seed_1"]].mean(axis=1)
    assert (rankings["mean_rank"] == mean).all()
    both = [rankings[f"rank_seed_{seed}"] < sizes[seed] for seed in (0, 1)]
    assert (rankings["minimal_set_share"] == (both[0].astype(float) + both[1]) / 2).all()


def test_the_manifest_says_where_the_numbers_come_from(finished_run: Path) -> None:
    manifest = json.loads((finished_run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["finished"] is True
    assert manifest["settings"]["probes"]["seeds"] == 2
    assert {"torch", "numpy", "transformers"} <= set(manifest["packages"])
    store = manifest["activations"][0]
    assert len(store["model"]["digest"]) == 64
    assert store["splits"]["train"][1] == store["n_words"] - sum(
        store["splits"][name][1] - store["splits"][name][0] for name in ("dev", "test")
    )
    assert {"tiny-bert--tagged--pos: search", "extract tiny-bert--tagged"} <= set(manifest["seconds"])


def test_planted_structure_is_found(finished_run: Path) -> None:
    """Words alone give the label in this text (but for one), so even a random network's neurons carry it."""
    results = pd.read_csv(finished_run / "results.csv")
    oracle = results[
        results["subset"].eq("all")
        & results["task"].eq("linguistic")
        & results["metric"].eq("accuracy")
        & results["split"].eq("test")
    ]
    assert (oracle["value"] > 0.8).all()  # the most frequent label is a third of the words


def test_a_second_run_repeats_nothing(tmp_path: Path, make_settings: Make, pages: list[Path]) -> None:
    first = run_study(make_settings(), tmp_path / "run")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    second = run_study(make_settings(), tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()} == times
    assert len(pages) == 1
    pd.testing.assert_frame_equal(first[0].results(), second[0].results())


def test_results_that_were_deleted_are_written_again(tmp_path: Path, make_settings: Make, pages: list[Path]) -> None:
    run_study(make_settings(control=False), tmp_path / "run")
    before = (tmp_path / "run" / "results.csv").read_bytes()
    (tmp_path / "run" / "results.csv").unlink()
    run_study(make_settings(control=False), tmp_path / "run")
    assert (tmp_path / "run" / "results.csv").read_bytes() == before
    assert len(pages) == 1  # it says nothing else than before


@pytest.mark.parametrize("stage", ["search", "oracles", "minimal", "control"])
def test_an_interrupted_run_continues_to_the_same_results(
    stage: str,
    tmp_path: Path,
    make_settings: Make,
    pages: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    finished_run: Path,
) -> None:
    with monkeypatch.context() as patched:
        function = {
            "search": "search_lambdas",
            "oracles": "fit_probes",
            "minimal": "minimal_neurons",
            "control": "ControlTask",
        }

        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(stages, function[stage], interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_study(make_settings(), tmp_path / "run")
    assert not (tmp_path / "run" / "results.csv").exists()
    cell = tmp_path / "run" / "cells" / "tiny-bert--tagged--pos"
    done = {path: path.stat().st_mtime_ns for path in cell.glob("*.json")}
    assert {path.stem for path in done} == set(STAGES_IN_ORDER[: STAGES_IN_ORDER.index(stage)])
    run_study(make_settings(), tmp_path / "run")
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())
    for name in ("results.csv", "rankings.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (finished_run / name).read_bytes()


def test_an_interrupted_extraction_continues(
    tmp_path: Path, make_settings: Make, pages: list[Path], monkeypatch: pytest.MonkeyPatch, finished_run: Path
) -> None:
    with monkeypatch.context() as patched:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr("neurosieve.activations.extract._finish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_study(make_settings(), tmp_path / "run")
    run_study(make_settings(), tmp_path / "run")
    assert (tmp_path / "run" / "results.csv").read_bytes() == (finished_run / "results.csv").read_bytes()


def test_a_refused_property_can_be_mended_in_the_same_folder(
    tmp_path: Path, make_settings: Make, pages: list[Path]
) -> None:
    with pytest.raises(NeurosieveError, match="no property 'tense'; it has pos, nominal"):
        run_study(make_settings(properties=("tense",)), tmp_path / "run")
    assert len(run_study(make_settings(control=False, seeds=1), tmp_path / "run")) == 1


def test_the_advice_about_rare_labels_works_in_the_same_folder(
    tmp_path: Path, make_settings: Make, tagged_text: Path, pages: list[Path]
) -> None:
    text = tmp_path / "rare"
    shutil.copytree(tagged_text, text)
    train = (text / "train.tsv").read_text(encoding="utf-8")
    (text / "train.tsv").write_text(
        train.replace("\tDT\t", "\tONE\t", 1).replace("\tNN\t", "\tTWO\t", 1), encoding="utf-8"
    )
    rare = {"files": (str(text),), "seeds": 1, "control": False}
    with pytest.raises(
        NeurosieveError, match=r"2 of the 7 labels of 'pos' occur only once.*'ONE', 'TWO'.*--rare-labels drop"
    ):
        run_study(make_settings(**rare), tmp_path / "run")
    found = run_study(make_settings(**rare, rare_labels="drop"), tmp_path / "run")
    assert set(found[0].label_counts["label"]) == set(LABELS)


def test_a_study_of_two_models_and_two_properties(
    tmp_path: Path, tiny_bert: Path, tagged_text: Path, pages: list[Path]
) -> None:
    file = tmp_path / "study.toml"
    file.write_text(
        f"""
        [[models]]
        path = {str(tiny_bert)!r}
        [[models]]
        path = {str(tiny_bert)!r}
        untrained = 7
        [[corpora]]
        files = [{str(tagged_text)!r}]
        properties = ["nominal", "regex:^[aeiou]"]
        [probes]
        solver = "adam"
        grid = "quick"
        seeds = 1
        step = 0.5
        batch_size = 16
        control = false
        """,
        encoding="utf-8",
    )
    titles: list[str] = []
    found = run_study(StudySettings.from_toml(file), tmp_path / "run", report=titles.append)
    assert [(f.model, f.prop) for f in found] == [
        (model, prop) for model in ("tiny-bert", "tiny-bert-untrained7") for prop in ("nominal", found[1].prop)
    ]
    assert sorted(path.name for path in (tmp_path / "run" / "activations").iterdir()) == [
        "tiny-bert--tagged",
        "tiny-bert-untrained7--tagged",
    ]  # one extraction a model, however many properties
    assert sum("activations of" in title for title in titles) == 2
    results = pd.read_csv(tmp_path / "run" / "results.csv")
    assert results.groupby(["model", "property"]).ngroups == 4
    assert "selectivity" not in set(results["metric"])
    rankings = pd.read_csv(tmp_path / "run" / "rankings.csv")
    assert len(rankings) == 4 * N_NEURONS


def test_a_study_without_a_property_is_refused(tmp_path: Path, make_settings: Make) -> None:
    with pytest.raises(StudyError, match="the study names no property"):
        run_study(make_settings(properties=()), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("solver", ["neurox", pytest.param("exact", marks=pytest.mark.slow)])
def test_other_solvers_run_through(solver: str, tmp_path: Path, make_settings: Make, pages: list[Path]) -> None:
    # Without l2 the exact solver cannot prove every probe of columns that depend on each other: "strict" is its own grid.
    grid = "strict" if solver == "exact" else "quick"
    settings = make_settings(solver=solver, grid=grid, seeds=1, step=0.5, tol=1e-2, properties=("nominal",))
    found = run_study(settings, tmp_path / "run")
    assert found[0].oracle["score"].between(0.5, 1).all()  # two labels, the more frequent is about half


def test_labels_are_solved_exactly_by_default_and_once_for_all_seeds(
    tmp_path: Path, make_settings: Make, pages: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise AssertionError("the oracle of the other seeds was fitted again")

    monkeypatch.setattr("neurosieve.study.stages.fit_probes", refused)  # the search has its own
    settings = make_settings(
        solver="auto", grid="auto", tol=1e-2, seeds=2, step=0.5, properties=("nominal",), control=False
    )
    found = run_study(settings, tmp_path / "run")[0]
    made_with = read_result(next((tmp_path / "run").glob("cells/*/search.json"))).made_with
    assert (made_with["solver"], made_with["grid"]) == ("exact", "strict")
    assert (found.certificate["gap"] <= 1e-2 * found.certificate["objective"]).all()
    assert len(found.certificate) == 2
    sizes = found.minimal.groupby("delta")["n_neurons"].nunique()
    assert (sizes == 1).all()
