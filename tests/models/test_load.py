"""What loads, and what is refused in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from neurosieve.errors import ModelError
from neurosieve.models.load import load_model


@pytest.fixture
def copied(tiny_model, tmp_path):
    """A copy of a model's folder, to be damaged."""

    def copy(name):
        return shutil.copytree(tiny_model(name), tmp_path / name)

    return copy


def refused(folder, message, **options):
    with pytest.raises(ModelError, match=message) as caught:
        load_model(folder, **options)
    assert "\n" not in str(caught.value)


def test_info_identifies_the_model(tiny_model):
    model = load_model(tiny_model("bert"), pooling="mean")
    assert model.info.family == "huggingface"
    assert model.info.architecture == "BertModel"
    assert model.info.name == tiny_model("bert").name
    assert "/" not in model.info.name
    settings = dict(model.info.settings)
    assert settings.pop("tokenizer") == load_model(tiny_model("bert")).info.settings["tokenizer"]
    assert settings == {
        "pooling": "mean",
        "site": "residual",
        "dtype": "float32",
        "untrained": None,
        "window": 64,
    }
    assert model.info.digest == load_model(tiny_model("bert")).info.digest
    assert (model.n_layers, model.width, model.n_neurons) == (4, 32, 128)
    json.dumps(dict(model.info.settings))


@pytest.mark.parametrize("make_path", [str, lambda path: path, lambda path: f"{path}/"], ids=["str", "Path", "slash"])
def test_a_path_may_be_written_in_any_way(tiny_model, make_path):
    assert load_model(make_path(tiny_model("bert"))).info.name == tiny_model("bert").name


def test_a_hub_name_is_read_from_one_commit_of_the_local_cache(tiny_model, tmp_path):
    """As the hub's client lays it out; in a process of its own, which alone sees this cache."""
    commit, repo = "0123456789" * 4, tmp_path / "hub" / "models--me--tiny"
    shutil.copytree(tiny_model("bert"), repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    code = "from neurosieve.models.load import load_model; info = load_model('me/tiny').info; print(info.name, info.revision)"
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["me/tiny", commit]


def test_a_pooler_that_the_checkpoint_lacks_does_not_matter(tiny_model, tmp_path):
    """Checkpoints of masked language models have none; the loading library would draw one at random."""
    from transformers import AutoTokenizer, BertForMaskedLM

    BertForMaskedLM.from_pretrained(tiny_model("bert")).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_model("bert")).save_pretrained(tmp_path)
    assert load_model(tmp_path).info.digest == load_model(tiny_model("bert")).info.digest


@pytest.mark.parametrize("kept", [torch.float16, torch.bfloat16])
def test_half_precision_checkpoints_are_computed_in_float32(tiny_model, copied, sentences, kept):
    from transformers import AutoModel

    folder = copied("llama")
    AutoModel.from_pretrained(folder).to(kept).save_pretrained(folder)
    found, expected = (load_model(path).embed(sentences) for path in (folder, tiny_model("llama")))
    rounding = torch.finfo(kept).eps
    for a, b in zip(found, expected, strict=True):
        for x, y in zip(a.layers, b.layers, strict=True):
            assert x.dtype == np.float32
            # Every weight is rounded by up to eps/2; three blocks of sums over 32 such terms stay within 30 eps.
            np.testing.assert_allclose(x, y, atol=30 * rounding * max(1, np.abs(y).max()), rtol=0)
    assert load_model(folder).info.digest != load_model(tiny_model("llama")).info.digest


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("bfloat16", 0.2), ("float16", 0.02)])
def test_other_precisions(tiny_model, sentences, dtype, tolerance):
    """The tolerance is that of the narrower type: float32 rounding, or 8 and 11 bits through three blocks."""
    expected = load_model(tiny_model("gpt2")).embed(sentences)
    found = load_model(tiny_model("gpt2"), dtype=dtype).embed(sentences)
    for a, b in zip(found, expected, strict=True):
        for x, y in zip(a.layers, b.layers, strict=True):
            assert x.dtype == np.float32
            np.testing.assert_allclose(x, y, atol=tolerance * max(1, np.abs(y).max()), rtol=0)


def test_sharded_checkpoints(tiny_model, copied):
    from transformers import AutoModel

    folder = copied("gpt2")
    network = AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    network.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 2
    assert load_model(folder).info.digest == load_model(tiny_model("gpt2")).info.digest
    next(iter(sorted(folder.glob("model-*.safetensors")))).unlink()
    refused(folder, "cannot load the model")


