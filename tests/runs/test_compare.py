"""Runs side by side, from their result files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurosieve import compare
from neurosieve.errors import StudyError
from neurosieve.runs.compare import FILES
from neurosieve.runs.study import run_study


@pytest.fixture
def bare(finished_run: Path, tmp_path: Path) -> Path:
    """The result files of a run and nothing else."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for file in FILES:
        shutil.copy(finished_run / file, folder / file)
    return folder


def test_the_same_run_twice_agrees_as_its_seeds_do(finished_run: Path, bare: Path) -> None:
    found = compare(finished_run, bare)
    assert found.cells["run"].tolist() == ["tiny", "bare"]
    assert found.cells.loc[0, "n_neurons"] == 48
    assert found.cells.loc[0, "n_seeds"] == 2
    same = found.cells.drop(columns="run")
    pd.testing.assert_series_equal(same.iloc[0], same.iloc[1], check_names=False)
    results = pd.read_csv(finished_run / "results.csv")
    chosen = results.query("metric == 'accuracy@0.005' and split == 'test' and task == 'linguistic'")["value"].mean()
    assert same.loc[0, "set_accuracy"] == pytest.approx(chosen, abs=1e-12)
    pair = found.pairs.iloc[0]
    assert pair["same_neurons"]
    # Of the four pairs of seeds two are a seed with itself, and two are the two seeds with each other.
    assert pair["jaccard"] == pytest.approx((1 + pair["jaccard_between_seeds"]) / 2, abs=1e-12)
    assert 0 < pair["jaccard_by_chance"] <= 1


def test_checkpoints_that_share_nothing_are_at_chance_or_below(finished_run: Path, bare: Path) -> None:
    rankings = pd.read_csv(bare / "rankings.csv")
    for column in ("rank_seed_0", "rank_seed_1"):
        rankings[column] = 47 - rankings[column]  # the other way round
    rankings.to_csv(bare / "rankings.csv", index=False)
    pair = compare(finished_run, bare).pairs.iloc[0]
    assert pair["rank_agreement"] < 0
    assert pair["jaccard"] <= pair["jaccard_by_chance"]


def test_other_neurons_are_compared_by_labels_alone(finished_run: Path, bare: Path) -> None:
    rankings = pd.read_csv(bare / "rankings.csv")
    rankings[rankings["layer"] < 2].to_csv(bare / "rankings.csv", index=False)
    pair = compare(finished_run, bare).pairs.iloc[0]
    assert not pair["same_neurons"]
    assert np.isnan(pair["jaccard"])
    assert pair["label_agreement"] > 0


def test_the_page_holds_tables_and_figures(finished_run: Path, bare: Path, tmp_path: Path) -> None:
    page = compare(finished_run, bare).save(tmp_path / "page")
    text = page.read_text(encoding="utf-8")
    assert "tiny-bert (tiny)" in text
    assert "tiny-bert (bare)" in text
    assert text.count("data:image/svg+xml") == 4  # figures 1, 3, 4 and 5; five labels are too few for figure 2
    for name in ("figure1-layers.pdf", "figure3-focus.svg", "figure4-labels-pos.png", "figure5-layers-pos.csv"):
        assert (page.parent / "figures" / name).stat().st_size > 0
    assert len(pd.read_csv(page.parent / "cells.csv")) == 2


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: shutil.rmtree(folder), "there is no such folder"),
        (lambda folder: [file.unlink() for file in folder.iterdir()], "holds no results of a run"),
        (lambda folder: (folder / "labels.csv").unlink(), r"lacks labels\.csv; .*`neurosieve report"),
        (lambda folder: (folder / "labels.csv").write_text(""), r"labels\.csv: not a table of results"),
    ],
)
def test_what_is_no_run_is_refused(finished_run: Path, bare: Path, spoil, said: str) -> None:
    spoil(bare)
    with pytest.raises(StudyError, match=said):
        compare(finished_run, bare)


def test_one_cell_or_one_run_twice_is_refused(finished_run: Path) -> None:
    with pytest.raises(StudyError, match="one model and property only"):
        compare(finished_run)
    with pytest.raises(StudyError, match="is named twice"):
        compare(finished_run, finished_run)
    with pytest.raises(StudyError, match="at least one run"):
        compare()


def test_rankings_of_one_cell_are_compared(
    finished_run: Path, make_settings, pages, tagged_text: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    files = tuple(str(tagged_text / f"{split}.tsv") for split in ("train", "dev", "test"))
    run_study(make_settings(files=files, ranking="probeless"), run)
    found = compare(run)
    assert found.cells["ranking"].tolist() == ["weight-mass", "probeless"]
    mass, probeless = found.cells.to_dict("records")
    assert mass["accuracy"] == probeless["accuracy"]  # the same probes
    assert np.isnan(probeless["distributedness"])
    assert 0 <= found.pairs["jaccard"].item() <= 1
    assert (tmp_path / "page" / "compare.html") == found.save(tmp_path / "page")
