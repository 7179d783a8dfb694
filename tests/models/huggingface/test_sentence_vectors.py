"""One vector a sentence: the mean, the first or the last word, or the token that stands for all of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.loading import _special_place
from neurosieve.models.language_model import LanguageModel, Layer, ModelInfo
from neurosieve.models.load import load_model
from neurosieve.models.vectors import VectorBatch, WordVectors

TOLERANCE = 1e-5
"""As for words: float32 rounding of values of order 1."""

SPECIAL = {
    "bert": ("[CLS]", 0),
    "distilbert": ("[CLS]", 0),
    "deberta-v2": ("[CLS]", 0),
    "roberta": ("<s>", 0),
    "modernbert": ("<s>", 0),
    "xlnet": ("<cls>", -1),
    "gpt2": ("last position", -1),
    "llama": ("last position", -1),
}
"""By model: the token, and its place in the model's own input."""


def states_of(folder, words):
    """All positions of one sentence by transformers alone, one array a layer; of two sides a list for each."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    encoded = tokenizer(" ".join(words), return_tensors="pt")
    if network.config.is_encoder_decoder:
        start = torch.tensor([[network.config.decoder_start_token_id]])
        encoded["decoder_input_ids"] = torch.cat([start, encoded["input_ids"][:, :-1]], dim=1)
    with torch.no_grad():
        out = network(**encoded, output_hidden_states=True)
    if network.config.is_encoder_decoder:
        return [[s[0].numpy() for s in side] for side in (out.encoder_hidden_states, out.decoder_hidden_states)]
    return [state[0].numpy() for state in out.hidden_states]


@pytest.mark.parametrize("name", SPECIAL)
def test_the_special_token_is_that_of_a_plain_forward_pass(tiny_model, sentences, name):
    model = load_model(tiny_model(name), device="cpu")
    token, place = SPECIAL[name]
    assert model.special_token == token
    for words, found in zip(sentences, model.embed_sentences(sentences, how="special"), strict=True):
        assert found.kept.tolist() == [True]
        for wanted, got in zip(states_of(tiny_model(name), words), found.layers, strict=True):
            np.testing.assert_allclose(got, wanted[[place]], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("name", "token", "place"), [("t5", "</s>", -1), ("bart", "<s>", 0)])
def test_a_decoder_that_reads_an_encoder_gives_its_last_position(tiny_model, sentences, name, token, place):
    model = load_model(tiny_model(name), device="cpu")
    assert model.special_token == token
    for words, found in zip(sentences, model.embed_sentences(sentences, how="special"), strict=True):
        encoder, decoder = states_of(tiny_model(name), words)
        wanted = [state[[place]] for state in encoder] + [state[[-1]] for state in decoder]
        for expected, got in zip(wanted, found.layers, strict=True):
            np.testing.assert_allclose(got, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("how", "rows"), [("mean", slice(None)), ("first", slice(1)), ("last", slice(-1, None))])
def test_other_vectors_are_made_of_the_words(tiny_model, sentences, how, rows):
    model = load_model(tiny_model("bert"), device="cpu")
    pairs = zip(model.embed(sentences), model.embed_sentences(sentences, how=how), strict=True)
    for words, whole in pairs:
        for layer, got in zip(words.layers, whole.layers, strict=True):
            np.testing.assert_allclose(got, layer[rows].mean(axis=0, keepdims=True), atol=TOLERANCE, rtol=0)
        assert whole.n_subwords == words.n_subwords


def test_several_windows_give_the_mean_of_their_tokens(tiny_model):
    model = load_model(tiny_model("bert"), device="cpu")
    words = [chr(ord("a") + i % 26) for i in range(150)]
    (found,) = model.embed_sentences([words], how="special")
    capacity = 64 - 2
    windows = [(a, a + capacity) for a in (0, 31, 62, 150 - capacity)]
    assert found.n_windows == len(windows)
    each = [model.embed_sentences([words[a:b]], how="special")[0].layers for a, b in windows]
    for number, got in enumerate(found.layers):
        wanted = np.mean([layers[number] for layers in each], axis=0)
        np.testing.assert_allclose(got, wanted, atol=TOLERANCE, rtol=0)


def test_several_windows_of_a_decoder_give_the_last_position(tiny_model):
    model = load_model(tiny_model("gpt2"), device="cpu")
    words = [chr(ord("a") + i % 26) for i in range(96)]
    (whole,) = model.embed([words])
    (found,) = model.embed_sentences([words], how="special")
    for layer, got in zip(whole.layers, found.layers, strict=True):
        np.testing.assert_allclose(got, layer[-1:], atol=TOLERANCE, rtol=0)


def test_the_vectors_do_not_depend_on_the_batch_or_the_site(tiny_model, sentences):
    model = load_model(tiny_model("bert"), site="mlp", device="cpu")
    together = model.embed_sentences(sentences, how="special")
    for words, found in zip(sentences, together, strict=True):
        (alone,) = model.embed_sentences([words], how="special")
        for a, b in zip(alone.layers, found.layers, strict=True):
            assert a.shape == (1, 48)
            np.testing.assert_allclose(a, b, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("how", ["mean", "first", "last", "special"])
def test_a_sentence_without_sub_words_has_no_vector(tiny_model, how):
    model = load_model(tiny_model("bert"), device="cpu")
    empty, other = model.embed_sentences([["\u200b"], ["The", "cat"]], how=how)
    assert empty.kept.tolist() == [False]
    assert all(layer.shape == (0, 32) for layer in empty.layers)
    assert other.kept.tolist() == [True]


class Plain(LanguageModel):
    """A model without a special token, as ELMo is."""

    info = ModelInfo("plain", "elmo", "Plain", "", "")
    layers = (Layer("L0", 2, 0),)

    def embed(self, sentences):
        ones = [np.ones((len(words), 2), dtype=np.float32) for words in sentences]
        return VectorBatch.of([WordVectors((x,), np.ones(len(x), bool)) for x in ones])


def test_what_cannot_be_given_is_refused():
    model = Plain()
    with pytest.raises(
        ModelError, match=r"'plain' \(elmo\) has no special token that stands for a sentence; use the mean"
    ):
        model.embed_sentences([["a"]], how="special")
    with pytest.raises(ModelError, match="sentence_vector is 'cls'; expected one of mean, first, last, special"):
        model.embed_sentences([["a"]], how="cls")


@pytest.mark.parametrize("how", ["mean", "special"])
def test_empty_sentences_are_refused(tiny_model, how):
    with pytest.raises(ModelError, match="sentence 1 has no words"):
        load_model(tiny_model("bert"), device="cpu").embed_sentences([["a"], []], how=how)


def test_without_any_token_around_the_text_only_a_causal_model_has_a_place():
    tokenizer = SimpleNamespace(prefix=[], suffix=[])
    wrapper = SimpleNamespace(cls_token_id=None, convert_ids_to_tokens=str)
    assert _special_place(tokenizer, wrapper, causal=False) is None
    place = _special_place(tokenizer, wrapper, causal=True)
    assert (place.offset, place.behind, place.last_window) == (-1, True, True)
