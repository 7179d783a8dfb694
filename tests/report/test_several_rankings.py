"""Rankings of one model and property side by side, one of them without weight mass."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.report import numbers, overview
from neurosieve.report.cell import in_short
from neurosieve.report.comparison import in_words, panels_of
from neurosieve.report.html import figure_prefixes, write_report
from neurosieve.report.sections import agreement, certainty, neurons
from neurosieve.report.tables import paper_tables


@pytest.fixture
def probeless(findings, make_findings):
    scores = np.random.default_rng(3).normal(size=(findings.n_labels, findings.n_neurons))
    scores[:, 5] = 0
    score = np.abs(scores).sum(axis=0)
    ranking = NeuronRanking(
        np.argsort(-score),
        None,
        None,
        None,
        labels=findings.ranking.labels,
        method="probeless",
        score=score,
        label_scores=scores,
    )
    nothing = pd.DataFrame(columns=["seed", "delta"])
    return make_findings(
        ranking=ranking,
        ranks=pd.DataFrame(dict.fromkeys(range(3), ranking.ranks)),
        labels=findings.labels.iloc[:0],
        by_seed={"labels": nothing, "architecture": nothing},
    )


def test_cells_are_named_with_the_ranking_where_a_model_has_several(findings, probeless, make_findings) -> None:
    both = [findings, probeless, make_findings(model="other")]
    assert numbers.cell_names(both) == [("tiny (weight-mass)", "pos"), ("tiny (probeless)", "pos"), ("other", "pos")]
    assert figure_prefixes(both)[1] == "tiny--probeless--pos--"
    assert numbers.cell_names([probeless]) == [("tiny", "pos")]
    tables = paper_tables(both)
    assert tables["ablation_test"].columns.tolist()[2::2] == ["tiny (weight-mass)", "tiny (probeless)", "other"]
    assert overview.overview(both)["model"].tolist() == ["tiny (weight-mass)", "tiny (probeless)", "other"]
    fewer = make_findings(ranking=probeless.ranking, minimal=findings.minimal.assign(n_neurons=5))
    assert "pos in tiny (probeless) needs the smallest share" in overview.compared([findings, fewer])[0]


def test_the_papers_numbers_stand_beside_weight_mass_only(findings, probeless, make_findings) -> None:
    parts = {"model": "bert-base-cased", "n_neurons": 9984}
    bert = [make_findings(**parts), make_findings(**parts, ranking=probeless.ranking)]
    columns = paper_tables(bert)["ablation_test"].columns.tolist()
    assert "bert-base-cased (weight-mass) paper" in columns
    assert "bert-base-cased (probeless) paper" not in columns


def test_the_page_of_both(findings, probeless, tmp_path) -> None:
    page = write_report(tmp_path, [findings, probeless], manifest={}).read_text(encoding="utf-8")
    assert "pos in tiny (probeless)" in page
    plain = re.sub(r"</?abbr[^>]*>", "", page)
    assert plain.count("This needs the ranking by weight mass; this one is by probeless.") == 2  # labels, certainty
    assert "Ranking by weight-mass: a neuron comes the earlier, the smaller the share" in page
    assert "; by probeless: a neuron comes the earlier, the higher its score.</p>" in page
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert "tiny--weight-mass--pos--labels.svg" in names
    assert "tiny--probeless--pos--labels.svg" not in names
    assert "tiny--probeless--pos--agreement.svg" not in names


def test_the_page_of_the_other_alone(probeless, tmp_path) -> None:
    page = write_report(tmp_path, [probeless], manifest={}).read_text(encoding="utf-8")
    assert "Ranking by probeless: a neuron" in page
    assert "weight-mass" not in page


def test_neurons_have_a_score_and_the_labels_that_take_them(probeless) -> None:
    assert "The ranking by probeless begins with" in neurons.words(probeless)
    assert "It sorts by the score" in neurons.words(probeless)
    table = neurons.table(probeless, most=100)
    assert "mass" not in table
    assert table["score"].iloc[0] == f"{probeless.ranking.score.max():.4g}"
    assert table["labels that take it first"].iloc[-1] == "none"  # a score of zero for every label
    first = probeless.ranking.per_label("NN")[0]
    row = table[table["neuron"] == probeless.neurons["neuron"].iloc[first]].iloc[0]
    assert "“NN” (1st)" in row["labels that take it first"]


def test_a_ranking_without_a_probe_is_the_same_with_every_seed(probeless) -> None:
    assert agreement.words(probeless)[0] == "The ranking by probeless is the same with every seed."
    assert agreement.words(probeless)[1].startswith("Of the 34 neurons in any seed's minimal set of 0.5 points, 30 are")
    unknown = f"{agreement.words(probeless)[0]} Of other texts nothing is known."
    assert dict(in_short(probeless))["Stability"] == unknown
    assert certainty.words(probeless) == ["This needs the ranking by weight mass; this one is by probeless."]


def test_a_comparison_names_rankings_and_leaves_out_what_needs_mass(findings) -> None:
    key = {"run": "r", "model": "m", "property": "p", "corpus": ""}
    cells = pd.DataFrame([{**key, "ranking": name} for name in ("weight-mass", "probeless")]).assign(
        selected_share=[0.1, 0.2],
        distributedness=[0.3, np.nan],
        distributedness_low=[0.2, np.nan],
        distributedness_high=[0.4, np.nan],
    )
    assert in_words(cells) == [
        "p: m (weight-mass) needs the smallest share of its neurons (10.0\u00a0%), m (probeless) the largest (20.0\u00a0%)."
    ]
    layers = pd.concat([findings.layers.assign(**key, ranking=name) for name in cells["ranking"]])
    labels = findings.labels.assign(**key, ranking="weight-mass", seed=0)
    panels = panels_of(cells, layers=layers, labels=labels)
    assert [(panel.model, len(panel.layers), len(panel.labels)) for panel in panels] == [
        ("m (weight-mass)", 4, 6),
        ("m (probeless)", 4, 0),
    ]
