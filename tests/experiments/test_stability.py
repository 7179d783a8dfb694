"""Resampling over sentences: what is certain is found every time, what is noise is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.stability import stability
from neurosieve.experiments.stability_tables import jaccard_of_sets
from neurosieve.planted import make_planted
from neurosieve.rankings.weight_mass import weight_mass_ranking

SETTINGS = {"epochs": 30, "batch_size": 100, "learning_rate": 1e-2}


def _splits(y=None):
    planted = make_planted(n_words=1000, n_neurons=50, n_labels=3, n_informative=5, random_state=0)
    labels = planted.y if y is None else y(planted.y)
    parts = (slice(0, 600), slice(600, 800), slice(800, 1000))
    sentences = np.arange(1000) // 8
    return Splits.from_arrays(
        [planted.X[p] for p in parts], [labels[p] for p in parts], sentences=[sentences[p] for p in parts]
    ), planted


@pytest.fixture(scope="module")
def planted_result():
    splits, planted = _splits()
    options = {"sizes": [2, 5, 10], "deltas": [0.02], **SETTINGS}
    return stability(splits, l1=1e-2, l2=0.0, k=5, n_resamples=10, solver="adam", **options), planted


def test_planted_neurons_are_always_selected(planted_result):
    result, planted = planted_result
    assert np.array_equal(np.flatnonzero(result.frequency == 1.0), planted.informative)
    assert result.sampling_jaccard == result.seed_jaccard == 1.0
    assert (result.rank_interval[planted.informative, 1] < 5).all()


def test_shuffled_labels_select_nothing_for_certain():
    splits, _ = _splits(lambda y: np.random.default_rng(0).permutation(y))
    result = stability(splits, l1=1e-3, l2=0.0, k=5, n_resamples=10, solver="adam", **SETTINGS)
    assert result.sampling_jaccard < 0.5
    assert (result.frequency == 1.0).sum() < 5


def test_frequencies_and_intervals_are_those_of_the_resamples(planted_result):
    result, planted = planted_result
    assert result.frequency.sum() == pytest.approx(5)  # five places in every top set
    for interval in (result.rank_interval, result.key_interval):
        assert (interval[:, 0] <= interval[:, 1]).all()
    assert ((result.key_interval >= 0) & (result.key_interval <= 1)).all()
    others = np.setdiff1d(np.arange(50), planted.informative)
    assert (np.diff(result.rank_interval[others]) > 5).mean() > 0.9  # the order of noise is noise
    frame = result.to_frame()
    assert list(frame.columns) == ["frequency", "rank_low", "rank_high", "key_low", "key_high"]
    assert len(frame) == 50


def test_every_score_has_an_interval_and_three_noises(planted_result):
    scores = planted_result[0].scores
    assert len(scores) == 2 * (1 + 6 + 3)  # splits x (all, six ablations, three sizes)
    assert ((scores["low"] <= scores["value"]) & (scores["value"] <= scores["high"])).all()
    assert scores[["low", "high"]].stack().between(0, 1).all()
    assert (scores[["sd_train", "sd_text", "sd_seed"]] >= 0).all(axis=None)
    dev = scores[scores["split"] == "dev"].set_index(["subset", "n_neurons", "fill"])["value"]
    assert dev["top", 10, "zero"] > dev["random", 10, "zero"]
    retrained = scores[(scores["split"] == "dev") & (scores["subset"] == "retrained")]
    assert list(retrained["n_neurons"]) == [2, 5, 10]
    assert retrained["value"].iloc[0] < retrained["value"].iloc[1]  # two of five planted neurons, and all of them


def test_the_interval_of_an_accuracy_is_about_that_of_its_sentences(planted_result):
    scores = planted_result[0].scores
    row = scores[(scores["split"] == "test") & (scores["subset"] == "all")].iloc[0]
    binomial = np.sqrt(row["value"] * (1 - row["value"]) / 200)
    assert (
        binomial / 2.5 < row["sd_text"] < binomial * 2.5
    )  # words are independent here; ten resamples know an sd to a third


def test_minimal_sets_have_an_interval_of_their_size(planted_result):
    result = planted_result[0]
    row = result.sets.iloc[0]
    dev = result.scores[(result.scores["split"] == "dev") & result.scores["fill"].isna()].set_index("n_neurons")[
        "value"
    ]
    assert row["n_neurons"] == min(size for size in (2, 5, 10, 50) if dev[size] + 1e-12 >= dev[50] - 0.02)
    assert row["low"] <= row["n_neurons"] <= row["high"]
    assert 0 < row["sampling_jaccard"] <= 1
    assert 0 < row["seed_jaccard"] <= 1


def test_overlap_begins_certain_and_ends_whole(planted_result):
    overlap = planted_result[0].overlap.set_index("n_neurons")
    assert overlap.loc[5, ["sampling", "seed"]].tolist() == [1.0, 1.0]
    assert overlap.loc[50].tolist() == [1.0, 1.0, 1.0]
    assert (
        overlap.loc[10, "sampling"] < overlap.loc[10, "seed"] <= 1.0
    )  # more differs in other text than in another seed
    assert overlap.loc[10, "chance"] == pytest.approx((10 / 50) / (2 - 10 / 50))


def test_the_exact_solver_has_no_noise_of_seeds():
    splits, _ = _splits()
    result = stability(
        splits, l1=1e-2, l2=1e-3, k=10, n_resamples=3, n_seeds=2, solver="exact", tol=1e-6, scheme="half"
    )
    assert result.seed_jaccard == 1.0
    assert result.sampling_jaccard < 1.0
    assert (result.scores["sd_seed"] == 0).all()
    assert (result.key_interval[:, 1] == 1).any()  # neurons without weight are taken at no share below one


def test_sets_without_regularisation_are_compared_with_all_neurons_without():
    splits, _ = _splits()
    result = stability(
        splits,
        l1=3.0,
        l2=0.0,
        k=5,
        n_resamples=2,
        n_seeds=1,
        sizes=[5, 50],
        deltas=[0.05],
        regularize=False,
        solver="adam",
        **SETTINGS,
    )
    kept = result.scores[(result.scores["split"] == "test") & result.scores["subset"].isin(["all", "retrained"])]
    value = kept.set_index(["subset", "n_neurons"])["value"]
    assert value["retrained", 50] > value["all", 50] + 0.1  # the oracle's l1 allows it no weights
    assert result.seed_jaccard is None
    assert np.isnan(result.sets["seed_jaccard"]).all()


def test_real_values_are_scored_by_the_variance_they_explain():
    splits, planted = _splits()
    X = [splits.train.activations, splits.dev.activations, splits.test.activations]
    a, b = planted.informative[:2]
    values = [x[:, a] - x[:, b] for x in X]
    real = splits.with_labels(*[v.astype(float) for v in values])
    result = stability(real, l1=1e-3, l2=0.0, k=2, n_resamples=4, n_seeds=2, solver="adam", **SETTINGS)
    whole = result.scores[result.scores["subset"] == "all"]
    assert (whole["value"] > 0.95).all()  # the values are linear in two neurons
    assert set(np.flatnonzero(result.frequency == 1.0)) == {a, b}


def test_progress_is_one_bar_from_nothing_to_all():
    splits, _ = _splits()
    seen = []
    stability(
        splits,
        l1=1e-3,
        l2=0.0,
        n_resamples=2,
        n_seeds=1,
        sizes=[5],
        progress=lambda done, total: seen.append(done / total),
        solver="adam",
        **SETTINGS,
    )
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_jaccard_by_hand():
    one, two = (weight_mass_ranking(np.array([row])) for row in ([4.0, 3.0, 2.0, 1.0], [4.0, 1.0, 3.0, 2.0]))
    assert jaccard_of_sets([one.top(2), two.top(2)]) == pytest.approx(1 / 3)


def test_refused():
    splits, _ = _splits()
    with pytest.raises(NeurosieveError, match="two resamples at least"):
        stability(splits, l1=0, l2=0, n_resamples=1, solver="adam")
    with pytest.raises(NeurosieveError, match="sizes holds 51; expected numbers from 1 to 50"):
        stability(splits, l1=0, l2=0, sizes=[51], solver="adam")
    blind = replace(splits, test=replace(splits.test, sentences=None))
    with pytest.raises(NeurosieveError, match="does not know which words form a sentence"):
        stability(blind, l1=0, l2=0, n_resamples=2, n_seeds=1, epochs=1, solver="adam")
    with pytest.raises(NeurosieveError, match="sentence numbers for"):
        replace(splits.train, sentences=np.arange(3))
