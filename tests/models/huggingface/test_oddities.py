"""What some models do in their own way is read rightly, or said."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from neurosieve.errors import ModelError
from neurosieve.models.load import load_model

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
WORDS = ["The", "cat", "sat", "."]


def save(folder: Path, network: torch.nn.Module, tokenizer: object) -> Path:
    network.save_pretrained(folder)  # type: ignore[operator]
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    return folder


@pytest.mark.parametrize("name", ["SqueezeBert", "LayoutLM"])
def test_a_pooler_that_the_forward_pass_calls_does_no_harm(
    tmp_path: Path, make_tokenizer, plain_forward, name: str
) -> None:
    tokenizer = make_tokenizer("wordpiece")
    groups = {f"{part}_groups": 1 for part in ("q", "k", "v", "post_attention", "intermediate", "output")}
    options = {**SMALL, "max_position_embeddings": 64, **(groups | {"embedding_size": 16} if name[0] == "S" else {})}
    config = getattr(transformers, f"{name}Config")(vocab_size=len(tokenizer), **options)
    torch.manual_seed(0)
    model = load_model(save(tmp_path, transformers.AutoModel.from_config(config).eval(), tokenizer), device="cpu")
    expected = plain_forward(tmp_path, WORDS)
    for wanted, found in zip(expected, model.embed([WORDS])[0].layers, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_an_encoder_that_was_kept_alone_is_read(tmp_path: Path, make_tokenizer) -> None:
    tokenizer = make_tokenizer("unigram")
    options = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
    config = transformers.T5Config(vocab_size=len(tokenizer), **options)
    torch.manual_seed(0)
    network = transformers.T5EncoderModel(config).eval()
    model = load_model(save(tmp_path, network, tokenizer), device="cpu")
    assert len(model.layers) == 3
    ids = torch.tensor([tokenizer(" ".join(WORDS))["input_ids"]])
    with torch.no_grad():
        states = network(input_ids=ids, output_hidden_states=True).hidden_states
    found = model.embed([WORDS])[0].layers
    for state, values in zip(states, found, strict=True):
        last = values[-1]
        assert min(float(np.abs(row - last).max()) for row in state[0].numpy()) < 1e-5


def test_attention_that_changes_with_the_length_is_settled_and_said(
    tmp_path: Path, make_tokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    tokenizer = make_tokenizer("wordpiece")
    options = {**SMALL, "max_position_embeddings": 128, "block_size": 2, "num_random_blocks": 1}
    config = transformers.BigBirdConfig(vocab_size=len(tokenizer), attention_type="block_sparse", **options)
    torch.manual_seed(0)
    folder = save(tmp_path, transformers.BigBirdModel(config).eval(), tokenizer)
    with caplog.at_level(logging.WARNING, "neurosieve"):
        model = load_model(folder, device="cpu")
    assert "block_sparse attention in long inputs" in caplog.text
    assert model.info.settings["attention"] == "original_full"
    long = (WORDS * 10)[:40]
    alone, after = model.embed([long])[0], model.embed([WORDS, long])[1]
    for a, b in zip(alone.layers, after.layers, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_an_adapter_is_not_taken_for_its_base(tmp_path: Path, tiny_model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosieve.models.huggingface.places.find_spec", lambda _name: None)
    (tmp_path / "alone").mkdir()
    shutil.copytree(tiny_model("bert"), tmp_path / "beside")
    for name in ("alone", "beside"):
        (tmp_path / name / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
        with pytest.raises(ModelError, match=r"holds an adapter .adapter_config.json.*merge the two"):
            load_model(tmp_path / name)


def test_a_tokenizer_that_knows_letters_alone_is_read(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {name: i for i, name in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "A", "C", "G", "T"])}
    rules = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    rules.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    rules.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=rules, **special)
    config = transformers.BertConfig(vocab_size=8, max_position_embeddings=64, **SMALL)
    model = load_model(save(tmp_path, transformers.BertModel(config).eval(), tokenizer), device="cpu")
    assert model.embed([["A", "C", "G"]])[0].kept.all()


def test_a_network_that_may_not_be_moved_is_left_where_it_is(tiny_model, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, *_: object, **__: object) -> None:
        raise ValueError("may not be moved")

    monkeypatch.setattr(transformers.BertModel, "to", refuse)
    monkeypatch.setattr(transformers.BertModel, "quantization_method", "bitsandbytes", raising=False)
    assert load_model(tiny_model("bert"), device="cpu").embed([WORDS])[0].kept.all()


def test_a_tokenizer_that_is_partly_python_is_refused_in_a_line(tiny_model) -> None:
    from tokenizers.pre_tokenizers import PreTokenizer

    from neurosieve.models.huggingface.subwords import SubwordTokenizer, rules_digest

    class Blanks:
        def pre_tokenize(self, text: object) -> None:
            raise NotImplementedError

    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_model("bert"))
    tokenizer.backend_tokenizer.pre_tokenizer = PreTokenizer.custom(Blanks())
    for function in (SubwordTokenizer, rules_digest):
        with pytest.raises(ModelError, match="a part of it is Python code"):
            function(tokenizer)
