"""Sentences longer than the window: every word has a vector, from the window in which it has most context."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.models.load import load_model

TOLERANCE = 1e-5
"""As for batches: float32 rounding of values of order 1."""


@pytest.mark.parametrize("name", ["bert", "roberta", "mpnet", "gpt2", "opt", "bart"])
def test_long_sentences_are_read_in_windows(tiny_model, plain_forward, sentences, name):
    """Every word has a vector, each from a forward pass of one of the windows."""
    model = load_model(tiny_model(name))
    long = [word for words in sentences * 3 for word in words]
    (found,) = model.embed([long])
    assert model.window == 64
    assert found.n_windows > 3
    assert found.kept.sum() == sum(len(plain_forward(tiny_model(name), words)[0]) for words in sentences * 3)
    first = model.embed([long[:9]])[0].layers[0]
    # Layer 0 knows the position in its window alone: that of the first words is the same in any sentence.
    np.testing.assert_allclose(found.layers[0][: len(first)], first, atol=TOLERANCE, rtol=0)
    assert all(np.isfinite(layer).all() and (np.abs(layer).sum(1) > 0).all() for layer in found.layers)


def test_a_window_gives_the_vectors_of_its_own_forward_pass(tiny_model):
    """Each word of a decoder comes from the window that holds most before it, or the begin of the sentence."""
    from transformers import AutoModel

    model = load_model(tiny_model("gpt2"))
    words = [chr(ord("a") + i % 26) for i in range(96)]
    (sentence,), (found,) = model.tokenizer([words]), model.embed([words])
    windows = [(start, start + 64) for start in (*range(0, len(sentence.ids) - 64, 32), len(sentence.ids) - 64)]
    assert found.n_windows == len(windows) > 2
    network = AutoModel.from_pretrained(tiny_model("gpt2")).eval()
    with torch.no_grad():
        states = [network(torch.tensor(sentence.ids[None, a:b]), output_hidden_states=True) for a, b in windows]
    for word in range(len(words)):
        first, *_, last = [*np.flatnonzero(sentence.words == word)] * 2
        holding = [i for i, (a, b) in enumerate(windows) if a <= first and last < b]
        best = 0 if 0 in holding else max(holding, key=lambda i: first - windows[i][0])
        for layer, state in zip(found.layers, states[best].hidden_states, strict=True):
            np.testing.assert_allclose(layer[word], state[0, last - windows[best][0]], atol=TOLERANCE, rtol=0)


def test_a_relative_position_model_without_limit_needs_no_windows(tiny_model, sentences):
    model = load_model(tiny_model("xlnet"))
    long = [word for words in sentences * 3 for word in words]
    assert model.window is None
    assert model.embed([long])[0].n_windows == 1
