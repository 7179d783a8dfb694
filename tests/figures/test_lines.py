"""What the curve, the heat map and the agreement of seeds draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from neurosieve import figures
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.ablation import ablate
from neurosieve.experiments.minimal import minimal_neurons
from neurosieve.figures import lambda_components, lambda_search, minimal_curve, seed_agreement
from neurosieve.figures.agreement import overlap_of_seeds
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import ProbeSpec
from neurosieve.rankings.weight_mass import weight_mass_ranking


def test_the_curve_has_a_line_a_seed_the_oracle_and_the_chosen_sizes(findings):
    ax = minimal_curve(findings)
    lines = {line.get_label(): line for line in ax.lines}
    assert [name for name in lines if name.startswith("seed")] == ["seed 0", "seed 1", "seed 2"]
    np.testing.assert_allclose(lines["seed 1"].get_ydata(), findings.curves.query("seed == 1")["dev"])
    np.testing.assert_allclose(lines["oracle, all 100 neurons"].get_ydata(), 0.91)
    assert lines["within 0.5 points: 32 neurons (32.0 %)"].get_xdata().tolist() == [30, 32, 34]
    assert ax.get_xscale() == "log"


def test_each_delta_is_a_band_below_the_oracle(findings):
    ax = minimal_curve(findings)
    bands = sorted((p.get_y(), p.get_y() + p.get_height()) for p in ax.patches if isinstance(p, Rectangle))
    np.testing.assert_allclose(bands, [(0.89, 0.91), (0.905, 0.91)])


def test_a_curve_of_one_size_is_drawn(findings, make_findings):
    one = make_findings(
        curves=findings.curves.query("n_neurons == 7"),
        minimal=findings.minimal.assign(n_neurons=7).query("delta < 0.01"),
    )
    ax = minimal_curve(one)
    low, high = ax.get_xlim()
    assert low < 7 < high


def test_the_heat_map_prints_every_score_and_outlines_the_chosen_pair(findings):
    ax = lambda_search(findings)
    printed = {(t.get_position()): t.get_text() for t in ax.texts}
    assert len(printed) == len(findings.search)
    assert printed[(0, 2)] == "16.5"  # l1 = 0.01, l2 = 0: 100 * (0.15 + 0.015)
    outline = [p for p in ax.patches if isinstance(p, Rectangle)]
    assert {p.get_xy() for p in outline} == {(-0.5, 1.5)}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0", "0.001", "0.01"]


def test_a_table_alone_outlines_its_best_pair(findings):
    table = findings.search.assign(score=lambda t: -t["l1"] - t["l2"])
    assert "chosen: l1 = 0, l2 = 0" in lambda_search(table).get_title(loc="left")
    assert "chosen: l1 = 0.001, l2 = 0" in lambda_search(table, chosen=(1e-3, 0.0)).get_title(loc="left")


def test_an_incomplete_grid_leaves_holes(findings):
    ax = lambda_search(findings.search.iloc[1:])
    assert len(ax.texts) == len(findings.search) - 1


def test_components_are_ordered_by_score(findings):
    ax = lambda_components(findings)
    top = next(line for line in ax.lines if line.get_label() == "top kept")
    np.testing.assert_allclose(top.get_ydata(), findings.search.sort_values("score", ascending=False)["a_top"])
    assert ax.get_xticklabels()[0].get_text() == "0.01, 0"


def test_many_pairs_are_not_named(findings):
    many = pd.concat([findings.search] * 9, ignore_index=True)
    assert lambda_components(many).get_xlabel() == "pairs of lambdas, best score first"


def test_overlap_is_one_for_equal_rankings_and_chance_for_random_ones():
    n = 2000
    order = np.random.default_rng(0).permutation(n)
    assert (overlap_of_seeds(pd.DataFrame({0: order, 1: order}), [1, 20, n])["mean"] == 1).all()
    rng = np.random.default_rng(1)
    table = overlap_of_seeds(pd.DataFrame({s: rng.permutation(n) for s in range(6)}), [400])
    # 15 pairs of sets of 400 of 2,000: the shared count 80 +- 7 makes a Jaccard of 0.111 +- 0.011, its mean +- 0.004.
    assert table["mean"].iloc[0] == pytest.approx(table["chance"].iloc[0], abs=0.02)


def test_overlap_counts_shared_neurons_exactly():
    ranks = pd.DataFrame({0: [0, 1, 2, 3], 1: [1, 0, 3, 2]})
    table = overlap_of_seeds(ranks, [1, 2, 3, 4, 9])
    assert table["n_neurons"].tolist() == [1, 2, 3, 4]  # 9 neurons do not exist
    np.testing.assert_allclose(table["mean"], [0.0, 1.0, 2 / 4, 1.0])


def test_agreement_of_one_seed_is_refused(findings):
    assert seed_agreement(findings).get_ylabel() == "Jaccard overlap"
    with pytest.raises(NeurosieveError, match="one seed only"):
        seed_agreement(findings.ranks[[0]])


def test_figures_take_the_results_they_are_named_after() -> None:
    planted = make_planted(n_words=600, n_neurons=30, n_labels=3, n_informative=3, random_state=0)
    X, y = planted.X, planted.y
    splits = Splits.from_arrays((X[:400], X[400:500], X[500:]), (y[:400], y[400:500], y[500:]))
    probe = fit_probes(splits.train.activations, [ProbeSpec(splits.train.y, l1=1e-3, l2=1e-3)], "adam")[0]
    ranking = weight_mass_ranking(probe)
    found = minimal_neurons(probe, ranking, splits, deltas=[0.1], step=0.2, solver="adam")
    ax = figures.minimal_curve(found)
    assert next(line.get_label() for line in ax.lines) == "oracle, all 30 neurons"
    bars = figures.ablation(ablate(probe, ranking, splits.test))
    assert [tick.get_text() for tick in bars.get_xticklabels()] == [
        "all",
        *(f"{n}\n6 neurons" for n in ("top", "random", "bottom")),
    ]
    with pytest.raises(NeurosieveError, match="found a str; expected findings, or the result of minimal_neurons"):
        figures.minimal_curve("a")  # type: ignore[arg-type]
