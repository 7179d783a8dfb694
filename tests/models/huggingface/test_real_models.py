"""The real pretrained encoder and decoder: parity, long sentences, and alignment by their own tokenizers."""

from __future__ import annotations

import time

import numpy as np
import pytest

from neurosieve.models.load import load_model

WORDS = [
    ["Al-Zaman", ":", "American", "forces", "killed", "Shaikh", "Abdullah", "al-Ani", ",", "the", "preacher", "."],
    ["He", "did", "n't", "pay", "£5", "for", "a", "crème", "brûlée", "...", "(", "did", "he", "?", ")", "\u2603"],
    ["OK"],
    ["New York", "'s", "3,500", "e-mail", "addresses", ":", "info@example.org", ";", "#", "~"],
]

TOLERANCE = 1e-5
"""As a share of the layer's largest value: float32 rounding of sums over some hundred terms."""


def agree(found, expected):
    for words, wanted in zip(found, expected, strict=True):
        for got, layer in zip(words.layers, wanted, strict=True):
            np.testing.assert_allclose(got, layer, atol=TOLERANCE * max(1, np.abs(layer).max()), rtol=0)


@pytest.mark.parametrize("pooling", ["last", "first", "mean"])
def test_the_encoder_equals_a_forward_pass_of_one_sentence(minilm, plain_forward, pooling):
    model = load_model(minilm, pooling=pooling)
    assert (model.n_layers, model.width, model.n_neurons, model.window) == (7, 384, 2688, 512)
    agree(model.embed(WORDS), [plain_forward(minilm, words, pooling) for words in WORDS])


@pytest.mark.parametrize("pooling", ["last", "first", "mean"])
def test_the_decoder_equals_a_forward_pass_of_one_sentence(shared_data, plain_forward, pooling):
    folder = shared_data / "stories260k"
    model = load_model(folder, pooling=pooling)
    assert (model.n_layers, model.width, model.window) == (6, 64, 512)
    agree(model.embed(WORDS), [plain_forward(folder, words, pooling) for words in WORDS])


def test_company_does_not_matter(minilm):
    model = load_model(minilm)
    together = model.embed(WORDS)
    model.batch_tokens = 1
    agree(together, [found.layers for found in model.embed(WORDS)])


def test_a_sentence_longer_than_the_window(minilm):
    model = load_model(minilm)
    words = [word for _ in range(40) for sentence in WORDS for word in sentence]
    (found,) = model.embed([words])
    assert found.n_windows >= 4
    assert found.kept.all()
    assert all(np.isfinite(layer).all() for layer in found.layers)


def test_the_digest_is_cheap_and_stable(minilm):
    started = time.perf_counter()
    first = load_model(minilm, self_test=False).info
    elapsed = time.perf_counter() - started
    assert first.digest == load_model(minilm, self_test=False).info.digest
    assert first.architecture == "BertModel"
    assert elapsed < 20  # a digest of 90 MB takes a tenth of a second; the bound is wide for busy machines


def test_sites_of_the_real_encoder(minilm):
    for site, width in (("mlp", 1536), ("attention", 384), ("heads", 384)):
        model = load_model(minilm, site=site)
        assert [layer.name for layer in model.layers] == [f"L{i}.{site}" for i in range(1, 7)]
        assert model.embed(WORDS[:1])[0].layers[5].shape == (len(WORDS[0]), width)
