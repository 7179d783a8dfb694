"""Ablation in the probe is ablation of the activations: other neurons set to zero, or to their mean."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.ablation import ablate, ablated_probes

ONE_WORD = 1.01 / 300
"""A word whose two best labels are equal to rounding may fall to either side; dev has 300 words."""


@pytest.mark.parametrize("keep", [0.02, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_equals_setting_the_columns_of_the_matrix(splits, oracle, ranking, keep, fill):
    means = splits.train.activations.mean(axis=0)
    result = ablate(oracle, ranking, splits.dev, keep=keep, fill=fill, means=means, random_state=4)
    n = ranking.count(keep)
    subsets = {"all": np.arange(50), "top": ranking.top(n), "random": ranking.random(n, 4), "bottom": ranking.bottom(n)}
    assert list(result.accuracy) == list(subsets)
    for name, kept in subsets.items():
        X = np.tile(means if fill == "mean" else np.zeros_like(means), (300, 1)).astype(np.float32)
        X[:, kept] = splits.dev.activations[:, kept]
        expected = oracle.score(X, splits.dev.y)
        assert result.accuracy[name] == pytest.approx(expected, abs=ONE_WORD), name
    assert (result.n_kept, result.keep, result.fill) == (n, keep, fill)


def test_exactly_that_many_neurons_are_kept(oracle, ranking):
    probes = ablated_probes(oracle, ranking, keep=0.2)
    assert {name: len(p.columns) for name, p in probes.items()} == {"all": 50, "top": 10, "random": 10, "bottom": 10}
    assert set(probes["top"].columns) == set(ranking.top(10))
    assert set(probes["bottom"].columns) == set(ranking.bottom(10))
    assert not set(probes["top"].columns) & set(probes["bottom"].columns)


def test_the_top_keeps_more_than_random_and_random_more_than_the_bottom(splits, oracle, ranking):
    """The 8 informative neurons are among the top 10; a mean fill, since the offset would shift zeroed scores."""
    means = splits.train.activations.mean(axis=0)
    seeds = [ablate(oracle, ranking, splits.dev, fill="mean", means=means, random_state=s).accuracy for s in range(5)]
    top, bottom = seeds[0]["top"], seeds[0]["bottom"]
    assert top > 0.9 * seeds[0]["all"]
    assert top > np.mean([s["random"] for s in seeds]) > bottom
    assert bottom < 0.5  # chance is about 0.25
    assert len({s["random"] for s in seeds}) > 1
    assert {s["top"] for s in seeds} == {top}


def test_frame(splits, oracle, ranking):
    frame = ablate(oracle, ranking, splits.dev, keep=0.2).to_frame()
    assert frame["subset"].tolist() == ["all", "top", "random", "bottom"]
    assert frame["fraction"].tolist() == [1.0, 0.2, 0.2, 0.2]
    assert frame["n_neurons"].tolist()[1:] == [10, 10, 10]
    assert frame["fill"].tolist()[1:] == ["zero"] * 3
    assert frame["accuracy"].between(0, 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "median"}, "fill is 'median'; expected 'zero' or 'mean'"),
        ({"fill": "mean"}, "fill='mean' needs means"),
        ({"fill": "mean", "means": np.zeros(3)}, r"fill has shape \(3,\)"),
        ({"keep": 1.5}, "of 50 neurons"),
    ],
)
def test_refused(splits, oracle, ranking, options, message):
    with pytest.raises(NeurosieveError, match=message):
        ablate(oracle, ranking, splits.dev, **options)
