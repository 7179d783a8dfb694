"""A model with its head says what transformers says, and an edit moves it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from neurosieve.errors import ModelError
from neurosieve.models.edits import Add, Edit, Scale, SetTo
from neurosieve.models.load import load_model

KINDS = {
    **dict.fromkeys(("bert", "distilbert", "albert", "deberta-v2", "modernbert", "roberta", "xlnet"), "masked"),
    **dict.fromkeys(("gpt2", "gpt_neox", "llama", "opt"), "causal"),
    **dict.fromkeys(("t5", "bart"), "seq2seq"),
}
TOLERANCE = 1e-5
"""Batched and single products round differently in float32; the values are of order 1."""


def by_transformers(folder, words):
    """Logits and hidden states of one sentence by transformers alone, and its sub-words."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    kind = "Seq2SeqLM" if config.is_encoder_decoder else "CausalLM"
    if not config.is_encoder_decoder and type(config) in transformers.MODEL_FOR_MASKED_LM_MAPPING:
        kind = "MaskedLM"
    network = getattr(transformers, f"AutoModelFor{kind}").from_pretrained(folder, dtype=torch.float32).eval()
    encoded = transformers.AutoTokenizer.from_pretrained(folder)(" ".join(words), return_tensors="pt")
    ids = encoded["input_ids"]
    if config.is_encoder_decoder:
        text = ids[:, :-1]
        encoded["decoder_input_ids"] = ids = torch.cat([torch.tensor([[config.decoder_start_token_id]]), text], dim=1)
    with torch.no_grad():
        out = network(**encoded, output_hidden_states=True)
    states = out.hidden_states if "hidden_states" in out else (*out.encoder_hidden_states, *out.decoder_hidden_states)
    return out.logits[0].numpy(), [state[0].numpy() for state in states], ids[0].tolist()


def largest(a, b):
    return float(np.abs(a - b).max())


@pytest.mark.parametrize("name", KINDS)
def test_logits_are_those_of_transformers(headed_model, sentences, name):
    model = load_model(headed_model(name), head=True)
    assert model.head == KINDS[name]
    for words, found in zip(sentences, model.logits(sentences), strict=True):
        wanted, _, ids = by_transformers(headed_model(name), words)
        assert found.ids.tolist() == ids
        assert found.words.max() < len(words)
        assert found.values.dtype == np.float32
        np.testing.assert_allclose(found.values, wanted, atol=TOLERANCE * max(1, np.abs(wanted).max()), rtol=0)
    alone = model.logits([sentences[0]])[0]  # without padding the same products are made
    np.testing.assert_array_equal(alone.values, by_transformers(headed_model(name), sentences[0])[0])


