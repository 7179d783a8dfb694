"""The untrained twin: the same architecture, other weights, the same ones for the same seed."""

from __future__ import annotations

import pytest
import torch

from neurosieve.models.huggingface.fresh_network import fresh_network
from neurosieve.models.load import load_model

ALL = ["bert", "albert", "deberta-v2", "modernbert", "xlnet", "gpt2", "llama", "opt", "t5", "bart"]


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_differs_even_if_training_left_it_where_it_started(tmp_path, tiny_model, make_tokenizer, name):
    """The twin is compared with a checkpoint whose norms and biases still hold their initial ones and zeros."""
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(tiny_model(name))
    torch.manual_seed(5)
    trained = AutoModel.from_config(config)
    twin = fresh_network(config, kind=AutoModel, seed=3, dtype=torch.float32)
    expected = dict(trained.named_parameters())
    found = dict(twin.named_parameters())
    assert found.keys() == expected.keys()
    for parameter_name, parameter in found.items():
        assert parameter.shape == expected[parameter_name].shape
        assert not torch.equal(parameter, expected[parameter_name]), parameter_name
        assert len(parameter.unique()) > 1, parameter_name


def test_the_seed_decides(tiny_model):
    folder = tiny_model("bert")
    digests = {seed: load_model(folder, untrained=seed).info.digest for seed in (1, 2)}
    assert load_model(folder, untrained=1).info.digest == digests[1] != digests[2] != load_model(folder).info.digest


def test_drawing_leaves_the_callers_random_state_alone(tiny_model):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load_model(tiny_model("bert"), untrained=1)
    assert torch.equal(torch.rand(3), expected)


def test_no_weights_are_needed(tiny_model, tmp_path):
    for path in tiny_model("gpt2").iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    model = load_model(tmp_path, untrained=1)
    assert model.info.settings["untrained"] == 1
    assert model.embed([["The", "cat"]])[0].layers[3].shape == (2, 32)