def test_a_tokenizer_without_padding_or_maximum_length(tiny_model, sentences):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model("gpt2"))
    assert tokenizer.pad_token is None
    assert tokenizer.model_max_length > 1e6
    assert load_model(tiny_model("gpt2")).window == 64


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("./no/such/folder", "there is no model at './no/such/folder'; check the path"),
        ("models/of/mine", "there is no model at 'models/of/mine'"),
        ("model.tar.gz", "there is no model at 'model.tar.gz'"),
        ("surely-no-such-model", "cannot load the model 'surely-no-such-model'"),
    ],
)
def test_a_missing_model_is_refused(path, message):
    refused(path, message)


def test_folders_that_hold_no_model_are_refused(tmp_path, copied):
    refused(tmp_path, "holds no model: expected config.json with its weights, or ELMo's")
    (tmp_path / "notes.txt").write_text("x")
    refused(tmp_path / "notes.txt", "the file '.*notes.txt' holds no model: expected .*, or an archive model.tar.gz")
    folder = copied("bert")
    (folder / "model.safetensors").unlink()
    refused(folder, "has a config.json but no weights; expected")


def test_damaged_weights_are_refused(copied):
    folder = copied("bert")
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    refused(folder, "cannot load the model .*: SafetensorError")


def test_missing_weights_are_refused_by_name(copied):
    from safetensors.torch import load_file, save_file

    folder = copied("bert")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "lack 'encoder.layer.1.output.dense.weight'")


def test_weights_of_another_shape_are_refused(copied):
    from safetensors.torch import load_file, save_file

    folder = copied("bert")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.1.output.dense.weight"] = torch.zeros(32, 40)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    refused(
        folder, r"the weights 'encoder.layer.1.output.dense.weight' .* have the shape \(32, 40\), where .* \(32, 48\)"
    )


def test_a_config_that_cannot_be_read_is_refused(copied):
    folder = copied("bert")
    (folder / "config.json").write_text("{")
    refused(folder, "cannot load the model")


def test_a_changed_tokenizer_changes_the_info(copied, tiny_model):
    folder = copied("bert")
    rules = json.loads((folder / "tokenizer.json").read_text())
    rules["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(rules))
    changed, original = (load_model(path).info for path in (folder, tiny_model("bert")))
    assert changed.settings["tokenizer"] != original.settings["tokenizer"]
    assert changed.digest == original.digest


def test_a_tokenizer_of_another_model_is_refused(copied, tiny_model):
    folder = copied("bert")
    shutil.copy(tiny_model("gpt2") / "tokenizer.json", folder / "tokenizer.json")
    shutil.copy(tiny_model("gpt2") / "tokenizer_config.json", folder / "tokenizer_config.json")
    refused(folder, "tokenizer and weights do not belong together")


def test_a_tokenizer_without_a_vocabulary_is_refused(copied):
    folder = copied("bert")
    rules = json.loads((folder / "tokenizer.json").read_text())
    rules["model"]["vocab"] = {name: n for name, n in rules["model"]["vocab"].items() if n < 5}
    (folder / "tokenizer.json").write_text(json.dumps(rules))
    refused(folder, "its vocabulary is missing")


def test_a_tokenizer_without_offsets_is_refused():
    from neurosieve.models.huggingface.subwords import SubwordTokenizer

    class SlowTokenizer:
        is_fast = False

    with pytest.raises(ModelError, match="SlowTokenizer gives no character offsets"):
        SubwordTokenizer(SlowTokenizer())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, "pooling is 'max'; expected one of last, first, mean"),
        ({"dtype": "int8"}, "dtype is 'int8'; expected one of float32"),
        ({"batch_tokens": 0}, "batch_tokens is 0; expected at least 1"),
        ({"layers": [9]}, "the model has no layer 9; it has L0, L1, L2, L3"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_options_that_do_not_fit_are_refused(tiny_model, options, message):
    refused(tiny_model("bert"), message, **options)


def test_the_door_itself_loads_neither_torch_nor_transformers():
    code = (
        "import sys, neurosieve.models.load; "
        "sys.exit(sum(name in sys.modules for name in ('torch', 'transformers', 'tokenizers', 'h5py')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