@pytest.mark.parametrize("name", KINDS)
def test_vectors_are_those_of_the_model_without_its_head(headed_model, sentences, name):
    with_head, without = load_model(headed_model(name), head=True), load_model(headed_model(name))
    assert with_head.layers == without.layers
    if name != "t5":  # whose network with the head is not one around another
        assert with_head.info == without.info
    for a, b in zip(with_head.embed(sentences).layers, without.embed(sentences).layers, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", KINDS)
def test_edits_move_the_logits(headed_model, sentences, name):
    """At every layer; a change that changes nothing leaves every bit."""
    model = load_model(headed_model(name), head=True)
    before = [logits.values for logits in model.logits(sentences)]
    for layer in (layer.name for layer in model.layers):
        same = model.edited([Edit(layer, None, Scale(1.0))]).logits(sentences)
        moved = model.edited([Edit(layer, [3], Add(2.0))]).logits(sentences)
        for old, unmoved, new in zip(before, same, moved, strict=True):
            np.testing.assert_array_equal(unmoved.values, old)
            assert largest(new.values, old) > 1e-3, layer


@pytest.mark.parametrize("name", ["bert", "llama", "opt", "xlnet"])
def test_no_block_is_cut_off(headed_model, sentences, name):
    few, whole = load_model(headed_model(name), head=True, layers=[0, 1]), load_model(headed_model(name), head=True)
    assert [layer.name for layer in few.layers] == ["L0", "L1"]
    edits = [Edit("L3", [0], Add(1.0)), Edit("L3.mlp", [0], SetTo(1.0))]  # above what is read
    for one, other in ((few, whole), (few.edited(edits), whole.edited(edits))):
        for a, b in zip(one.logits(sentences), other.logits(sentences), strict=True):
            np.testing.assert_array_equal(a.values, b.values)
        for a, b in zip(one.embed(sentences).layers, other.embed(sentences).layers, strict=False):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_decoder_sees_an_edit_from_its_word_on(headed_model, name):
    model = load_model(headed_model(name), head=True)
    words = ["The", "cat", "sat", "."]
    (before,), (after,) = (m.logits([words]) for m in (model, model.edited([Edit("L1", [0], Add(5.0), words=[2])])))
    first = np.flatnonzero(before.words == 2)[0]
    np.testing.assert_array_equal(after.values[:first], before.values[:first])
    assert (np.abs(after.values - before.values).max(axis=1) > 1e-3)[first:].all()


def test_masked_words(headed_model):
    from transformers import AutoModelForMaskedLM

    folder = headed_model("bert")
    model, words = load_model(folder, head=True), ["The", "cat", "sat", "."]
    found, other = model.logits([words, words[::-1]], masked=[[1], []])
    plain = model.logits([words])[0]
    hidden = np.where(found.words == 1, 4, found.ids)  # [MASK]
    assert (hidden == 4).sum() > 0
    with torch.no_grad():
        wanted = AutoModelForMaskedLM.from_pretrained(folder).eval()(torch.from_numpy(hidden)[None]).logits[0].numpy()
    np.testing.assert_allclose(found.values, wanted, atol=TOLERANCE * np.abs(wanted).max(), rtol=0)
    assert found.ids.tolist() == plain.ids.tolist()  # what the text says
    np.testing.assert_allclose(other.values, model.logits([words[::-1]])[0].values, atol=1e-4)
    for masked, message in (
        ([[4]], "sentence 0 has no word 4; it has 4, counted from 0"),
        ([[0], [0]], "masked has 2 entries for 1 sentences; give one for each"),
    ):
        with pytest.raises(ModelError, match=message):
            model.logits([words], masked=masked)
    with pytest.raises(ModelError, match=r"words can be masked only for a masked head .*; this head is causal"):
        load_model(headed_model("gpt2"), head=True).logits([words], masked=[[0]])


def test_what_has_no_head_is_refused(tiny_model, headed_model, minilm, tmp_path):
    model = load_model(headed_model("bert"))
    with pytest.raises(ModelError, match="was loaded without its language-model head; load it with head=True"):
        model.logits([["a"]])
    with pytest.raises(
        ModelError, match=r"has no language-model head: its weights lack 'cls.predictions.* of BertForMask"
    ):
        load_model(minilm, head=True)
    with pytest.raises(
        ModelError, match=r"has no language-model head: its weights lack 'lm_head.weight' of LlamaForCaus"
    ):
        load_model(tiny_model("llama"), head=True)
    with pytest.raises(ModelError, match=r"lack 'encoder.layer.1.output.dense.weight'"):  # that of a damaged one
        load_model(without(headed_model("bert"), "bert.encoder.layer.1.output.dense.weight", tmp_path / "damaged"))
    folder = shutil.copytree(tiny_model("bert"), tmp_path / "vision")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "vit"}), encoding="utf-8")
    with pytest.raises(ModelError, match="is a 'vit' model, for which transformers has no language-model head"):
        load_model(folder, head=True)


def without(folder, key, copy):
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, copy)
    weights = load_file(copy / "model.safetensors")
    del weights[key]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def test_a_sentence_longer_than_the_window_is_refused(headed_model):
    model = load_model(headed_model("bert"), head=True)
    with pytest.raises(ModelError, match="sentence 1 has 63 sub-words, but the model reads 62 at once, and logits are"):
        model.logits([["a"], ["a"] * 63])


