"""The table of families: a new one is one entry, and everything works with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.extending.conftest import is_a_recipe

from neurosieve import extensions
from neurosieve.activations.extract import extract
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import ModelError, NeurosieveError
from neurosieve.models import families
from neurosieve.models.families import Family, family_names, register
from neurosieve.models.language_model import LanguageModel, Layer, ModelInfo
from neurosieve.models.layers import choose_layers
from neurosieve.models.load import load_model, model_size
from neurosieve.models.sizes import ModelSize
from neurosieve.models.vectors import VectorBatch, WordVectors

# A family in full: the recipe of CONTRIBUTING.md.


class LetterModel(LanguageModel):
    """Layer 0 counts a word's letters, layer 1 all letters of the sentence up to the word's end."""

    def __init__(self, letters, layers, name):
        self.letters = letters
        self.layers = layers
        self.info = ModelInfo(name, "letters", "LetterModel", "", digest=letters)

    def embed(self, sentences):
        result = []
        for words in sentences:
            counts = np.array([[word.count(letter) for letter in self.letters] for word in words], dtype=np.float32)
            states = {"L0": counts, "L1": counts.cumsum(axis=0)}
            result.append(WordVectors(tuple(states[layer.name] for layer in self.layers), np.ones(len(words), bool)))
        return VectorBatch.of(result)


def has_letters(place):
    return isinstance(place, Path) and (place / "letters.json").is_file()


def load_letters(place, options):
    letters = json.loads((place / "letters.json").read_text(encoding="utf-8"))
    layers = [Layer("L0", len(letters), depth=0), Layer("L1", len(letters), depth=1)]
    chosen = choose_layers(layers, options.layers)
    return LetterModel(letters, tuple(layers[i] for i in chosen), name=place.name)


def letters_size(place, options):
    n = len(json.loads((place / "letters.json").read_text(encoding="utf-8")))
    return ModelSize((n, n), n_weights=1)


LETTERS = Family("letters", "a file letters.json", has_letters, load_letters, letters_size, options=("layers",))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the family; the table is as it was afterwards."""
    monkeypatch.setattr(families, "FAMILIES", dict(families.FAMILIES))
    (tmp_path / "vowels").mkdir()
    (tmp_path / "vowels" / "letters.json").write_text('"aeiou"', encoding="utf-8")
    return tmp_path / "vowels"


def test_the_recipe_shows_this_family():
    assert is_a_recipe(__file__, "class LetterModel")


def test_a_family_is_registered_loaded_sized_and_extracted(folder, tmp_path):
    with pytest.raises(ModelError, match=r"the folder '.*vowels' holds no model: expected config.json .*, or ELMo's"):
        load_model(folder)
    register(LETTERS)
    model = load_model(str(folder))
    assert (model.info.family, model.info.name, model.n_neurons) == ("letters", "vowels", 10)
    assert model_size(folder).widths == tuple(layer.width for layer in model.layers)
    corpus = Corpus([Sentence(("a", "tree", "oaken"), {"pos": ("D", "N", "A")}, "train")], name="c")
    store = extract(corpus, model, tmp_path / "store")
    expected = [[1, 0, 0, 0, 0], [0, 2, 0, 0, 0], [1, 1, 0, 1, 0]]
    assert store.read(0, 3)[:, :5].tolist() == expected
    assert store.read(0, 3)[:, 5:].tolist() == np.cumsum(expected, axis=0).tolist()
    assert store.manifest["model"]["family"] == "letters"
    assert extract(corpus, load_model(folder, layers=[1]), tmp_path / "one").n_neurons == 5


def test_options_that_a_family_does_not_heed_are_refused(folder):
    register(LETTERS)
    with pytest.raises(ModelError, match="pooling is 'mean', but models of the family letters have no such option"):
        load_model(folder, pooling="mean")
    with pytest.raises(ModelError, match=r"site is 'mlp', but .* leave it out .they have layers."):
        model_size(folder, site="mlp")
    with pytest.raises(ModelError, match="the family 'x' heeds 'speed'; load_model has pooling, layers"):
        Family("x", "", has_letters, load_letters, letters_size, options=("speed",))


def test_the_family_that_came_last_is_asked_first(folder):
    (folder / "config.json").write_text("{}", encoding="utf-8")  # which is enough for Hugging Face
    register(LETTERS)
    assert load_model(folder).info.family == "letters"
    register(
        Family(
            "names",
            "",
            lambda place: place == "mine",
            lambda *_: load_letters(folder, SimpleNamespace(layers=None)),
            letters_size,
        )
    )
    assert load_model("mine").info.family == "letters"  # and not looked up on a hub


def test_entry_points(folder, monkeypatch):
    assert family_names() == ("huggingface", "elmo", "transformer-elmo")
    for value, message in ((families.FAMILIES["elmo"], "second family 'elmo'"), (3, "is a int; expected a Family")):
        give(monkeypatch, value)
        with pytest.raises(NeurosieveError, match=f"package pkg .*{message}"):
            load_model(folder)
    give(monkeypatch, LETTERS)
    assert load_model(folder).info.family == "letters"
    assert family_names() == ("huggingface", "elmo", "transformer-elmo", "letters")
    with pytest.raises(ModelError, match="there is already a family 'letters'"):
        register(LETTERS)


def give(monkeypatch, value):
    """Let a package have one entry point."""
    point = SimpleNamespace(name="x", value="v", dist=SimpleNamespace(name="pkg"), load=lambda: value)
    monkeypatch.setattr(families, "_loaded", set())
    monkeypatch.setattr(extensions, "entry_points", lambda **_: [point])


def test_an_entry_point_that_fails_names_its_package(folder, monkeypatch):
    def fail():
        raise ImportError("no module named torch2")

    point = SimpleNamespace(name="x", value="v", dist=SimpleNamespace(name="pkg"), load=fail)
    monkeypatch.setattr(extensions, "entry_points", lambda **_: [point])
    with pytest.raises(
        NeurosieveError, match=r"entry point 'x' of the package pkg cannot be loaded .no module named torch2.; mend"
    ):
        load_model(folder)


def test_asking_for_the_family_leaves_torch_out(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    code = (
        "import sys; from neurosieve.models.families import family_of;"
        f"assert family_of({str(tmp_path)!r})[0].name == 'huggingface'; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
