"""Sizes from the configuration alone are those of the loaded model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.errors import ModelError
from neurosieve.models.load import load_model, model_size


@pytest.mark.parametrize("name", ["bert", "gpt2", "llama", "xlnet", "t5", "bart"])
def test_layers_and_widths_are_the_models(name: str, tiny_model: Callable[[str], Path]) -> None:
    folder = tiny_model(name)
    loaded = load_model(folder)
    assert model_size(folder).n_neurons == loaded.n_neurons


@pytest.mark.parametrize("site", ["mlp", "attention", "heads"])
@pytest.mark.parametrize("name", ["bert", "gpt2", "llama", "xlnet"])
def test_sites_have_widths_of_their_own(name: str, site: str, tiny_model: Callable[[str], Path]) -> None:
    folder = tiny_model(name)
    assert model_size(folder, site=site).n_neurons == load_model(folder, site=site).n_neurons


def test_weights_are_counted_without_embeddings(tiny_model: Callable[[str], Path]) -> None:
    from transformers import AutoModel

    folder = tiny_model("bert")
    network = AutoModel.from_pretrained(folder)
    embeddings = sum(p.numel() for n, p in network.named_parameters() if "embeddings.weight" in n)
    assert model_size(folder).n_weights == sum(p.numel() for p in network.parameters()) - embeddings


def test_elmo_and_transformer_elmo(shared_data: Path) -> None:
    assert model_size(shared_data / "elmo_fixtures" / "lstm").widths == (32, 32, 32)
    assert model_size(shared_data / "elmo_fixtures" / "transformer" / "model.tar.gz").widths == (32, 32, 32, 32)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model at"):
        model_size(tmp_path / "nothing" / "here")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"the configuration of .* cannot be read"):
        model_size(tmp_path)


@pytest.mark.parametrize("name", ["num_hidden_layers", "num_attention_heads", "num_labels"])
@pytest.mark.parametrize("value", [10_000_000, 10**30, -7])
def test_counts_that_no_model_has_are_refused_at_once(tmp_path: Path, name: str, value: int) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", name: value}), encoding="utf-8")
    with pytest.raises(ModelError, match=rf"the configuration of .* says {name} = {value}, which no model has"):
        model_size(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError):
        load_model(tmp_path)


def test_counts_within_parts_are_looked_at_as_well(tmp_path: Path) -> None:
    config = {"model_type": "bert", "text_config": {"n_layer": 10**9}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match="says n_layer = 1000000000"):
        model_size(tmp_path)
