"""Edits take effect where neurons are read, in all that follows and in nothing before."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.activations.extract import extract
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import ModelError
from neurosieve.models.edits import Add, Edit, Scale, SetTo, edits_of
from neurosieve.models.huggingface import sites
from neurosieve.models.load import load_model

FAMILIES = ["bert", "roberta", "albert", "deberta-v2", "modernbert", "distilbert", "xlnet", "gpt2", "llama", "opt"]
TWO_SIDED = ["t5", "bart"]
TOLERANCE = 1e-5
"""Float32 rounding of values of order 1 in batches of other shapes."""


def arrays(model, sentences):
    """One array a layer, by its name."""
    return dict(zip((layer.name for layer in model.layers), model.embed(sentences).layers, strict=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_an_edit_changes_its_neuron_and_what_follows(tiny_model, sentences, name):
    model = load_model(tiny_model(name))
    before = arrays(model, sentences)
    for depth in range(4):
        edited = model.edited([Edit(f"L{depth}", [3, 7], SetTo(0.5))])
        after = arrays(edited, sentences)
        assert list(after) == list(before)
        for layer in list(before)[:depth]:
            np.testing.assert_array_equal(after[layer], before[layer])
        assert (after[f"L{depth}"][:, [3, 7]] == 0.5).all()
        others = [i for i in range(32) if i not in (3, 7)]
        np.testing.assert_array_equal(after[f"L{depth}"][:, others], before[f"L{depth}"][:, others])
        for layer in list(before)[depth + 1 :]:
            assert (np.abs(after[layer] - before[layer]).max(axis=1) > 1e-4).all(), layer
    np.testing.assert_array_equal(list(arrays(model, sentences).values()), list(before.values()))  # it stays as it was
    for part in model._editor.network.modules():  # and is left without hooks
        assert "post_attention" not in vars(part)
        assert not part._forward_pre_hooks


@pytest.mark.parametrize("name", [*FAMILIES, *TWO_SIDED])
def test_changes_that_change_nothing_give_the_same_values(tiny_model, sentences, name):
    """The way of reading an edited model is another; it must give the values of `output_hidden_states` to the bit."""
    model = load_model(tiny_model(name))
    same = model.edited([Edit(layer.name, None, Scale(1.0)) for layer in model.layers])
    for layer, values in arrays(model, sentences).items():
        np.testing.assert_array_equal(arrays(same, sentences)[layer], values)


@pytest.mark.parametrize("name", TWO_SIDED)
def test_two_sides(tiny_model, sentences, name):
    model = load_model(tiny_model(name))
    before = arrays(model, sentences)
    for layer in ("enc.L1", "enc.L3", "dec.L0", "dec.L2"):
        after = arrays(model.edited([Edit(layer, [2], Add(3.0))]), sentences)
        moved = {other for other in before if not np.array_equal(after[other], before[other])}
        side, depth = layer.split(".L")
        reached = {f"{side}.L{d}" for d in range(int(depth), 4)} & set(before)
        reached |= {f"dec.L{d}" for d in (1, 2)} if side == "enc" else set()
        assert moved == reached
        np.testing.assert_allclose(after[layer][:, 2], before[layer][:, 2] + 3, atol=TOLERANCE)


@pytest.mark.parametrize("site", ["mlp", "attention", "heads"])
@pytest.mark.parametrize("name", FAMILIES)
def test_sites(tiny_model, sentences, name, site):
    """Layers of the site itself, and the residual stream above."""
    at_site, stream = load_model(tiny_model(name), site=site), load_model(tiny_model(name))
    edits = [Edit(f"L2.{site}", [1, 4], SetTo([2.0, -1.0]))]
    before, after = arrays(at_site, sentences), arrays(at_site.edited(edits), sentences)
    np.testing.assert_array_equal(after[f"L1.{site}"], before[f"L1.{site}"])
    assert (after[f"L2.{site}"][:, [1, 4]] == np.array([2.0, -1.0], dtype=np.float32)).all()
    np.testing.assert_array_equal(np.delete(after[f"L2.{site}"], [1, 4], 1), np.delete(before[f"L2.{site}"], [1, 4], 1))
    assert not np.array_equal(after[f"L3.{site}"], before[f"L3.{site}"])
    before, after = arrays(stream, sentences), arrays(stream.edited(edits), sentences)
    np.testing.assert_array_equal(after["L1"], before["L1"])
    assert (np.abs(after["L2"] - before["L2"]).max(axis=1) > 1e-5).all()


@pytest.mark.parametrize("name", ["bert", "bart", "gpt2"])
def test_architectures_that_are_not_in_the_table(tiny_model, sentences, name, monkeypatch):
    """Their blocks are the one list of that length, also where some are cut off."""
    known = load_model(tiny_model(name), layers=[0, 1]).edited([Edit(first(name), [3], Add(1.0))])
    monkeypatch.setattr(sites, "OUTPUT_MAPS", {})
    model = load_model(tiny_model(name), layers=[0, 1])
    found = model.edited([Edit(first(name), [3], Add(1.0))])
    np.testing.assert_array_equal(list(arrays(found, sentences).values()), list(arrays(known, sentences).values()))


def first(name):
    return "enc.L0" if name == "bart" else "L0"


def test_blocks_that_are_not_to_be_found_are_refused(tiny_model, monkeypatch):
    monkeypatch.setattr(sites, "OUTPUT_MAPS", {})
    with pytest.raises(
        ModelError, match=r"the blocks of AlbertModel are not to be found, .*; choose a site of modules"
    ):
        load_model(tiny_model("albert")).edited([Edit("L1", [0], SetTo(0.0))])


def test_places_that_are_not_those_that_are_read_are_refused(tiny_model, monkeypatch):
    """Here what enters the feed-forward half, which is no longer what entered the block."""
    monkeypatch.setattr("neurosieve.models.huggingface.taps.block_pattern", lambda _: "h.{}.mlp")
    with pytest.raises(ModelError, match="what enters its blocks is not what output_hidden_states gives for L0"):
        load_model(tiny_model("gpt2")).edited([Edit("L1", [0], SetTo(0.0))])


@pytest.mark.parametrize("name", ["bert", "gpt2", "xlnet"])
def test_zero_heads_add_nothing_but_the_bias(tiny_model, sentences, name):
    model = load_model(tiny_model(name), site="attention")
    after = arrays(model.edited([Edit("L2.heads", None, SetTo(0.0))]), sentences)
    np.testing.assert_array_equal(
        after["L2.attention"], after["L2.attention"][:1].repeat(len(after["L2.attention"]), 0)
    )


def test_a_site_of_ones_own_and_a_function(tiny_model, sentences):
    site = "gate=layers.{}.mlp.gate_proj:out"
    model = load_model(tiny_model("llama"), site=site)
    edited = model.edited([Edit("L2.gate", [0, 5], torch.abs, site=site)])
    before, after = arrays(model, sentences)["L2.gate"], arrays(edited, sentences)["L2.gate"]
    np.testing.assert_array_equal(after[:, [0, 5]], np.abs(before[:, [0, 5]]))
    assert (before[:, [0, 5]] < 0).any()


def test_edits_of_one_layer_take_place_in_order(tiny_model):
    model = load_model(tiny_model("bert"))
    twice = [Edit("L1", [0], SetTo(1.0)), Edit("L1", [0], Scale(3.0)), Edit("L1", None, Add(0.5))]
    assert (arrays(model.edited(twice), [["a", "cat"]])["L1"][:, 0] == 3.5).all()
    assert (arrays(model.edited(twice).edited(twice[:1]), [["a", "cat"]])["L1"][:, 0] == 1.0).all()
    plain = model.edited(twice).edited([])
    assert plain.info == model.info
    np.testing.assert_array_equal(plain.embed([["a"]]).layers[3], model.embed([["a"]]).layers[3])


@pytest.mark.parametrize("name", ["bert", "xlnet", "gpt2"])
def test_words(tiny_model, sentences, name):
    """Only the words that are named; counted from the end, sentences of other lengths are met as well."""
    model = load_model(tiny_model(name), pooling="mean")
    before = model.embed(sentences)
    for words in ([0], [-1], [1, -2]):
        after = model.edited([Edit("L1", [5], SetTo(9.0), words=words)]).embed(sentences)
        for sentence, old, new in zip(sentences, before, after, strict=True):
            meant = {w % len(sentence) for w in words if -len(sentence) <= w < len(sentence)}
            rows = np.flatnonzero(old.kept)
            for row, word in enumerate(rows):
                assert (new.layers[1][row, 5] == 9.0) == (word in meant)
                assert (new.layers[1][row] == old.layers[1][row]).all() == (word not in meant)


def test_words_in_windows_and_decoders(tiny_model):
    words = [chr(ord("a") + i % 26) for i in range(150)]
    model = load_model(tiny_model("bert"))
    after = arrays(model.edited([Edit("L2", [5], SetTo(9.0), words=[0, 100, -1])]), [words])
    assert np.flatnonzero(after["L2"][:, 5] == 9.0).tolist() == [0, 100, 149]
    two = load_model(tiny_model("t5"))
    after = arrays(two.edited([Edit("dec.L1", [5], SetTo(9.0), words=[2])]), [["The", "cat", "sat", "."]])
    assert np.flatnonzero(after["dec.L1"][:, 5] == 9.0).tolist() == [2]


def test_names_of_neurons():
    found = edits_of(["L3N251", "L5.mlp.N12", "enc.L0N1", "L3N7", "dec.L1.heads.N0"], Scale(0.0), words=[1])
    assert [(e.layer, e.neurons, e.words) for e in found] == [
        ("L3", (251, 7), (1,)),
        ("L5.mlp", (12,), (1,)),
        ("enc.L0", (1,), (1,)),
        ("dec.L1.heads", (0,), (1,)),
    ]
    with pytest.raises(ModelError, match="'L3' is no name of a neuron; expected one such as L3N251"):
        edits_of(["L3"], Scale(0.0))


def refused(model, edit, message):
    with pytest.raises(ModelError, match=message) as caught:
        model.edited([edit])
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_refused(tiny_model):
    model = load_model(tiny_model("bert"))
    refused(
        model, Edit("L9", [0], SetTo(0)), "there is no layer 'L9' at the site 'residual'; the model has L0, L1, L2, L3"
    )
    refused(model, Edit("L0.mlp", [0], SetTo(0)), "there is no layer 'L0.mlp' at the site 'mlp'; .* L1.mlp, L2.mlp")
    refused(model, Edit("L1", [32], SetTo(0)), "there is no neuron 32 in layer L1; it has 32, counted from 0")
    refused(model, Edit("L1.gate", [0], SetTo(0)), r"does not say where the site 'gate' is; give site=gate=pattern:in")
    refused(model, Edit("L1.x", [0], SetTo(0), site="x=no.{}.such:in"), "no module is named no")
    few = load_model(tiny_model("bert"), layers=[0, 1])
    refused(
        few, Edit("L2", [0], SetTo(0)), "the edit of L2 changes nothing that is read, .* load it with head=True, or"
    )
    assert (arrays(few.edited([Edit("L1", [0], SetTo(4))]), [["a"]])["L1"][:, 0] == 4).all()
    for arguments, message in (
        (("L1", [], SetTo(0)), "the edit of L1 has no neurons; name some, or None"),
        (("L1", [-1], SetTo(0)), "has neuron -1; neurons are counted from 0"),
        (("L1", None, SetTo(0), []), "the edit of L1 has no words"),
    ):
        with pytest.raises(ModelError, match=message):
            Edit(*arguments)
    with pytest.raises(ModelError, match=r"SetTo has numbers of shape \(1, 2\); expected one, or one a neuron"):
        SetTo([[1, 2]])


def test_numbers_and_functions_that_do_not_fit_are_refused(tiny_model):
    model = load_model(tiny_model("bert"))
    with pytest.raises(ModelError, match="Add has 3 numbers for 2 neurons; give one for each, or one"):
        model.edited([Edit("L1", [0, 1], Add([1, 2, 3]))]).embed([["a"]])
    with pytest.raises(
        ModelError, match=r"the change of L1 gives a tensor of shape \(2,\), where \(3, 2\) .positions x"
    ):
        model.edited([Edit("L1", [0, 1], lambda values: values[0])]).embed([["a"]])


def test_a_store_tells_the_edits(tiny_model, tmp_path):
    corpus = Corpus([Sentence(("a", "cat"), {"pos": ("D", "N")}, "train")], name="c")
    model = load_model(tiny_model("bert"))
    edited = model.edited([Edit("L1", [0], SetTo(np.float32(0.25))), Edit("L2", range(20), torch.relu)])
    store = extract(corpus, edited, tmp_path / "store", dtype="float32")
    assert (store.read(0, 2)[:, 32] == 0.25).all()
    first, second = store.manifest["model"]["settings"]["edits"]
    assert first == {"layer": "L1", "neurons": [0], "change": "SetTo(0.25)", "words": None, "site": None}
    assert second["change"].endswith("relu")
    assert second["neurons"].startswith("sha256 ")
    with pytest.raises(Exception, match="holds activations of another model"):
        extract(corpus, model, tmp_path / "store", dtype="float32")


def test_other_families_are_refused_in_words(shared_data):
    pytest.importorskip("h5py", reason="the package h5py (extra `elmo`) is not installed")
    model = load_model(shared_data / "elmo_fixtures" / "lstm")
    with pytest.raises(
        ModelError, match="'lstm' cannot be edited: the family elmo only reads its models; use a Hugging"
    ):
        model.edited([Edit("L1", [0], SetTo(0.0))])
    with pytest.raises(ModelError, match=r"'lstm' \(elmo\) has no language-model head here; load a Hugging Face model"):
        model.logits([["a"]])
    with pytest.raises(ModelError, match="head is True, but models of the family elmo have no such option"):
        load_model(shared_data / "elmo_fixtures" / "lstm", head=True)
