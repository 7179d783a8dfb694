"""The paper's tables: layout, percent, means and spread over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.report.tables import paper_tables, write_tables


@pytest.fixture
def tables(findings, make_findings):
    return paper_tables([findings, make_findings(model="other", n_neurons=200), make_findings(prop="sem")])


def value(table: pd.DataFrame, prop: str, row: str, column: str) -> object:
    found = table[(table["property"] == prop) & (table["row"] == row)]
    assert len(found) == 1
    return found[column].iloc[0]


def test_there_is_one_table_for_each_of_the_papers(tables):
    assert set(tables) == {
        "ablation_test",
        "ablation_dev",
        "ablation_mean_fill_test",
        "ablation_mean_fill_dev",
        "minimal_0.5_test",
        "minimal_0.5_dev",
        "minimal_2_test",
        "minimal_2_dev",
        "data",
        "lambdas",
        "runtime",
    }


def test_ablation_is_percent_with_the_spread_over_seeds(tables):
    table = tables["ablation_test"]
    assert table.columns.tolist() == ["property", "row", "tiny", "tiny sd", "other", "other sd"]
    assert table["row"].tolist() == ["All", "Top", "Random", "Bottom"] * 2
    assert value(table, "pos", "Top", "tiny") == pytest.approx(80)
    assert value(table, "pos", "Top", "tiny sd") == pytest.approx(1)  # 79, 80, 81
    assert value(tables["ablation_mean_fill_test"], "pos", "Top", "tiny") == pytest.approx(83)
    assert np.isnan(value(table, "sem", "Top", "other"))  # this model was not run on this property


def test_minimal_sets_have_the_papers_rows(tables):
    table = tables["minimal_0.5_test"]
    assert table[table["property"] == "pos"]["row"].tolist() == [
        "Neu_a",
        "Neu_t",
        "Neu_t %",
        "Acc_a",
        "Acc_t",
        "Sel_a",
        "Sel_t",
    ]
    wanted = {"Neu_a": 100, "Neu_t": 32, "Neu_t %": 32, "Acc_a": 91, "Acc_t": 90.5, "Sel_a": 15, "Sel_t": 30}
    assert {row: value(table, "pos", row, "tiny") for row in wanted} == pytest.approx(wanted)
    assert value(table, "pos", "Neu_t %", "other") == pytest.approx(16)
    assert value(tables["minimal_2_dev"], "pos", "Sel_t", "tiny") == pytest.approx(40)


def test_without_control_tasks_there_are_no_rows_of_selectivity(findings, make_findings):
    table = paper_tables([make_findings(selectivity=findings.selectivity.iloc[:0])])["minimal_2_test"]
    assert table["row"].tolist() == ["Neu_a", "Neu_t", "Neu_t %", "Acc_a", "Acc_t"]


def test_data_lambdas_and_run_time(tables):
    assert tables["data"].to_dict("list") == {
        "property": ["pos", "sem"],
        "train words": [1000, 1000],
        "dev words": [200, 200],
        "test words": [400, 400],
        "labels": [6, 6],
        "models": ["tiny, other", "tiny"],
    }
    assert value(tables["lambdas"], "pos", "l1, l2", "other") == "0.01, 0"
    assert value(tables["runtime"], "pos", "total", "tiny") == 15.5


def test_files_have_two_decimals_and_whole_numbers_without(tables, tmp_path):
    written = write_tables(tmp_path / "tables", tables)
    assert [path.stem for path in written] == list(tables)
    text = (tmp_path / "tables" / "minimal_0.5_test.csv").read_text(encoding="utf-8")
    assert "pos,Neu_a,100,,200,\n" in text
    assert "pos,Acc_t,90.50,1.00,90.50,1.00\n" in text


def test_one_seed_has_no_spread(findings, make_findings):
    one = make_findings(ablation=findings.ablation.query("seed == 0"))
    assert np.isnan(value(paper_tables([one])["ablation_test"], "pos", "Top", "tiny sd"))


def test_the_same_model_and_property_twice_are_kept_apart(findings):
    table = paper_tables([findings, findings])["ablation_test"]
    assert table["property"].unique().tolist() == ["pos", "pos (2)"]


def test_no_findings_are_refused():
    with pytest.raises(NeurosieveError, match="no findings"):
        paper_tables([])
