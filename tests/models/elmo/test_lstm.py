"""ELMo equals the original's values, does not depend on company, and refuses damaged files by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from neurosieve.errors import ModelError
from neurosieve.models.elmo.characters import character_numbers
from neurosieve.models.elmo.lstm import read_elmo
from neurosieve.models.load import load_model, model_size

h5py = pytest.importorskip("h5py", reason="the package h5py (extra `elmo`) is not installed")

TOLERANCE = 1e-5
"""Between float32 implementations that sum in other orders; the values are of order 1, so this is about 100 ulp."""

CELL = "RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell"


def released_options(cells, projection, n_highway, filters=((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512))):
    return {
        "lstm": {
            "use_skip_connections": True,
            "projection_dim": projection,
            "cell_clip": 3,
            "proj_clip": 3,
            "dim": cells,
            "n_layers": 2,
        },
        "char_cnn": {
            "activation": "relu",
            "filters": [list(pair) for pair in filters],
            "n_highway": n_highway,
            "embedding": {"dim": 16},
            "n_characters": 262,
            "max_characters_per_token": 50,
        },
    }


def weight_shapes(options):
    """Names and shapes of the released file."""
    projection, cells = options["lstm"]["projection_dim"], options["lstm"]["dim"]
    filters, width = options["char_cnn"]["filters"], options["char_cnn"]["embedding"]["dim"]
    n = sum(number for _, number in filters)
    shapes = {"char_embed": (261, width), "CNN_proj/W_proj": (n, projection), "CNN_proj/b_proj": (projection,)}
    for i, (span, number) in enumerate(filters):
        shapes |= {f"CNN/W_cnn_{i}": (1, span, width, number), f"CNN/b_cnn_{i}": (number,)}
    for i in range(options["char_cnn"]["n_highway"]):
        for name in ("carry", "transform"):
            shapes |= {f"CNN_high_{i}/W_{name}": (n, n), f"CNN_high_{i}/b_{name}": (n,)}
    for direction in range(2):
        for i in range(options["lstm"]["n_layers"]):
            prefix = f"RNN_{direction}/RNN/MultiRNNCell/Cell{i}/LSTMCell"
            shapes |= {
                f"{prefix}/W_0": (2 * projection, 4 * cells),
                f"{prefix}/B": (4 * cells,),
                f"{prefix}/W_P_0": (cells, projection),
            }
    return shapes


def write(folder, options, *, scale=0.3):
    """Write a model of random weights in the released format."""
    rng = np.random.default_rng(0)
    (folder / "x_options.json").write_text(json.dumps(options))
    with h5py.File(folder / "x_weights.hdf5", "w") as file:
        for name, shape in weight_shapes(options).items():
            file[name] = rng.normal(scale=scale, size=shape).astype(np.float32)
    return folder


SMALL = released_options(24, 8, 1, ((1, 4), (3, 6)))


@pytest.fixture
def small(tmp_path):
    return write(tmp_path, SMALL)


def test_all_layers_equal_the_reference(shared_data):
    folder = shared_data / "elmo_fixtures" / "lstm"
    lists = json.loads((folder / "sentences.json").read_text())
    sentences = [texts[0].split() for texts in lists]
    model = load_model(folder)
    assert [(layer.name, layer.width) for layer in model.layers] == [("L0", 32), ("L1", 32), ("L2", 32)]
    with np.load(folder / "reference_all_layers.npz") as reference:
        for i, found in enumerate(model.embed(sentences)):
            for layer, expected in zip(found.layers, reference[f"stateless_{i}_0"], strict=True):
                np.testing.assert_allclose(layer, expected, atol=TOLERANCE, rtol=0)
            assert np.abs(found.layers[0][:, :16] - found.layers[0][:, 16:]).max() == 0


def test_the_top_layer_equals_the_originals_first_batch(shared_data):
    """Later batches of the original carry the state of earlier ones; the first starts from zero as every one here."""
    folder = shared_data / "elmo_fixtures" / "lstm"
    lists = json.loads((folder / "sentences.json").read_text())
    model = load_model(folder, layers=[-1])
    for i, texts in enumerate(lists):
        with h5py.File(folder / f"lm_embeddings_{i}.hdf5") as file:
            forward, backward = file["0"][...]
        (found,) = model.embed([texts[0].split()])
        np.testing.assert_allclose(found.layers[0], np.hstack([forward, backward]), atol=TOLERANCE, rtol=0)


def test_token_vectors_of_the_whole_vocabulary_equal_the_reference(shared_data):
    folder = shared_data / "elmo_fixtures" / "lstm"
    words = (folder / "vocab_test.txt").read_text().split()
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        expected = file["embedding"][...]
    with torch.inference_mode():
        found = read_elmo(folder).characters.vectors([character_numbers(word) for word in words])
    assert found.shape == expected.shape == (458, 16)
    np.testing.assert_allclose(found.numpy(), expected, atol=TOLERANCE, rtol=0)


def literal_direction(weights, options, direction, tokens):
    """The released cell, one word and one gate at a time."""
    clip, x, outputs = options["lstm"]["cell_clip"], tokens, []
    n = options["lstm"]["dim"]

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    for layer in range(options["lstm"]["n_layers"]):
        prefix = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
        output, cell, rows = np.zeros(x.shape[1]), np.zeros(n), []
        for token in x:
            z = np.concatenate([token, output]) @ weights[f"{prefix}/W_0"] + weights[f"{prefix}/B"]
            enter, candidate, forget, leave = z[:n], z[n : 2 * n], z[2 * n : 3 * n], z[3 * n :]
            cell = np.clip(sigmoid(enter) * np.tanh(candidate) + sigmoid(forget + 1) * cell, -clip, clip)
            output = sigmoid(leave) * np.tanh(cell) @ weights[f"{prefix}/W_P_0"]
            output = np.clip(output, -options["lstm"]["proj_clip"], options["lstm"]["proj_clip"])
            rows.append(output)
        x = np.array(rows) + (x if layer else 0)
        outputs.append(x)
    return outputs


def test_the_cells_equal_a_literal_reference_where_both_clips_bind(tmp_path):
    """Weights are large enough, and clips narrow enough, that leaving either out gives other values."""
    options = {**SMALL, "lstm": {**SMALL["lstm"], "cell_clip": 0.5, "proj_clip": 0.4}}
    network = read_elmo(write(tmp_path, options, scale=1.0))
    with h5py.File(tmp_path / "x_weights.hdf5") as file:
        weights = {name: file[name][...].astype(np.float64) for name in weight_shapes(options)}
    words = ["<S>", "The", "cat", "sat", "on", "the", "mat", ".", "</S>"]
    with torch.inference_mode():
        tokens = network.characters.vectors([character_numbers(word) for word in words])
        states = network.contextualise(tokens[None], torch.tensor([len(words)]))
    forward = literal_direction(weights, options, 0, tokens.double().numpy())
    backward = literal_direction(weights, options, 1, tokens.double().numpy()[::-1])
    for state, ahead, back in zip(states, forward, backward, strict=True):
        np.testing.assert_allclose(state[0], np.hstack([ahead, back[::-1]]), atol=TOLERANCE, rtol=0)
    assert np.abs(forward[0]).max() == 0.4


@pytest.mark.parametrize(
    ("cells", "projection", "n_highway"),
    [(1024, 128, 1), (2048, 256, 1), pytest.param(4096, 512, 2, marks=pytest.mark.slow)],
    ids=["small", "medium", "original"],
)
def test_every_released_size_loads_by_its_options(tmp_path, cells, projection, n_highway):
    filters = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
    options = released_options(cells, projection, n_highway, filters)
    (tmp_path / "options.json").write_text(json.dumps(options))
    with h5py.File(tmp_path / "weights.hdf5", "w") as file:
        for name, shape in weight_shapes(options).items():  # never written: the file holds the fill value alone
            file.create_dataset(name, shape, np.float32, chunks=True, fillvalue=0.01)
    model = load_model(tmp_path, self_test=False)
    assert [layer.width for layer in model.layers] == [2 * projection] * 3
    assert model.embed([["A", "word"]])[0].layers[2].shape == (2, 2 * projection)


def test_company_does_not_matter(small, sentences):
    model = load_model(small)
    results = []
    for batch_tokens in (100_000, 1, 25):
        model.batch_tokens = batch_tokens
        results.append(model.embed(sentences))
    for first, *others in zip(*results, strict=True):
        assert first.kept.all()
        for other in others:
            for x, y in zip(first.layers, other.layers, strict=True):
                np.testing.assert_allclose(x, y, atol=TOLERANCE, rtol=0)


def test_words_without_characters_have_no_vector(small):
    some, whole = load_model(small).embed([["a", "", "b"], ["a", "b"]])
    assert some.kept.tolist() == [True, False, True]
    np.testing.assert_allclose(some.layers[2], whole.layers[2], atol=TOLERANCE, rtol=0)


def test_long_sentences_need_no_windows(small):
    (found,) = load_model(small).embed([["word"] * 3000])
    assert found.n_windows == 1
    assert len(found.layers[0]) == 3000


def test_the_untrained_twin_differs_in_every_parameter(small):
    trained, fresh, again = load_model(small), load_model(small, untrained=1), load_model(small, untrained=1)
    assert fresh.info.digest == again.info.digest != load_model(small, untrained=2).info.digest
    pairs = zip(trained._network.named_parameters(), fresh._network.parameters(), strict=True)
    for (name, before), after in pairs:
        assert not torch.isclose(before, after, atol=0).all(), name
        assert len(after.unique()) > 1, name


def refused(folder, message, **options):
    with pytest.raises(ModelError, match=message) as caught:
        load_model(folder, **options)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused(small):
    path = small / "x_weights.hdf5"
    path.write_bytes(path.read_bytes()[:5000])
    refused(small, "x_weights.hdf5 is not a whole HDF5 file")


def test_a_file_of_another_kind_is_refused(small):
    (small / "x_weights.hdf5").write_bytes(b"not at all")
    refused(small, "x_weights.hdf5 is not a whole HDF5 file")


def test_missing_weights_are_refused_by_name(small):
    with h5py.File(small / "x_weights.hdf5", "a") as file:
        del file[f"{CELL}/W_P_0"]
    refused(small, f"x_weights.hdf5 has no weights '{CELL}/W_P_0'")


def test_weights_of_another_shape_are_refused_by_name(small):
    (small / "x_options.json").write_text(json.dumps({**SMALL, "lstm": {**SMALL["lstm"], "dim": 32}}))
    refused(small, r"weights 'RNN_0/.*/W_0' have the shape \(16, 96\), where the model's options ask for \(16, 128\)")


def test_weights_that_are_not_finite_are_refused_by_name(small):
    with h5py.File(small / "x_weights.hdf5", "a") as file:
        file["CNN_proj/b_proj"][3] = np.nan
    refused(small, "weights 'CNN_proj/b_proj' hold values that are not finite")


def test_weights_that_cannot_be_read_are_refused_by_name(small):
    """A damaged block inside a whole file: its checksum does not match."""
    with h5py.File(small / "x_weights.hdf5", "a") as file:
        values = file["char_embed"][...]
        del file["char_embed"]
        file.create_dataset("char_embed", data=values, chunks=values.shape, fletcher32=True)
        offset = file["char_embed"].id.get_chunk_info(0).byte_offset
    content = bytearray((small / "x_weights.hdf5").read_bytes())
    content[offset + 100] ^= 0xFF
    (small / "x_weights.hdf5").write_bytes(content)
    refused(small, "weights 'char_embed' cannot be read")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lstm": {"dim": 24}}, "x_options.json has no option 'lstm.projection_dim'"),
        ({"lstm": {**SMALL["lstm"], "n_layers": "two"}}, "option 'lstm.n_layers' is 'two', where int is expected"),
        ({"char_cnn": {**SMALL["char_cnn"], "filters": [4]}}, "'filters' is .4., where pairs of integers are expected"),
        (
            {"char_cnn": {**SMALL["char_cnn"], "activation": "gelu"}},
            "'activation' is 'gelu'; expected 'relu' or 'tanh'",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(small, change, message):
    (small / "x_options.json").write_text(json.dumps({**SMALL, **change}))
    refused(small, message)


@pytest.mark.parametrize(("content", "message"), [("{", "is not JSON"), ("[1]", "holds list, where an object")])
def test_options_of_another_form_are_refused(small, content, message):
    (small / "x_options.json").write_text(content)
    refused(small, f"x_options.json {message}")


def test_two_files_of_a_kind_are_refused(small):
    (small / "y_options.json").write_text("{}")
    refused(small, r"has 2 files \*options.json \(x_options.json, y_options.json\); expected exactly one")


def test_other_sites_are_refused(small):
    refused(small, "site is 'mlp', but models of the family elmo have no such option; leave it out", site="mlp")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lstm": {**SMALL["lstm"], "n_layers": 0}}, "option 'lstm.n_layers' is 0; expected 1 to 1,000"),
        (
            {"lstm": {**SMALL["lstm"], "n_layers": 10_000_000}},
            "option 'lstm.n_layers' is 10000000; expected 1 to 1,000",
        ),
        ({"lstm": {**SMALL["lstm"], "dim": -1}}, "option 'lstm.dim' is -1; expected 1 to 1,000,000"),
        ({"lstm": {**SMALL["lstm"], "dim": 10**30}}, "option 'lstm.dim' is 10+; expected"),
        ({"lstm": {**SMALL["lstm"], "dim": 500_000}}, "the options ask for .* weights, and the file of weights has"),
        ({"lstm": {**SMALL["lstm"], "cell_clip": "x"}}, "option 'lstm.cell_clip' is 'x', where a number above 0"),
        ({"lstm": {**SMALL["lstm"], "proj_clip": 0}}, "option 'lstm.proj_clip' is 0, where a number above 0"),
        ({"char_cnn": {**SMALL["char_cnn"], "filters": [[-1, 4]]}}, "expected spans from 1 to 50 characters"),
        ({"char_cnn": {**SMALL["char_cnn"], "filters": [[1, 10**12]]}}, "1 to 1,000,000 filters of each"),
        ({"char_cnn": {**SMALL["char_cnn"], "n_highway": -1}}, "'char_cnn.n_highway' is -1; expected 0 to 1,000"),
    ],
)
def test_sizes_that_no_model_has_are_refused_before_anything_is_built(small, change, message):
    (small / "x_options.json").write_text(json.dumps({**SMALL, **change}))
    refused(small, message)


@pytest.mark.parametrize(
    "lstm", [None, [], {"n_layers": -5, "projection_dim": 4}, {"n_layers": 2, "projection_dim": 10**30}]
)
def test_sizes_are_not_told_of_options_that_are_none(small, lstm):
    (small / "x_options.json").write_text(json.dumps({**SMALL, "lstm": lstm}))
    with pytest.raises(ModelError, match=r"its options do not say how many layers|where an object"):
        model_size(small)
