"""Transformer-ELMo equals the original's values and refuses damaged and unsafe archives by name."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tarfile

import numpy as np
import pytest
import torch

from neurosieve.errors import ModelError
from neurosieve.models.elmo.archive import read_members
from neurosieve.models.elmo.characters import character_numbers
from neurosieve.models.elmo.transformer import read_transformer_elmo
from neurosieve.models.load import load_model

TOLERANCE = 1e-5
"""Between float32 implementations that sum in other orders; the values are of order 1, so this is about 100 ulp."""

EMBEDDER = "_text_field_embedder.token_embedder_token_characters"


def released_config(*, width=16, n_hidden=24, n_layers=2, filters=((1, 4), (3, 6)), embedding=5):
    """The released form: the projection after the highway layers, and a layer norm after that."""
    encoder = {
        "type": "cnn-highway",
        "activation": "relu",
        "embedding_dim": embedding,
        "filters": [list(pair) for pair in filters],
        "num_highway": 2,
        "projection_dim": width,
        "projection_location": "after_highway",
        "do_layer_norm": True,
    }
    return {
        "model": {
            "type": "language_model",
            "bidirectional": True,
            "contextualizer": {
                "type": "bidirectional_language_model_transformer",
                "input_dim": width,
                "hidden_dim": n_hidden,
                "num_layers": n_layers,
            },
            "text_field_embedder": {
                "token_embedders": {
                    "token_characters": {
                        "type": "character_encoding",
                        "embedding": {"num_embeddings": 262, "embedding_dim": embedding},
                        "encoder": encoder,
                    }
                }
            },
        }
    }


def random_weights(config):
    """Weights of the released names and shapes."""
    encoder = config["model"]["text_field_embedder"]["token_embedders"]["token_characters"]["encoder"]
    context = config["model"]["contextualizer"]
    width, hidden, n = context["input_dim"], context["hidden_dim"], sum(number for _, number in encoder["filters"])
    inside = f"{EMBEDDER}._encoder._module"
    shapes = {f"{EMBEDDER}._embedding._module.weight": (262, encoder["embedding_dim"])}
    for i, (span, number) in enumerate(encoder["filters"]):
        shapes |= {f"{inside}.char_conv_{i}.weight": (number, encoder["embedding_dim"], span)}
        shapes |= {f"{inside}.char_conv_{i}.bias": (number,)}
    for i in range(encoder["num_highway"]):
        shapes |= {
            f"{inside}._highways._layers.{i}.weight": (2 * n, n),
            f"{inside}._highways._layers.{i}.bias": (2 * n,),
        }
    shapes |= {f"{inside}._projection.weight": (width, n), f"{inside}._projection.bias": (width,)}
    shapes |= {f"{inside}._layer_norm.gamma": (width,), f"{inside}._layer_norm.beta": (width,)}
    for direction in ("forward", "backward"):
        prefix = f"_contextualizer._{direction}_transformer"
        for i in range(context["num_layers"]):
            layer = f"{prefix}.layers.{i}"
            for j in range(4):
                shapes |= {f"{layer}.self_attn.linears.{j}.weight": (width, width)}
                shapes |= {f"{layer}.self_attn.linears.{j}.bias": (width,)}
            shapes |= {f"{layer}.feed_forward.w_1.weight": (hidden, width), f"{layer}.feed_forward.w_1.bias": (hidden,)}
            shapes |= {f"{layer}.feed_forward.w_2.weight": (width, hidden), f"{layer}.feed_forward.w_2.bias": (width,)}
            for j in range(2):
                shapes |= {f"{layer}.sublayer.{j}.norm.{name}": (width,) for name in ("gamma", "beta")}
        shapes |= {f"{prefix}.norm.{name}": (width,) for name in ("gamma", "beta")}
    generator = torch.Generator().manual_seed(0)
    return {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def pack(path, config, weights, *, extra=()):
    """Write an archive in the released format; `extra` members come first."""

    def add(tar, name, content):
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))

    buffer = io.BytesIO()
    torch.save(weights, buffer)
    with tarfile.open(path, "w:gz") as tar:
        for info in extra:
            tar.addfile(info)
        add(tar, "config.json", json.dumps(config).encode())
        add(tar, "weights.th", buffer.getvalue())
        add(tar, "vocabulary/tokens.txt", b"the\n")
    return path


CONFIG = released_config()


@pytest.fixture
def weights():
    return random_weights(CONFIG)


@pytest.fixture
def small(tmp_path, weights):
    return pack(tmp_path / "model.tar.gz", CONFIG, weights)


def test_all_layers_equal_the_reference(shared_data):
    folder = shared_data / "elmo_fixtures" / "transformer"
    sentences = json.loads((folder / "reference_sentences.json").read_text())
    model = load_model(folder / "model.tar.gz")
    assert [(layer.name, layer.width) for layer in model.layers] == [(f"L{i}", 32) for i in range(4)]
    with np.load(folder / "reference_all_layers.npz") as reference:
        for i, found in enumerate(model.embed(sentences)):
            for layer, expected in zip(found.layers, reference[str(i)], strict=True):
                np.testing.assert_allclose(layer, expected, atol=TOLERANCE, rtol=0)


def literal_token(weights, word):
    """Vector of a word in the released form, in float64."""
    w = {name.removeprefix(f"{EMBEDDER}."): tensor.double().numpy() for name, tensor in weights.items()}
    characters, pooled = w["_embedding._module.weight"][character_numbers(word)], []
    for i in range(2):
        kernel, bias = w[f"_encoder._module.char_conv_{i}.weight"], w[f"_encoder._module.char_conv_{i}.bias"]
        span = kernel.shape[2]
        places = [characters[k : k + span].T for k in range(50 - span + 1)]
        pooled += list(np.maximum(0, np.max([[np.sum(f * p) for f in kernel] for p in places], axis=0) + bias))
    x = np.array(pooled)
    for i in range(2):
        z = w[f"_encoder._module._highways._layers.{i}.weight"] @ x + w[f"_encoder._module._highways._layers.{i}.bias"]
        gate = 1 / (1 + np.exp(-z[len(x) :]))
        x = gate * x + (1 - gate) * np.maximum(0, z[: len(x)])
    x = w["_encoder._module._projection.weight"] @ x + w["_encoder._module._projection.bias"]
    gamma, beta = w["_encoder._module._layer_norm.gamma"], w["_encoder._module._layer_norm.beta"]
    return gamma * (x - x.mean()) / (x.std() + 1e-6) + beta


def test_the_released_form_of_the_character_network(small, weights):
    """The reference has the projection first and no norm; the released model has it last, and normed."""
    words = ["The", "naïve", "cat", "."]
    (found,) = load_model(small).embed([words])
    expected = np.array([literal_token(weights, word) for word in words])
    np.testing.assert_allclose(found.layers[0], np.hstack([expected, expected]), atol=TOLERANCE, rtol=0)


def test_company_does_not_matter(small, sentences):
    model = load_model(small)
    results = []
    for batch_tokens in (100_000, 1, 25):
        model.batch_tokens = batch_tokens
        results.append(model.embed(sentences))
    for first, *others in zip(*results, strict=True):
        for other in others:
            for x, y in zip(first.layers, other.layers, strict=True):
                np.testing.assert_allclose(x, y, atol=TOLERANCE, rtol=0)


def test_sentences_beyond_the_encoded_positions_are_read_in_windows(small):
    model = load_model(small, layers=[0, 2])
    assert model.window == 5000
    model.window = 12  # ten words and the two ends
    (found,) = model.embed([["word", "two"] * 20])
    assert found.n_windows == 7
    assert [layer.shape for layer in found.layers] == [(40, 32)] * 2
    (whole,) = load_model(small, layers=[0]).embed([["word", "two"] * 20])
    np.testing.assert_allclose(found.layers[0], whole.layers[0], atol=TOLERANCE, rtol=0)


def test_the_untrained_twin_differs_in_every_parameter(small):
    trained, fresh, again = load_model(small), load_model(small, untrained=1), load_model(small, untrained=1)
    assert fresh.info.digest == again.info.digest != load_model(small, untrained=2).info.digest
    pairs = zip(trained._network.named_parameters(), fresh._network.parameters(), strict=True)
    for (name, before), after in pairs:
        assert not torch.isclose(before, after, atol=0).all(), name
        assert len(after.unique()) > 1, name


def refused(path, message):
    with pytest.raises(ModelError, match=message) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_archive_is_refused(small, share):
    content = small.read_bytes()
    small.write_bytes(content[: int(share * len(content))])
    refused(small, "model.tar.gz' is damaged or ends early")


def test_a_changed_byte_is_refused(small):
    content = bytearray(small.read_bytes())
    content[len(content) // 2] ^= 0x10
    small.write_bytes(content)
    refused(small, "model.tar.gz")


def test_a_file_of_another_kind_is_refused(small):
    small.write_bytes(b"not an archive at all" * 100)
    refused(small, "model.tar.gz' is damaged or ends early")


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (member("../evil.sh"), "member '../evil.sh' outside its folder"),
        (member("vocabulary/../../evil.sh"), "member 'vocabulary/../../evil.sh' outside its folder"),
        (member("/etc/evil"), "member '/etc/evil' outside its folder"),
        (member("..\\evil"), "outside its folder"),
        (member("C:/evil"), "outside its folder"),
        (member("weights.th", tarfile.SYMTYPE, "/etc/passwd"), "member 'weights.th' that is a link or device"),
        (member("config.json", tarfile.LNKTYPE, "../x"), "member 'config.json' that is a link or device"),
        (member("pipe", tarfile.FIFOTYPE), "member 'pipe' that is a link or device"),
    ],
)
def test_unsafe_members_are_refused_by_name(tmp_path, weights, info, message):
    refused(pack(tmp_path / "model.tar.gz", CONFIG, weights, extra=[info]), message)


def test_a_missing_member_is_refused_by_name(small, tmp_path):
    with tarfile.open(small) as old, tarfile.open(tmp_path / "other.tar.gz", "w:gz") as new:
        new.addfile(old.getmember("config.json"), old.extractfile("config.json"))
    refused(tmp_path / "other.tar.gz", "has no member 'weights.th'")


def test_missing_weights_are_refused_by_name(tmp_path, weights):
    name = "_contextualizer._backward_transformer.layers.1.self_attn.linears.3.bias"
    del weights[name]
    refused(pack(tmp_path / "model.tar.gz", CONFIG, weights), f"weights.th has no weights '{name}'")


def test_weights_of_another_shape_are_refused_by_name(tmp_path, weights):
    config = released_config(n_hidden=30)
    message = r"feed_forward.w_1.weight' have the shape \(24, 16\), where the model's options ask for \(30, 16\)"
    refused(pack(tmp_path / "model.tar.gz", config, weights), message)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, weights):
    weights["_contextualizer._forward_transformer.norm.gamma"][0] = np.inf
    refused(
        pack(tmp_path / "model.tar.gz", CONFIG, weights), "_forward_transformer.norm.gamma' hold values that are not"
    )


class Evil:
    """Would run code if it were unpickled without restriction."""

    def __reduce__(self):
        return (shutil.rmtree, ("no such folder",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": Evil()}, "weights.th is damaged or holds more than weights"),
        ([1, 2], "weights.th holds list, where named weights are expected"),
    ],
)
def test_anything_but_weights_is_refused_and_not_run(tmp_path, content, message):
    refused(pack(tmp_path / "model.tar.gz", CONFIG, content), message)


def changed(path, value):
    """The configuration with one option replaced."""
    config = released_config()
    *outer, last = path.split(".")
    place = config
    for key in outer:
        place = place[key]
    place[last] = value
    return config


ENCODER = "model.text_field_embedder.token_embedders.token_characters.encoder"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (changed("model.contextualizer.type", "lstm"), "the contextualizer is 'lstm', where a bidirectional"),
        (changed("model.bidirectional", value=False), "where a bidirectional"),
        (changed("model.contextualizer.num_layers", None), "option 'model.contextualizer.num_layers' is None"),
        (changed("model.text_field_embedder.token_embedders", {}), "0 token embedders of type 'character_encoding'"),
        (changed(f"{ENCODER}.projection_location", "nowhere"), "projection_location is 'nowhere'"),
        (changed(f"{ENCODER}.activation", "gelu"), "'activation' is 'gelu'"),
        (changed(f"{ENCODER}.filters", None), "'filters' is None, where pairs of integers are expected"),
        (changed("model.contextualizer.num_layers", 10**7), "num_layers' is 10000000; expected 1 to 1,000"),
        (changed("model.contextualizer.hidden_dim", 10**7), "hidden_dim' is 10000000; expected 1 to 1,000,000"),
        (changed(f"{ENCODER}.projection_dim", 15), "15 wide, which 8 heads of attention cannot share"),
        ({}, "config.json has no option 'model.contextualizer.type'"),
        ([], "config.json holds list"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(tmp_path, weights, config, message):
    refused(pack(tmp_path / "model.tar.gz", config, weights), message)


def test_nothing_is_written_beside_the_archive(small):
    read_transformer_elmo(small)
    assert [path.name for path in small.parent.iterdir()] == ["model.tar.gz"]


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_damage_of_every_kind_of_packing_is_refused(tmp_path, weights, mode):
    plain = pack(tmp_path / "model.tar.gz", released_config(), weights)
    members = {}
    with tarfile.open(plain) as tar:
        for info in tar:
            members[info.name] = tar.extractfile(info).read()
    packed = tmp_path / "damaged.tar.gz"
    with tarfile.open(packed, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    whole = packed.read_bytes()
    for at in range(20, len(whole), max(1, len(whole) // 25)):
        packed.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        with contextlib.suppress(ModelError):  # a few bits mean nothing; anything but a stated refusal fails
            read_members(packed, ("config.json",))
        packed.write_bytes(whole[:at])
        with pytest.raises(ModelError, match="is damaged or ends early"):
            read_members(packed, ("config.json",))


def test_an_archive_that_explodes_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("neurosieve.models.elmo.archive.LEAST_BOUND", 1 << 20)
    bomb = tmp_path / "model.tar.gz"
    with tarfile.open(bomb, "w:gz") as tar:
        info = tarfile.TarInfo("weights.th")
        info.size = 64 << 20
        tar.addfile(info, io.BytesIO(bytes(64 << 20)))
    with pytest.raises(ModelError, match="unpacks to more than 200 times its size"):
        read_members(bomb, ("weights.th",))
