"""The first screen: the answer, terms where they first stand, and warnings only where they matter."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neurosieve.report.answer import answer
from neurosieve.report.cell import cautions
from neurosieve.report.glossary import TERMS, Explained
from neurosieve.report.html import write_report
from neurosieve.report.layouts import Sheet
from neurosieve.report.numbers import SPACE
from neurosieve.report.section import filled, lacking, sentences
from neurosieve.report.sections import SECTIONS, accuracy, label_scores, minimal, neurons
from neurosieve.report.tables import Known
from neurosieve.study.label_scores import label_scores as score


def test_the_answer_has_numbers_and_intervals(findings, make_findings, make_certainty):
    first, second = (said.replace(SPACE, " ") for said in answer(findings))
    assert first.startswith(
        "32 of the 100 neurons of tiny (32.0 %; at most 0.5 points lost on dev) are enough for pos:"
    )
    assert (
        "90.5 % of the words of new text their right label (95 % interval 87.2 to 93.0, words taken as independent)"
        in first
    )
    assert "all neurons 91.0 %, a constant guess 50.0 %" in first
    assert re.match(r"No layer holds more of them than L\d: \d+, where an even spread would put 8\.", second)
    sure = answer(make_findings(certainty=make_certainty()))[0]
    assert "25 to 40 over resamples of the text" in sure


def test_terms_are_explained_once_and_text_is_escaped():
    explained = Explained()
    first = explained("Probes <b> of two seeds & a control task")
    assert first.startswith(
        f'<abbr title="{TERMS["probe"].replace(chr(39), "&#x27;")}">Probes</abbr> &lt;b&gt; of two <abbr'
    )
    assert "&amp; a <abbr" in first
    assert explained("Probes of two seeds, a control task") == "Probes of two seeds, a control task"
    assert Explained()("words taken as independent") == "words taken as independent"
    assert "abbr" not in Explained()("“probe”-like labels")  # a label is not a term


def test_every_term_can_be_met():
    for term in TERMS:
        text = {"take": "labels take"}.get(term, term)
        assert "<abbr" in Explained()(f"Of {text} more."), term


def test_the_page_lists_all_terms_and_starts_with_the_answer(findings, tmp_path):
    page = write_report(tmp_path, [findings], manifest={}).read_text(encoding="utf-8")
    assert all(f"<dt>{term}</dt>" in page for term in TERMS)
    assert page.index('<p class="answer">') < page.index('<dl class="short">') < page.rindex("How well all neurons do")
    assert page.count(f'title="{TERMS["oracle"]}"') <= 1


def test_the_default_grid_is_no_warning(findings):
    def said(**settings) -> str:
        return " ".join(cautions(replace(findings, settings={**findings.settings, **settings})))

    assert "grid" not in said(solver="exact", grid="strict")
    assert "grid" not in said(solver="adam", grid="paper")
    assert "strict grid" in said(solver="adam", grid="strict")
    assert "quick grid" in said(solver="exact", grid="quick")


@pytest.fixture
def solved(findings):
    """Every seed gives the same."""
    ranks = pd.DataFrame(dict.fromkeys(findings.ranks.columns, findings.ranks[0]))
    one = findings.minimal.query("seed == 0")
    same = pd.concat([one.assign(seed=seed) for seed in ranks.columns], ignore_index=True)
    return replace(findings, ranks=ranks, minimal=same, settings={**findings.settings, "solver": "exact"})


def test_what_is_the_same_with_every_seed_stands_once(solved, findings):
    assert "rank" in neurons.table(solved)
    assert not [name for name in neurons.table(solved) if "seed" in name]
    assert "in minimal sets" not in neurons.table(solved)
    assert "over 3 seeds" not in " ".join(minimal.words(solved))
    assert "rank, seed 1" in neurons.table(findings)
    assert "over 3 seeds" in " ".join(minimal.words(findings))


def test_a_run_with_one_answer_speaks_of_no_seeds(solved, findings, make_findings):
    layers, labels, agreement = SECTIONS["layers"], SECTIONS["labels"], SECTIONS["agreement"]
    for section in (layers, labels):
        assert "over seeds" not in " ".join(sentences(section.words(solved)))
        assert "over seeds" in " ".join(sentences(section.words(findings)))
        [figure] = section.figures.values()
        assert "over seeds" not in filled(figure.caption, solved)
        assert "over seeds" in filled(figure.caption, findings)
    assert neurons.words(solved).startswith("The ranking begins")
    assert neurons.words(findings).startswith("Seed 0's ranking begins")
    one_score = replace(solved, oracle=solved.oracle.assign(score=0.9))
    assert "range over seeds" not in " ".join(accuracy.words(one_score))
    assert "range over seeds" in " ".join(accuracy.words(findings))
    [overlap] = agreement.figures.values()  # a line at 1 says nothing
    assert lacking(overlap.needs, solved) is not None
    assert lacking(overlap.needs, findings) is None


def test_bars_of_equal_seeds_have_no_points():
    from neurosieve.figures.style import axes, seed_bar

    for values, n_lines in (([0.5, 0.5, 0.5], 0), ([0.5, 0.6], 1), ([0.5], 0)):
        ax = axes(None, size=(2, 2))
        seed_bar(ax, 0, np.array(values), width=0.4)
        assert len(ax.get_lines()) == n_lines


def test_what_has_no_spread_is_written_without():
    table = pd.DataFrame({"property": ["p", "p"], "row": ["Top", "Random"], "m": [73.76, 34.38], "m sd": [0.0, 4.44]})
    text = Sheet.of("ablation_test", table, Known([])).markdown()
    assert "| Top | 73.76 |" in text
    assert "| Random | 34.38 ± 4.44 |" in text


def test_lines_of_equal_seeds_are_one(findings):
    from neurosieve.figures.curve import minimal_curve

    curve = findings.curves.query("seed == 0")
    same = replace(findings, curves=pd.concat([curve.assign(seed=seed) for seed in range(3)]))
    names = [line.get_label() for line in minimal_curve(same).get_lines()]
    assert "retrained on the top neurons" in names
    assert not [name for name in names if name.startswith("seed")]
    assert "seed 2" in [line.get_label() for line in minimal_curve(findings).get_lines()]


def test_labels_are_scored_and_confusions_named(make_findings, tmp_path):
    rng = np.random.default_rng(0)
    gold = rng.choice(["NN", "VB", "<UH>", "JJ"], size=400).astype(object)
    predicted = np.where(rng.random(400) < 0.8, gold, "NN").astype(object)
    from neurosieve.analysis.label_scores import confusion

    tables = {
        "label_scores": score(gold, predicted).assign(split="test"),
        "confusion": confusion(gold, predicted).assign(split="test"),
    }
    f = make_findings(tables=tables)
    said = " ".join(label_scores.words(f)).replace(SPACE, " ")
    assert "lowest for “NN”" in said
    assert "taken for “NN”" in said
    table = label_scores.table(f).set_index("label")
    row = tables["label_scores"].set_index("label").loc["NN"]
    assert table.loc["NN", "recall"].replace(SPACE, " ").startswith("100.0 % (")
    assert table.loc["NN", "test words"] == row["support"]
    page = write_report(tmp_path, [f], manifest={}).read_text(encoding="utf-8")
    assert "Which label is taken for which" in page
    assert "<UH>" not in page
