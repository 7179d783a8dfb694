"""Runs side by side, from their result files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurosieve import compare
from neurosieve.errors import StudyError
from neurosieve.files import read_sealed_json, write_sealed_json
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


def handed_on(run: Path, folder: Path, change=lambda manifest: None) -> Path:
    """The result files and the manifest of a run, with something changed in the latter."""
    folder.mkdir()
    for file in FILES:
        shutil.copy(run / file, folder / file)
    manifest = read_sealed_json(run / "manifest.json")
    change(manifest)
    write_sealed_json(folder / "manifest.json", manifest)
    return folder


def made_with(**settings: object):
    return lambda manifest: [cell["made_with"].update(settings) for cell in manifest["cells"]]


def said(*runs: Path) -> dict[str, str]:
    return compare(*runs).differences.set_index("setting")["said"].to_dict()


def test_runs_made_alike_differ_in_nothing_else(finished_run: Path, tmp_path: Path) -> None:
    found = compare(finished_run, handed_on(finished_run, tmp_path / "same"))
    assert found.differences.empty
    assert found.settings["solver"].tolist() == ["adam", "adam"]
    page = found.save(tmp_path / "page")
    assert "were made with the same text, labels, solver" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"grid": "paper"}, "pos: grid differs: quick in tiny-bert (tiny); paper in tiny-bert (other)."),
        ({"epochs": 11}, "pos: epochs differs: 10 in tiny-bert (tiny); 11 in tiny-bert (other)."),
        ({"standardize": True}, "standardize differs: false in tiny-bert (tiny); true in tiny-bert (other)."),
        ({"corpus_digest": "0" * 64}, "text and labels (digest) differs: "),
        ({"model_digest": "0" * 64}, "weights (digest) differs: "),
        ({"learning_rate": 0.0051}, "learning rate differs: 0.01 in tiny-bert (tiny); 0.0051 in tiny-bert (other)."),
        ({"rare_labels": "drop"}, "labels that occur once differs: refuse in "),
    ],
)
def test_what_else_differs_is_said(finished_run: Path, tmp_path: Path, settings, text: str) -> None:
    other = handed_on(finished_run, tmp_path / "other", made_with(**settings))
    found = said(finished_run, other)
    assert list(found) == list(settings)
    assert text in found[next(iter(settings))]


def test_a_certified_run_beside_a_trained_one_is_said(finished_run: Path, tmp_path: Path) -> None:
    def certified(manifest: dict) -> None:
        del manifest["table_files"]
        for cell in manifest["cells"]:
            trained = ("epochs", "batch_size", "learning_rate")
            kept = {key: value for key, value in cell["made_with"].items() if key not in trained}
            cell["made_with"] = {**kept, "solver": "exact", "tol": 0.005}

    exact = handed_on(finished_run, tmp_path / "exact", certified)
    results = (exact / "results.csv").read_text(encoding="utf-8")
    (exact / "results.csv").write_text(results.replace("@0.005", "@0.01"), encoding="utf-8")
    found = compare(finished_run, exact)
    told = found.differences.set_index("setting")["said"]
    assert sorted(told.index) == ["delta", "solver"]  # not what the other solver does not have
    assert "adam in tiny-bert (tiny); exact in tiny-bert (exact)." in told["solver"]
    assert "Probes by exact are solved to an optimum that is proven, the others are trained" in told["solver"]
    assert (
        told["delta"] == "pos: delta of the minimal set differs: 0.005 in tiny-bert (tiny); 0.01 in tiny-bert (exact)."
    )
    text = found.save(tmp_path / "page").read_text(encoding="utf-8")
    assert "What else differs." in text
    assert ">0.005<" in text  # and not 0.01
    assert ">0.01<" in text


def test_labels_that_only_one_run_has_are_named(finished_run: Path, bare: Path, tmp_path: Path) -> None:
    other = handed_on(finished_run, tmp_path / "other", lambda manifest: manifest.pop("table_files"))
    labels = pd.read_csv(other / "labels.csv")
    labels.replace({"label": {"JJ": "ADJ"}}).to_csv(other / "labels.csv", index=False)
    told = said(finished_run, other)["labels"]
    assert told == "pos: labels differ: 4 are common; JJ only in tiny-bert (tiny); ADJ only in tiny-bert (other)."


def test_a_run_that_does_not_tell_what_made_it_is_named(finished_run: Path, bare: Path) -> None:
    assert "tiny-bert (bare): nothing tells with which solver, grid and text" in said(finished_run, bare)["unknown"]


def test_runs_of_earlier_versions_are_told_from_their_stages(finished_run: Path, tmp_path: Path) -> None:
    older = Path(shutil.copytree(finished_run, tmp_path / "older"))
    manifest = read_sealed_json(older / "manifest.json")
    for cell in manifest["cells"]:
        del cell["made_with"]
    write_sealed_json(older / "manifest.json", manifest)
    found = compare(finished_run, older)
    assert found.differences.empty
    assert found.settings["grid"].tolist() == ["quick", "quick"]


def test_the_command_says_what_else_differs(finished_run: Path, tmp_path: Path, shell) -> None:
    other = handed_on(finished_run, tmp_path / "other", made_with(grid="paper"))
    done = shell("compare", finished_run, other)
    assert json.loads(done.out)["what_else_differs"][0].startswith("pos: grid differs: quick in")
    done = shell("compare", finished_run, other, "--csv")
    assert "grid" not in done.out
    assert done.err.startswith("warning: pos: grid differs: quick in")
    table = shell("compare", finished_run, other, "--table").out
    assert "what else differs: pos: grid differs" in table
    assert "0.005" in table


@pytest.mark.parametrize(
    ("file", "spoil", "text"),
    [
        ("results.csv", lambda t: t.drop(columns="ranking"), "results.csv: lacks the column 'ranking'"),
        ("results.csv", lambda t: t.iloc[:0], "results.csv: has no rows"),
        ("results.csv", lambda t: t.assign(value="x"), "the column 'value' holds something else than numbers"),
        ("results.csv", lambda t: t.assign(n_neurons=0), "do not fit together"),
        ("results.csv", lambda t: t.assign(metric="n_neurons@x"), "do not fit together"),
        ("labels.csv", lambda t: t.assign(n_neurons=None), "labels.csv"),
    ],
)
def test_tables_that_were_edited_are_refused_in_a_line(finished_run: Path, bare: Path, file, spoil, text) -> None:
    spoil(pd.read_csv(bare / file)).to_csv(bare / file, index=False)
    if file == "labels.csv":  # agreement is not known then, and nothing else needs it
        assert np.isnan(compare(finished_run, bare).pairs["label_agreement"].item())
        return
    with pytest.raises(StudyError, match=text):
        compare(finished_run, bare)
