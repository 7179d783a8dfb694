"""Sites are what their names say: the equations of each architecture hold between them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.sites import OUTPUT_MAPS, parse_site
from neurosieve.models.load import load_model

TOLERANCE = 1e-5
"""Float32 rounding of values of order 1 in batches of other shapes."""

N_BLOCKS = {"t5": 5, "bart": 5}
PRENORM = ["gpt2", "gpt_neox", "llama", "qwen2", "qwen3", "opt", "modernbert", "t5"]
"""Architectures in which a block adds both halves to the residual stream as they are."""
_BERT = ("encoder.layer.{}", "attention.output.LayerNorm", "output.LayerNorm")
POSTNORM = {
    "bert": _BERT,
    "roberta": _BERT,
    "electra": _BERT,
    "deberta-v2": _BERT,
    "mpnet": ("encoder.layer.{}", "attention.LayerNorm", "output.LayerNorm"),
    "distilbert": ("transformer.layer.{}", "sa_layer_norm", "output_layer_norm"),
    "albert": ("encoder.albert_layer_groups.0.albert_layers.0", "attention.LayerNorm", "full_layer_layer_norm"),
    "bart": ("encoder.layers.{}", "self_attn_layer_norm", "final_layer_norm"),
    "xlnet": ("layer.{}", "rel_attn.layer_norm", "ff.layer_norm"),
}
"""Architectures that normalise after each addition: block, norm after the attention, norm after the feed-forward half."""
TABLED = [*PRENORM, *POSTNORM]


@pytest.fixture
def read(tiny_model, sentences):
    """Vectors of all words at one site, one array a layer; with the layers."""

    def at(name, site):
        model = load_model(tiny_model(name), site=site)
        found = model.embed(sentences)
        return model.layers, [np.concatenate([f.layers[i] for f in found]) for i in range(model.n_layers)]

    return at


@pytest.fixture
def network(tiny_model):
    from transformers import AutoModel

    return lambda name: AutoModel.from_pretrained(tiny_model(name)).eval()


def apply(module, vectors):
    with torch.no_grad():
        return module(torch.from_numpy(vectors)).numpy()


def output_map(network, name, half, block):
    """The module by its full name in one block, written out here for each architecture."""
    if name == "t5":
        last = {3: 1, 2: 2}[3 if block < 3 else 2]
        side = network.encoder.block[block] if block < 3 else network.decoder.block[block - 3]
        return side.layer[0].SelfAttention.o if half == "attention" else side.layer[last].DenseReluDense.wo
    if name == "bart":
        layer = network.encoder.layers[block] if block < 3 else network.decoder.layers[block - 3]
        return layer.self_attn.out_proj if half == "attention" else layer.fc2
    if name == "albert":
        layer = network.encoder.albert_layer_groups[0].albert_layers[0]
        return layer.attention.dense if half == "attention" else layer.ffn_output
    path, attention, mlp = {
        "gpt2": ("h", "attn.c_proj", "mlp.c_proj"),
        "gpt_neox": ("layers", "attention.dense", "mlp.dense_4h_to_h"),
        "llama": ("layers", "self_attn.o_proj", "mlp.down_proj"),
        "qwen2": ("layers", "self_attn.o_proj", "mlp.down_proj"),
        "qwen3": ("layers", "self_attn.o_proj", "mlp.down_proj"),
        "opt": ("decoder.layers", "self_attn.out_proj", "fc2"),
        "modernbert": ("layers", "attn.Wo", "mlp.Wo"),
        "distilbert": ("transformer.layer", "attention.out_lin", "ffn.lin2"),
        "mpnet": ("encoder.layer", "attention.attn.o", "output.dense"),
        "xlnet": ("layer", None, "ff.layer_2"),
    }.get(name, ("encoder.layer", "attention.output.dense", "output.dense"))
    return network.get_submodule(f"{path}.{block}.{attention if half == 'attention' else mlp}")


@pytest.mark.parametrize("name", TABLED)
def test_mixing_the_heads_gives_the_attention_output(read, network, name):
    heads, attention = read(name, "heads"), read(name, "attention")
    net = network(name)
    assert len(heads[0]) == len(attention[0]) == N_BLOCKS.get(name, 3)
    for block, (before, after) in enumerate(zip(heads[1], attention[1], strict=True)):
        if name == "xlnet":
            weights = net.layer[block].rel_attn.o.detach().flatten(1).numpy()
            mixed = before @ weights.T
        else:
            mixed = apply(output_map(net, name, "attention", block), before)
        np.testing.assert_allclose(mixed, after, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", PRENORM)
def test_a_block_adds_attention_and_hidden_units_to_the_residual_stream(read, network, name):
    (_, stream), (_, attention), (_, hidden) = (read(name, site) for site in ("residual", "attention", "mlp"))
    net = network(name)
    for block in range(2):  # what leaves the last block passes through the final norm
        added = attention[block] + apply(output_map(net, name, "mlp", block), hidden[block])
        np.testing.assert_allclose(stream[block] + added, stream[block + 1], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", POSTNORM)
def test_a_block_normalises_after_adding(read, network, name):
    (_, stream), (_, attention), (_, hidden) = (read(name, site) for site in ("residual", "attention", "mlp"))
    net = network(name)
    blocks, first, second = POSTNORM[name]
    for block in range(3):  # the decoder of an encoder-decoder attends to the encoder as well
        layer = net.get_submodule(blocks.format(block))
        middle = apply(layer.get_submodule(first), stream[block] + attention[block])
        added = apply(output_map(net, name, "mlp", block), hidden[block])
        end = apply(layer.get_submodule(second), middle + added)
        np.testing.assert_allclose(end, stream[block + 1], atol=TOLERANCE, rtol=0)


def test_names_and_widths(read):
    layers, _ = read("bart", "mlp")
    assert [(layer.name, layer.width, layer.depth, layer.site) for layer in layers] == [
        ("enc.L1.mlp", 48, 1, "mlp"),
        ("enc.L2.mlp", 48, 2, "mlp"),
        ("enc.L3.mlp", 48, 3, "mlp"),
        ("dec.L1.mlp", 40, 1, "mlp"),
        ("dec.L2.mlp", 40, 2, "mlp"),
    ]
    assert layers[0].neuron_names()[:2] == ["enc.L1.mlp.N0", "enc.L1.mlp.N1"]


@pytest.mark.parametrize("name", ["llama", "albert", "xlnet", "t5"])
def test_only_layers_that_are_asked_for(tiny_model, read, sentences, name):
    whole = read(name, "mlp")
    part = load_model(tiny_model(name), site="mlp", layers=[2])
    chosen = [i for i, layer in enumerate(whole[0]) if layer.depth == 2]
    assert [layer.name for layer in part.layers] == [whole[0][i].name for i in chosen]
    found = part.embed(sentences)
    for place, i in enumerate(chosen):
        got = np.concatenate([f.layers[place] for f in found])
        np.testing.assert_allclose(got, whole[1][i], atol=TOLERANCE, rtol=0)


def test_a_module_of_ones_own(read, network):
    layers, gate = read("llama", "gate=layers.{}.mlp.gate_proj:out")
    _, entering = read("llama", "before=layers.{}.mlp.gate_proj:in")
    assert [layer.name for layer in layers] == ["L1.gate", "L2.gate", "L3.gate"]
    for block in range(3):
        expected = apply(network("llama").layers[block].mlp.gate_proj, entering[block])
        np.testing.assert_allclose(gate[block], expected, atol=TOLERANCE, rtol=0)


def test_a_module_that_gives_a_mapping_or_several_tensors(read, network):
    """The vectors of BERT's encoder stand in a mapping, those of Llama's attention in a tuple: the first tensor is meant."""
    _, whole = read("bert", "enc=encoder:out")
    _, last = read("bert", "residual")
    np.testing.assert_allclose(whole[0], last[-1], atol=TOLERANCE, rtol=0)
    _, halves = read("llama", "half=layers.{}.self_attn:out")
    _, mixed = read("llama", "mixed=layers.{}.self_attn.o_proj:out")
    for given, expected in zip(halves, mixed, strict=True):
        np.testing.assert_allclose(given, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    ("site", "message"),
    [
        ("neurons", "site is 'neurons'; expected one of residual, mlp, attention, heads, or name=pattern:in"),
        (
            "x=layers.{}.nothing:out",
            r"no module is named layers.\{\}.nothing; this model has .*layers.\{\}.mlp.down_proj",
        ),
        ("x=rotary_emb:out", "module rotary_emb has a tensor of shape .* where one vector for each of"),
    ],
)
def test_what_is_not_a_site_is_refused(tiny_model, site, message):
    with pytest.raises(ModelError, match=message):
        load_model(tiny_model("llama"), site=site)


def test_an_architecture_that_is_not_in_the_table_is_refused_with_those_that_are():
    with pytest.raises(ModelError, match="the site 'mlp' is not known for 'unheard-of' models, only for albert, bart"):
        parse_site("mlp", "unheard-of")
    assert set(TABLED) <= set(OUTPUT_MAPS)


def test_the_model_is_left_without_hooks(tiny_model):
    model = load_model(tiny_model("xlnet"), site="heads")
    model.embed([["a"]])
    network = model._reader._model
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert not any("post_attention" in vars(module) for module in network.modules())
