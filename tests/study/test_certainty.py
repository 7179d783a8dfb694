"""Resampling as a stage: what it writes, where it shows, and that a run can do without it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from neurosieve.errors import StudyError
from neurosieve.runs.opened import open_run
from neurosieve.runs.study import run_study
from neurosieve.study import stages
from neurosieve.study.cells import finish
from neurosieve.study.certainty import curve_sizes
from neurosieve.study.findings import RESULT_COLUMNS, Findings
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.settings import StudySettings
from neurosieve.study.steps import open_cell

Make = Callable[..., StudySettings]
SURE = ["frequency", "rank_low", "rank_high", "key_low", "key_high", "q_value"]


@pytest.fixture(scope="module")
def resampled(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run with the stage."""
    run = tmp_path_factory.mktemp("resampled") / "run"
    shutil.copytree(finished_run, run)
    stages.stability(open_cell(run, "pos", resamples=3))
    return run


@pytest.fixture(scope="module")
def found(resampled: Path) -> Findings:
    return finish(open_cell(resampled, "pos")).findings()


def test_the_stage_fills_a_table_of_every_neuron(found: Findings) -> None:
    sure = found.certainty
    assert sure is not None
    assert list(sure.neurons.columns) == SURE
    assert len(sure.neurons) == 48
    assert sure.neurons["frequency"].sum() == pytest.approx(sure.k)
    assert (sure.n_resamples, sure.n_seeds, sure.scheme, sure.null) == (3, 2, "bootstrap", "type")
    assert sure.n_permutations == 9  # the fewest that can show a rate of 10 %
    assert 0 < sure.changed < sure.ambiguous < 1  # one word of the text has two labels


def test_results_hold_intervals_and_noises(found: Findings) -> None:
    results = found.results()
    key = [column for column in RESULT_COLUMNS if column != "value"]
    assert not results.duplicated(key).any()
    assert not results["value"].isna().any()
    whole = results[(results["subset"] == "all") & (results["split"] == "test") & (results["task"] == "linguistic")]
    value = whole.set_index("metric")["value"]
    assert 0 <= value["accuracy_low"] <= value["accuracy_high"] <= 1
    assert value[["accuracy_sd_train", "accuracy_sd_text", "accuracy_sd_seed"]].ge(0).all()
    metrics = set(results["metric"])
    assert {"jaccard_sampling", "jaccard_seed", "n_frequent@0.9", "n_discovered@0.1", "n_neurons_low@0.005"} <= metrics
    assert {"accuracy_mean_ablation_low"} <= metrics


def test_rankings_hold_frequencies_in_rank_order(found: Findings) -> None:
    frame = found.ranking_frame()
    assert found.certainty is not None
    columns = list(frame.columns)
    assert columns[columns.index("minimal_set_share") + 1 :][:6] == SURE
    by_name = dict(zip(found.neurons["neuron"], found.certainty.neurons["frequency"], strict=True))
    assert [by_name[name] for name in frame["neuron"]] == frame["frequency"].tolist()


def test_a_report_shows_it_and_a_second_call_computes_nothing(
    resampled: Path, monkeypatch: pytest.MonkeyPatch, plain_page: None
) -> None:
    open_run(resampled).report()
    assert "frequency" in pd.read_csv(resampled / "rankings.csv").columns
    monkeypatch.delattr("neurosieve.study.certainty.stability")
    assert finish(open_cell(resampled, "pos", resamples=3)).findings().certainty is not None


@pytest.fixture
def plain_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosieve.report.html.write_report", lambda *_, **__: None)


def test_without_resamples_there_is_none(finished_run: Path) -> None:
    cell = open_cell(finished_run, "pos")
    assert finish(cell).findings().certainty is None
    with pytest.raises(StudyError, match="no number of resamples; pass --resamples"):
        stages.stability(cell)


@pytest.mark.slow
def test_exact_probes_are_certified_in_results_and_their_seeds_agree(
    tmp_path: Path, make_settings: Make, pages: list[Path]
) -> None:
    settings = make_settings(
        solver="exact",
        grid="strict",
        tol=1e-3,
        step=0.5,
        properties=("nominal",),
        control=False,
        resamples=2,
        resampling="half",
    )
    found = run_study(settings, tmp_path / "run")[0]
    results = found.results().set_index("metric")["value"]
    assert (results["gap"] <= 1e-3 * results["objective"].to_numpy()).all()
    assert (found.certificate["gap"] >= 0).all()
    assert found.certainty is not None
    assert found.certainty.seed_jaccard == 1.0
    assert found.certainty.scheme == "half"


def test_one_resample_is_refused() -> None:
    with pytest.raises(ValueError, match="one resample has nothing to be compared with"):
        ProbeSettings(resamples=1)


def test_sizes_go_from_the_first_step_beyond_the_largest_set() -> None:
    def of(*rows: tuple[float, int]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["delta", "n_neurons"])

    assert curve_sizes(of((0.005, 100), (0.005, 200), (0.02, 40), (0.02, 40)), 1000, step=0.01) == [
        10,
        40,
        55,
        150,
        300,
    ]
    assert curve_sizes(of((0.005, 1000)), 1000, step=0.01) == [10, 100]  # all neurons are the oracle
    assert curve_sizes(of((0.005, 1)), 3, step=0.5) == [1, 2]


def test_labels_that_the_word_decides_are_permuted_over_sentences(resampled: Path) -> None:
    cell = open_cell(resampled, "nominal", resamples=3)
    settled = cell.splits.with_labels(
        *[part.words == "the" for part in (cell.splits.train, cell.splits.dev, cell.splits.test)]
    )
    cell = replace(cell, folder=cell.folder.with_name("settled"))
    cell.__dict__["splits"] = settled
    result = stages.stability(cell)["stability"].iloc[0]
    assert result["null"] == "sentences"
    assert result["ambiguous"] == 0
