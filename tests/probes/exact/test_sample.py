"""Samples of words: unbiased, of the size asked, and with something of every label."""

from __future__ import annotations

import pytest
import torch

from neurosieve.probes.exact.sample import doubtful_words, sample


def test_a_sample_is_unbiased_and_of_the_size_asked():
    doubt = torch.rand(5000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) ** 8
    rows, chance = sample(doubt, 800)
    assert len(rows) == pytest.approx(800, abs=8)  # the rate is found to 1 %
    assert float((doubt[rows] / chance).sum()) == pytest.approx(float(doubt.sum()), rel=0.01)  # a step of 1 in 800
    everything, chance = sample(doubt, 9999)
    assert len(everything) == 5000
    assert (chance == 1).all()


def test_words_are_ascending_and_those_that_exceed_a_place_are_certain():
    share = torch.ones(1000)
    share[[5, 700]] = 1e6
    rows, chance = sample(share, 50)
    assert (rows.diff() > 0).all()
    assert chance[rows == 5] == 1.0 == chance[rows == 700]
    assert float((1.0 / chance).sum()) == pytest.approx(1000, rel=0.05)  # one in 21 of the others, about 48 of them


def test_words_without_share_are_never_taken():
    share = torch.tensor([0.0, 1.0] * 200)
    for size in (100, 10_000):
        rows, _ = sample(share, size)
        assert (rows % 2 == 1).all()


def test_rare_labels_are_in_the_sample():
    n_words = 20_000
    P = torch.full((3, n_words), 1e-6)
    P[0], P[1] = 0.6, 0.4
    P[2, :20] = 0.5  # the only words in doubt about the third label: a thousandth of all doubt
    P /= P.sum(dim=0)
    omega = torch.full((n_words,), 1.0 / n_words)
    rows, chance = doubtful_words(P, omega, 400)
    assert int((rows < 20).sum()) == 20
    assert float((omega[rows] / chance).sum()) == pytest.approx(1.0, rel=0.02)


def test_certain_words_are_in_the_sample_too():
    n_words = 10_000
    P = torch.stack([torch.ones(n_words), torch.zeros(n_words)])
    P[:, :100] = 0.5
    omega = torch.full((n_words,), 1.0 / n_words)
    rows, _ = doubtful_words(P, omega, 500)
    assert int((rows >= 100).sum()) > 80  # a fifth is spread over all
