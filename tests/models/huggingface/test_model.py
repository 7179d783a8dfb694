"""Vectors are those of a plain forward pass of one sentence, whatever stands in the batch."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import ModelError
from neurosieve.models.load import load_model

ENCODERS = ["bert", "distilbert", "albert", "electra", "deberta-v2", "mpnet", "modernbert", "roberta", "xlnet"]
DECODERS = ["gpt2", "gpt_neox", "llama", "qwen2", "qwen3", "opt"]
TWO_SIDED = ["t5", "bart"]
FAMILIES = ENCODERS + DECODERS + TWO_SIDED

TOLERANCE = 1e-5
"""Batched and single products round differently in float32; the values are of order 1, so this is about 100 ulp."""


@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize("name", FAMILIES)
def test_vectors_equal_a_forward_pass_of_one_sentence(tiny_model, plain_forward, sentences, name, pooling):
    model = load_model(tiny_model(name), pooling=pooling, device="cpu")
    for words, found in zip(sentences, model.embed(sentences), strict=True):
        expected = plain_forward(tiny_model(name), words, pooling)
        assert len(found.layers) == len(expected) == model.n_layers
        for layer, wanted, got in zip(model.layers, expected, found.layers, strict=True):
            assert got.shape == wanted.shape == (found.kept.sum(), layer.width)
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, wanted, atol=TOLERANCE, rtol=0, err_msg=f"{name} {layer.name}")


def test_first_sub_word(tiny_model, plain_forward, sentences):
    model = load_model(tiny_model("bert"), pooling="first")
    for words, found in zip(sentences, model.embed(sentences), strict=True):
        for wanted, got in zip(plain_forward(tiny_model("bert"), words, "first"), found.layers, strict=True):
            np.testing.assert_allclose(got, wanted, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_company_does_not_matter(tiny_model, sentences, name):
    """One batch of everything, batches of one, and another order give the same vectors."""
    model = load_model(tiny_model(name))
    results = []
    for batch_tokens in (100_000, 1, 40):
        model.batch_tokens = batch_tokens
        results.append(model.embed(sentences))
    results.append(model.embed(sentences[::-1])[::-1])
    for first, *others in zip(*results, strict=True):
        for other in others:
            for x, y in zip(first.layers, other.layers, strict=True):
                np.testing.assert_allclose(x, y, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", ["bert", "albert", "xlnet", "llama", "opt", "t5", "bart"])
def test_only_layers_that_are_asked_for(tiny_model, sentences, name):
    whole, part = load_model(tiny_model(name)), load_model(tiny_model(name), layers=[1, 0])
    chosen = [i for i, layer in enumerate(whole.layers) if layer.depth < 2]
    assert part.layers == tuple(whole.layers[i] for i in chosen)
    for a, b in zip(whole.embed(sentences), part.embed(sentences), strict=True):
        for i, got in zip(chosen, b.layers, strict=True):
            np.testing.assert_allclose(got, a.layers[i], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("name", "layers", "n_run"), [("gpt2", [1], 2), ("gpt2", [3], 3), ("bart", ["enc.L0"], 1)])
def test_blocks_above_the_highest_layer_do_not_run(tiny_model, name, layers, n_run):
    """One block more than needed runs, as a last hidden state would pass through the final norm."""
    model = load_model(tiny_model(name), layers=layers)
    calls = []
    for module in model._reader._model.modules():
        if "Block" in type(module).__name__ or "Layer" in type(module).__name__.removesuffix("LayerNorm"):
            module.register_forward_hook(lambda module, *_: calls.append(type(module).__name__))
    model.embed([["The", "cat"]])
    assert len(calls) == n_run


def test_words_without_sub_words_have_no_vector(tiny_model):
    model = load_model(tiny_model("bert"))
    some, none, whole = model.embed([["The", "\u200b", "cat", ""], ["\u200b"], ["The", "cat"]])
    assert some.kept.tolist() == [True, False, True, False]
    assert none.kept.tolist() == [False]
    assert [layer.shape for layer in none.layers] == [(0, 32)] * 4
    for a, b in zip(some.layers, whole.layers, strict=True):
        np.testing.assert_allclose(a, b, atol=TOLERANCE, rtol=0)


def test_unknown_sub_words_are_counted(tiny_model):
    model = load_model(tiny_model("bert"))
    found = model.embed([["The", "\u2603", "cat", "\u2603"]])[0]
    assert (found.n_unknown, found.n_subwords) == (2, len(model.tokenizer([["The", "\u2603", "cat", "\u2603"]])[0].ids))
    assert load_model(tiny_model("gpt2")).embed([["\u2603"]])[0].n_unknown == 0  # bytes are never unknown


def test_special_tokens_in_a_text_are_plain_text(tiny_model):
    model = load_model(tiny_model("bert"))
    (sentence,) = model.tokenizer([["[SEP]", "[PAD]"]])
    assert not set(sentence.ids.tolist()) & {0, 2, 3, 4}
    assert set(sentence.words.tolist()) == {0, 1}


def test_a_sentence_without_words_is_refused(tiny_model):
    with pytest.raises(ModelError, match="sentence 1 has no words"):
        load_model(tiny_model("bert")).embed([["a"], []])