def test_the_untrained_twin_has_a_head_of_its_own(headed_model):
    twins = [load_model(headed_model("bert"), head=True, untrained=seed) for seed in (0, 0, 1)]
    values = [twin.logits([["a", "cat"]])[0].values for twin in twins]
    np.testing.assert_array_equal(values[0], values[1])
    assert largest(values[0], values[2]) > 1e-3


# --- real models ----------------------------------------------------------------------------------------------------

PREFIX = ["The", "keys", "to", "the", "cabinet"]


def smollm() -> Path:
    """Folder of SmolLM2-135M, which is made from a package (its place is told by an environment variable)."""
    folder = os.environ.get("NEUROSIEVE_SMOLLM2")
    if not folder or not Path(folder).is_dir():
        pytest.skip(
            "NEUROSIEVE_SMOLLM2 names no folder of SmolLM2-135M (../shared/data/smollm2/make_model.py makes it)"
        )
    return Path(folder)


@pytest.mark.parametrize("which", ["stories260k", "smollm2"])
def test_real_decoders(request, which):
    folder = smollm() if which == "smollm2" else request.getfixturevalue("shared_data") / "stories260k"
    model = load_model(folder, head=True)
    wanted, states, ids = by_transformers(folder, PREFIX)
    (found,), vectors = model.logits([PREFIX]), model.embed([PREFIX])
    assert found.ids.tolist() == ids
    np.testing.assert_array_equal(found.values, wanted)
    last = [np.flatnonzero(found.words == word)[-1] for word in range(5)]
    for layer, state in zip(vectors.layers, states, strict=True):
        np.testing.assert_array_equal(layer, state[last])
    middle = model.layers[len(model.layers) // 2].name
    (same,) = model.edited([Edit(middle, None, Scale(1.0)), Edit("L1.mlp", None, Scale(1.0))]).logits([PREFIX])
    np.testing.assert_array_equal(same.values, wanted)
    edited = model.edited([Edit(middle, range(20), SetTo(0.0), words=[-1])])
    after = edited.embed([PREFIX])
    for layer, old, new in zip(model.layers, vectors.layers, after.layers, strict=True):
        if layer.depth < len(model.layers) // 2:
            np.testing.assert_array_equal(new, old)
        else:
            np.testing.assert_array_equal(new[:4], old[:4])
            assert largest(new[4], old[4]) > 0
    assert (after.layers[len(model.layers) // 2][4, :20] == 0).all()
    (moved,) = edited.logits([PREFIX])
    np.testing.assert_array_equal(moved.values[: last[3] + 1], found.values[: last[3] + 1])
    assert largest(moved.values[-1], found.values[-1]) > 0.01


def test_the_real_decoder_knows_number():
    """Of the prefix, " are" is likelier than " is"; with the cabinet alone it is the other way round."""
    model = load_model(smollm(), head=True)
    are, is_ = (model.tokenizer([["x", word]])[0].ids[-1] for word in ("are", "is"))
    plural, singular = model.logits([PREFIX, ["The", "key", "to", "the", "cabinet"]])
    assert plural.values[-1, are] > plural.values[-1, is_] + 2
    assert singular.values[-1, is_] > singular.values[-1, are] + 2


def test_an_encoder_of_minilms_shape(minilm, tmp_path):
    """MiniLM's checkpoint has no head: a random one of its configuration, with its tokenizer."""
    import transformers

    torch.manual_seed(0)
    transformers.BertForMaskedLM(transformers.BertConfig.from_pretrained(minilm)).save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(minilm).save_pretrained(tmp_path)
    model = load_model(tmp_path, head=True)
    wanted, states, _ = by_transformers(tmp_path, PREFIX)
    (found,) = model.logits([PREFIX])
    np.testing.assert_array_equal(found.values, wanted)
    for layer, state in zip(model.embed([PREFIX]).layers, states, strict=True):
        np.testing.assert_array_equal(layer, state[1:6])
    (moved,) = model.edited([Edit("L3", [5], Add(4.0))]).logits([PREFIX])
    assert largest(moved.values, wanted) > 0.01
