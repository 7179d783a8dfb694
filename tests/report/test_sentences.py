"""The sentences are true for good, bad and missing outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.report import overview
from neurosieve.report.cautions import of_activations
from neurosieve.report.cell import cautions, in_short
from neurosieve.report.section import sentences
from neurosieve.report.sections import (
    ablation,
    accuracy,
    agreement,
    labels,
    lambdas,
    layers,
    minimal,
    neurons,
    selectivity,
)


def said(sentences_of, f) -> str:
    return " ".join(sentences(sentences_of(f))).replace("\u00a0", " ")


def test_oracle_states_mean_range_and_what_a_guess_would_get(findings):
    text = said(accuracy.words, findings)
    assert "91.00 % (90.00 to 92.00 over 3 seeds) of the 400 test words" in text
    assert "“NN”, would get 50.00 %" in text
    assert "41.00 points above" in text


def test_an_oracle_that_is_no_better_than_guessing_is_called_so(findings, make_findings):
    bad = make_findings(oracle=findings.oracle.assign(score=0.5))
    assert "not above that guess" in said(accuracy.words, bad)
    assert any("not better than always giving" in w for w in cautions(bad))


def test_search_names_the_pair_its_parts_and_its_edge(findings, make_findings):
    text = said(lambdas.words, findings)
    assert "Of 9 pairs of lambdas, l1 = 0.01 and l2 = 0 has the highest score on dev, 16.50 points" in text
    assert "1 other pair comes within half a point" in text
    assert "For l1 the largest value tried was chosen" in text
    plain = said(lambdas.words, make_findings(l1=0.0, l2=0.0))
    assert "the pair without any regularisation" in plain
    assert "largest value" not in plain


@pytest.mark.parametrize(("score", "verdict"), [(0.90, "less"), (0.95, "more"), (0.92, "as much")])
def test_search_compares_with_no_regularisation(findings, make_findings, score, verdict):
    table = findings.search.copy()
    table.loc[(table["l1"] == 0.01) & (table["l2"] == 0), "a_all"] = score
    assert f"{verdict}." in said(lambdas.words, make_findings(search=table))


def test_ablation_that_supports_the_ranking(findings):
    text = said(ablation.words, findings)
    assert "beat both in every seed, by 40.00 points" in text
    assert "does not support" not in text
    assert not any("support" in w for w in cautions(findings))


def test_ablation_where_random_beats_top_says_so(findings, make_findings):
    swapped = findings.ablation.replace({"subset": {"top": "random", "random": "top"}})
    bad = make_findings(ablation=swapped)
    assert "do not beat the random ones on average (0 of 3 seeds): this ablation does not support the ranking" in said(
        ablation.words, bad
    )
    assert sum("does not support the ranking" in w for w in cautions(bad)) == 2  # zero and mean


def test_ablation_where_seeds_differ_counts_them(findings, make_findings):
    table = findings.ablation.copy()
    table.loc[(table["subset"] == "top") & (table["seed"] == 2), "score"] = 0.1
    assert "only in 2 of 3 seeds" in said(ablation.words, make_findings(ablation=table))


def test_ablation_tells_shifted_scores_from_lost_information(findings, make_findings):
    assert "shifted scores" not in said(ablation.words, findings)
    table = findings.ablation.copy()
    table.loc[(table["subset"] == "random") & (table["fill"] == "zero"), "score"] = 0.1
    assert "the mean gives 33.00 points more than zero" in said(ablation.words, make_findings(ablation=table))
    table.loc[(table["subset"] == "random") & (table["fill"] == "zero"), "score"] = 0.7
    assert "zero gives 27.00 points more than the mean" in said(ablation.words, make_findings(ablation=table))


def test_minimal_states_size_share_range_and_test(findings):
    text = said(minimal.words, findings)
    assert (
        "Within 0.5 points of the probe on all neurons, on dev: 32 neurons, 32.0 % of all (30 to 34 over 3 seeds)"
        in text
    )
    assert "90.50 % (89.50 to 91.50 over 3 seeds) on test, 0.50 points below" in text
    assert "larger than what was allowed" not in text  # a loss of exactly delta
    assert "more than half" not in text


@pytest.mark.parametrize(
    ("size", "words"),
    [(60, "more than half of the neurons"), (100, "all neurons are needed"), (1, "fewer may suffice")],
)
def test_minimal_says_plainly_when_the_set_is_large_or_the_first(findings, make_findings, size, words):
    assert words in said(minimal.words, make_findings(minimal=findings.minimal.assign(n_neurons=size)))


def test_minimal_says_when_test_loses_more_or_nothing(findings, make_findings):
    worse = findings.minimal.assign(test=0.5)
    assert "larger than what was allowed on dev" in said(minimal.words, make_findings(minimal=worse))
    better = findings.minimal.assign(test=0.99)
    assert "points above the probe on all neurons" in said(minimal.words, make_findings(minimal=better))


def test_selectivity_up_down_and_mixed(findings, make_findings):
    assert "30.00 points (30.00 to 30.00 over 3 seeds), higher than with all neurons in every seed" in said(
        selectivity.words, findings
    )
    down = findings.selectivity.copy()
    down.loc[down["subset"] == "minimal", "selectivity"] = 0.1
    assert "lower than with all neurons in every seed" in said(selectivity.words, make_findings(selectivity=down))
    down.loc[(down["subset"] == "minimal") & (down["seed"] == 1), "selectivity"] = 0.2
    assert "higher than with all neurons in 1 of 3 seeds" in said(selectivity.words, make_findings(selectivity=down))


def test_selectivity_below_zero_and_unknown(findings, make_findings):
    below = make_findings(selectivity=findings.selectivity.assign(selectivity=-0.02))
    assert "says nothing about the model" in said(selectivity.words, below)
    assert any("not selective" in w for w in cautions(below))
    none = make_findings(selectivity=findings.selectivity.iloc[:0])
    assert said(selectivity.words, none).startswith("No control tasks were run")
    assert ("Selectivity", "Unknown: no control tasks were run.") in in_short(none)


def test_agreement_counts_the_neurons_of_every_seed(findings, make_findings):
    same = make_findings(
        ranks=findings.ranks.assign(**{"1": findings.ranks[0]})[[0, "1"]].set_axis([0, 1], axis=1),
        minimal=findings.minimal.query("seed < 2").assign(n_neurons=30),
    )
    text = said(agreement.words, same)
    assert "The top 30 neurons of two seeds share 100 % of their union on average (chance: 18 %)" in text
    assert "Of the 30 neurons in any seed's minimal set of 0.5 points, 30 are in every seed's" in text


def test_one_seed_makes_no_claims_of_spread(findings, make_findings):
    one = make_findings(
        **{
            name: getattr(findings, name).query("seed == 0")
            for name in ("oracle", "ablation", "minimal", "curves", "selectivity")
        },
        ranks=findings.ranks[[0]],
        settings={**findings.settings, "seeds": 1},
    )
    everything = " ".join(
        said(part, one)
        for part in (
            accuracy.words,
            minimal.words,
            ablation.words,
            selectivity.words,
            agreement.words,
        )
    )
    assert "over 3 seeds" not in everything
    assert "in every seed" not in everything
    assert "There is one seed only" in everything
    assert any(w.startswith("One seed only") for w in cautions(one))


def test_layers_name_the_peak_and_what_chance_cannot_explain(findings, make_findings):
    table = findings.layers.assign(n_selected=[32.0, 0.0, 0.0, 0.0])
    text = said(layers.words, make_findings(layers=table))
    assert "than L0: 32 of 32 neurons, mean over seeds (chance: 8)" in text
    assert "come from L0; fewer from L1, L2, L3" in text
    assert "75 % of it would have to sit in other layers" in text
    even = findings.layers.assign(n_selected=8.0, expected=8.0)
    assert "come from no layer; fewer from no layer" in said(layers.words, make_findings(layers=even))
    full = findings.layers.assign(n_selected=25.0, expected=25.0)
    assert "holds every neuron" in said(layers.words, make_findings(layers=full))


def test_labels_say_which_are_distributed_and_which_focused(findings, make_findings):
    table = findings.labels.assign(n_neurons=[20, 2, 5, 6, 1, 9], n_exclusive=[9, 0, 0, 0, 0, 3])
    text = said(labels.words, make_findings(labels=table))
    assert "between 1 and 20" in text
    assert "Most distributed: “NN” 20, “É&” 9" in text
    assert "Most focused: “<UH>” 1, “VB” 2" in text
    assert "12 of the 32 neurons (38 %) are taken by one label alone" in text
    same = findings.labels.assign(n_neurons=4)
    assert "Every one of the 6 labels takes 4" in said(labels.words, make_findings(labels=same))


def test_top_neurons_show_ranks_mass_and_the_labels_that_take_them(findings):
    table = neurons.table(findings, most=3)
    first = int(findings.ranking.order[0])
    assert table["neuron"].iloc[0] == findings.neurons["neuron"].iloc[first]
    assert table["rank, seed 0"].tolist() == [0, 1, 2]
    assert table["rank, seed 1"].iloc[0] == findings.ranks[1].iloc[first]
    label = findings.ranking.labels[np.argmin(findings.ranking.label_keys[:, first])]
    assert table["labels that take it first"].iloc[0].startswith(f"“{label}” (1st)")


def test_words_and_labels_that_weaken_the_findings_are_told(findings, make_findings):
    assert cautions(findings) == []
    counts = findings.label_counts.assign(train=[500, 200, 150, 80, 3, 1], test=[200, 80, 60, 30, 30, 0])
    warned = make_findings(
        label_counts=counts,
        unseen={"dev": 0, "test": 8},
        settings={**findings.settings, "grid": "quick"},
        minimal=findings.minimal.assign(n_neurons=51),
    )
    text = said(cautions, warned)
    assert "8 of the 400 test words (2.00 %) have a label that train lacks" in text
    assert "no accuracy can be higher than 98.00 %" in text
    assert "2 labels have fewer than 10 training words; what is said of them is weak: “É&” 1, “<UH>” 3" in text
    assert "1 label does not occur in test" in text
    assert "needs 51.0 % of the neurons: more than half" in text
    assert "quick grid" in text


def test_words_that_could_not_be_stored_are_told():
    store = {
        "folder": "bert--ewt",
        "n_left_out": 21,
        "left_out": [{"sentence": 1, "position": 2, "word": "\u200b"}],
        "n_windowed": 3,
        "unknown_share": 0.2,
    }
    text = " ".join(of_activations([store])).replace("\u00a0", " ")
    assert "bert--ewt: words that could not be stored" in text
    assert r"21, such as “\u200b”" in text
    assert "overlapping windows: 3" in text
    assert "20.0 % of the sub-words are unknown" in text
    assert of_activations([{"folder": "x", "n_left_out": 0, "unknown_share": 0.01}, {}]) == []


def test_several_cells_are_compared(findings, make_findings):
    small = make_findings(prop="sem", minimal=findings.minimal.assign(n_neurons=5))
    text = " ".join(overview.compared([findings, small])).replace("\u00a0", " ")
    assert "sem in tiny needs the smallest share of the neurons (5.0 %), pos in tiny the largest (32.0 %)" in text
    same = " ".join(overview.compared([findings, make_findings(model="b")])).replace("\u00a0", " ")
    assert "all need 32.0 % of the neurons" in same
    shared = overview.shared_neurons([findings, small, make_findings(model="b")])
    assert shared[["model", "property", "with", "shared", "chance"]].to_numpy().tolist() == [
        ["tiny", "pos", "sem", 5, "1.5"]
    ]
