"""The page, tables and figures of real values and of sentences, from numbers made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurosieve.figures.ablation_bars import ablation
from neurosieve.figures.value_histogram import value_histogram
from neurosieve.report import numbers, overview
from neurosieve.report.cautions import of_activations
from neurosieve.report.cell import cautions, in_short
from neurosieve.report.html import write_report
from neurosieve.report.sections import accuracy, lambdas, selectivity
from neurosieve.report.tables import paper_tables

VALUES = pd.DataFrame(
    [
        ("train", 1000, 3.0, 2.0, 1.0, 3.0, 9.0),
        ("dev", 200, 3.5, 2.0, 1.0, 3.0, 9.0),
        ("test", 400, 4.0, 2.0, 1.0, 4.0, 8.0),
    ],
    columns=["split", "n", "mean", "sd", "min", "median", "max"],
)
HISTOGRAM = pd.DataFrame(
    {"low": [0.5, 5.0], "high": [5.0, 9.5], "train": [900, 100], "dev": [150, 50], "test": [300, 100]}
)


@pytest.fixture
def real(make_findings):
    return make_findings(metric="r2", n_labels=1, label_counts=pd.DataFrame(
        columns=["label", "train", "dev", "test"]), values=VALUES, histogram=HISTOGRAM)  # fmt: skip


def test_the_guess_is_the_mean_of_train(real) -> None:
    assert numbers.majority(real) == ("3", pytest.approx(-0.25))  # ((3 - 4) / 2) ** 2 below zero
    said = accuracy.words(real)
    assert "Always giving the mean value of train, 3, would get -25.00\u00a0%" in said[0]
    assert not any("interval" in text for text in said)  # that of an accuracy
    assert in_short(real)[0] == (
        "R²", "91.00\u00a0% with all 100 neurons; -25.00\u00a0% by always giving the mean of train, 3."
    )  # fmt: skip


def test_no_word_of_labels(real) -> None:
    assert not any("label" in text for text in cautions(real))
    assert "drawn at random" in selectivity.words(real)[0]
    assert "a value drawn" in selectivity.words(real)[0]
    assert "an R² below zero counts as zero" in " ".join(lambdas.words(real))


def test_a_score_that_is_zero_has_no_sign() -> None:
    assert numbers.percent(-0.00001) == "0.00\u00a0%"
    assert numbers.percent(-0.001) == "-0.10\u00a0%"


def test_figures_of_real_values(real, tmp_path) -> None:
    write_report(tmp_path, [real], manifest={})
    saved = {path.stem.removeprefix("tiny--pos--"): path for path in (tmp_path / "figures").glob("*.csv")}
    assert "values" in saved
    assert "labels" not in saved
    assert "r2" in pd.read_csv(saved["ablation"])
    assert "dev_r2" in pd.read_csv(saved["minimal"])
    assert "R² on test (%)" in saved["ablation"].with_suffix(".svg").read_text(encoding="utf-8")


def test_a_very_bad_score_does_not_flatten_the_others(real) -> None:
    table = real.ablation.assign(score=np.where(real.ablation["subset"] == "bottom", -50.0, real.ablation["score"]))
    low, high = ablation(table).get_ylim()
    assert (low, high > 0.9) == (-1.0, True)


def test_the_histogram_shows_shares() -> None:
    ax = value_histogram(HISTOGRAM)
    train = next(patch for patch in ax.patches if patch.get_label() == "train")
    assert train.get_data().values.tolist() == [0.9, 0.1]
    assert train.get_data().edges.tolist() == [0.5, 5.0, 9.5]
    assert ax.get_ylabel() == "share of the words (%)"


def test_tables_of_labels_and_values_side_by_side(real, findings) -> None:
    tables = paper_tables([findings, real])
    assert tables["data"]["labels"].tolist() == [6, "real values"]
    table = overview.overview([findings, real])
    assert table["score"].tolist() == ["accuracy", "R²"]
    assert "best guess %" in table
    assert "score" not in overview.overview([findings])


def test_sentences_are_called_sentences(make_findings) -> None:
    f = make_findings(unit="sentence", unseen={"dev": 0, "test": 4}, no_control="of a reason", selectivity=pd.DataFrame(
        columns=["seed", "split", "subset", "delta", "n_neurons", "linguistic", "control", "selectivity"]))  # fmt: skip
    said = [*accuracy.words(f), *cautions(f), *selectivity.words(f)]
    assert not any(" words" in text for text in said)
    assert "4 of the 400 test sentences" in " ".join(said)
    assert "No control tasks were run: of a reason." in said
    assert ("Selectivity", "Unknown: no control tasks were run, as of a reason.") in in_short(f)
    assert of_activations(
        [{"folder": "x", "unit": "sentence", "n_left_out": 2, "left_out": [{"word": "a " * 50}]}]
    ) == [
        f"x: sentences that could not be stored because the model has no sub-word for them, and that take no part: 2, such as "
        f"“{('a ' * 50)[:39]}…”."
    ]
