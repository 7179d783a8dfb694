"""The check on load finds a model whose vectors depend on company, and says where."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.readers import ResidualReader
from neurosieve.models.language_model import LanguageModel, Layer
from neurosieve.models.load import load_model
from neurosieve.models.self_test import SENTENCES, self_test
from neurosieve.models.vectors import VectorBatch, WordVectors


class Constant(LanguageModel):
    """Gives ones, but for one layer."""

    layers = (Layer("L0", 4, 0), Layer("L1", 4, 1))

    def __init__(self, difference):
        self.difference = difference

    def embed(self, sentences):
        ones = [np.ones((len(words), 4), np.float32) for words in sentences]
        each = [WordVectors((x, x + np.float32(self.difference)), np.ones(len(x), bool)) for x in ones]
        return VectorBatch.of(each)


PLAIN = [[np.ones((len(s), 4), np.float32)] * 2 for s in SENTENCES]


def test_equal_vectors_pass():
    self_test(Constant(0), SENTENCES, PLAIN)
    self_test(Constant(5e-6), SENTENCES, PLAIN)
    self_test(Constant(5e-3), SENTENCES, PLAIN, dtype="float16")


def test_values_that_cancel_leave_their_rounding_behind():
    """A layer of 1,000s may differ by 1e-2, and so may the layer above, whatever is left there."""
    plain = [[np.full_like(lower, 1000.0), upper] for lower, upper in PLAIN]
    model = Constant(5e-3)
    model.embed = lambda _: VectorBatch.of(
        [WordVectors((x * 1000, x + np.float32(5e-3)), np.ones(len(x), bool)) for x in (p[1] for p in PLAIN)]
    )
    self_test(model, SENTENCES, plain)
    with pytest.raises(ModelError, match="layer L1"):
        self_test(Constant(5e-3), SENTENCES, PLAIN)


@pytest.mark.parametrize("difference", [1e-3, np.nan])
def test_the_layer_and_the_difference_are_named(difference):
    with pytest.raises(ModelError, match=f"layer L1 of 'Stop !' differs by ({difference:.1e}|nan) .*1e-05 is expected"):
        self_test(Constant(difference), SENTENCES, PLAIN)


def test_padding_that_leaks_is_found_on_load(tiny_model, monkeypatch):
    """Without its mask an encoder attends to padding, so that the shorter sentences change in company."""
    original = ResidualReader.read

    def unmasked(self, inputs, take):
        return original(self, {name: tensor for name, tensor in inputs.items() if name != "attention_mask"}, take)

    monkeypatch.setattr(ResidualReader, "read", unmasked)
    with pytest.raises(ModelError, match=r"self-test failed: layer L1 of 'Stop !' differs by .*self_test=False"):
        load_model(tiny_model("bert"))
    load_model(tiny_model("bert"), self_test=False)
    load_model(tiny_model("gpt2"))  # a causal model does not see what stands behind


def test_other_special_tokens_than_the_models_own_are_found_on_load(tiny_model, monkeypatch):
    from neurosieve.models.huggingface.subwords import SubwordTokenizer

    monkeypatch.setattr(SubwordTokenizer, "_special_tokens", lambda _: ([2], [], ([0], 0, [])))
    with pytest.raises(ModelError, match=r"self-test failed: the tokenizer gives \[2, .* 3\] for 'Stop !', where"):
        load_model(tiny_model("bert"))
