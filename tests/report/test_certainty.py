"""How sure we are, in words: each sentence follows from the numbers, both ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from neurosieve.report.cell import in_short
from neurosieve.report.html import write_report
from neurosieve.report.numbers import SPACE
from neurosieve.report.sections import agreement, certainty, neurons


def said(findings) -> str:
    return " ".join(certainty.words(findings)).replace(SPACE, " ")


def test_without_resamples_the_page_says_so(findings):
    assert "The text was not resampled" in said(findings)
    assert "resamples" not in dict(in_short(findings))["Stability"]
    assert certainty.table(findings) is None


def test_frequencies_noises_and_sets(make_findings, make_certainty):
    f = make_findings(certainty=make_certainty())
    text = said(f)
    assert "20 resamples of the sentences (drawn with replacement)" in text
    assert "3 neurons are in the top 32 of at least nine in ten resamples, and 100 of 100 in that of any" in text
    assert "two resamples share 50 % of their union, those of two seeds on one resample 70 % (chance: 19 %)" in text
    assert "Other text changes the set more than another seed does" in text
    assert "25 to 40 over resamples" in text
    assert dict(in_short(f))["Stability"].startswith("3 neurons are in the top 32 of at least nine in ten")


def test_the_verdict_follows_from_the_noises(make_findings, make_certainty):
    for values, verdict in (
        ({"seed_jaccard": 0.4}, "not converged enough to tell"),
        ({"seed_jaccard": 1.0}, "The optimiser adds no noise of its own"),
        ({"seed_jaccard": None}, "one seed only"),
    ):
        assert verdict in said(make_findings(certainty=make_certainty(**values)))


def test_the_list_says_what_its_neurons_do(make_findings, make_certainty):
    sure = make_certainty()
    text = said(make_findings(certainty=sure))
    assert "3 neurons hold more of the weights than such labels give them, at a rate of 10 % false entries" in text
    assert "tell occurrences of the same word apart" in text
    assert "L0N3" in text
    text = said(make_findings(certainty=make_certainty(null="sentences")))
    assert "No word type has two labels" in text
    assert "in any way" in text
    nothing = make_certainty(neurons=sure.neurons.assign(q_value=1.0))
    assert "none can be named" in said(make_findings(certainty=nothing))


def test_gaps_are_stated_and_judged(make_findings):
    table = pd.DataFrame({"seed": [0, 1], "objective": [0.5, 0.5], "gap": [4e-5, 1e-5], "n_passes": [80, 90]})
    settings = {**make_findings().settings, "tol": 1e-4}
    assert "at most 0.008 % above the lowest" in said(make_findings(certificate=table, settings=settings))
    assert "asked for" not in said(make_findings(certificate=table, settings=settings))
    far = table.assign(gap=[1e-2, 1e-5])
    assert "2.000 % above" in said(make_findings(certificate=far, settings=settings))
    assert "That is more than the 0.010 % asked for" in said(make_findings(certificate=far, settings=settings))
    assert "certified" not in said(make_findings(certificate=table.assign(gap=None)))


def test_the_tables_hold_intervals(make_findings, make_certainty):
    f = make_findings(certainty=make_certainty())
    table = certainty.table(f)
    assert table["95 % interval"].tolist() == ["88.00 to 92.00"] * 4
    assert table["probe"].tolist()[1:3] == ["top neurons, others zero", "top neurons, others mean"]
    alone = f.certainty.scores.assign(sd_seed=np.nan)
    one_seed = make_findings(certainty=make_certainty(scores=alone))
    assert set(certainty.table(one_seed)["spread: seed"]) == {""}
    top = neurons.table(f)
    assert {"resamples", "rank, 95 %"} <= set(top.columns)


def test_the_page_shows_figures_and_table(make_findings, make_certainty, tmp_path):
    page = write_report(tmp_path, [make_findings(certainty=make_certainty())], manifest={}).read_text(encoding="utf-8")
    assert "95 % interval" in page
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"tiny--pos--noise.svg", "tiny--pos--rank-intervals.csv"} <= names


def test_agreement_of_seeds_is_not_claimed_of_probes_that_do_not_depend_on_them(make_findings):
    found = make_findings()
    exact = replace(found, settings={**found.settings, "solver": "exact"})
    assert "of two seeds share" in " ".join(agreement.words(found))
    assert agreement.words(exact) == [
        "The probe on all neurons is solved to its optimum, so its ranking and its minimal sets do not depend on the seed."
    ]
    assert "of two seeds share" not in dict(in_short(exact))["Stability"]
