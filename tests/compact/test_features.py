"""Few neurons as features: the values of the whole model, from less of it, in scikit-learn and in a folder of their own."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import transformers
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import neurosieve as ns
from neurosieve.compact import features as compact_features
from neurosieve.compact.features import CompactFeatures
from neurosieve.errors import NeurosieveError

SENTENCES = ["the cat sees a dog .", ["this", "old", "river", "runs", "."], "a lamp finds every teacher !"]


def expected(folder: Path, names: tuple[str, ...], sentences: list[list[str]]) -> np.ndarray:
    """The same values, from the whole model."""
    model = ns.load_model(folder)
    batch = model.embed(sentences)
    columns = []
    for name in names:
        layer, index = name[1:].split("N")
        columns.append(batch.layers[int(layer)][:, int(index)])
    return np.stack(columns, axis=1)


def divided(sentences) -> list[list[str]]:
    return [s.split() if isinstance(s, str) else s for s in sentences]


def test_a_run_gives_the_values_of_its_minimal_set(finished_run, tiny_bert):
    run = ns.open_run(finished_run)
    delta = max(run.cells[0].settings.deltas)
    features = CompactFeatures(run, delta=delta).fit()
    minimal = run.cells[0].minimal(delta)
    assert features.neurons_ == minimal.names
    assert features.get_feature_names_out().tolist() == list(minimal.names)
    X = features.transform(SENTENCES)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, expected(tiny_bert, minimal.names, divided(SENTENCES)), atol=1e-5)
    assert features.n_layers_ == max(int(name[1:].split("N")[0]) for name in minimal.names)
    for other in (str(finished_run), run.cells[0]):
        np.testing.assert_array_equal(CompactFeatures(other, delta=delta).fit_transform(SENTENCES), X)
    with pytest.raises(NeurosieveError, match=r"no minimal set of delta 0.123"):
        CompactFeatures(run, delta=0.123).fit()


def test_it_is_an_estimator(tiny_bert):
    features = CompactFeatures(tiny_bert, neurons=["L1N3", "L0N5"], unit="sentence")
    assert features.get_params()["neurons"] == ["L1N3", "L0N5"]
    with pytest.raises(NotFittedError):
        features.transform(SENTENCES)
    made = make_pipeline(clone(features), LogisticRegression())
    assert made.fit(SENTENCES, ["x", "y", "x"]).predict(SENTENCES).shape == (3,)
    fitted = clone(features).fit(SENTENCES)
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 (our own bytes)
    np.testing.assert_array_equal(again.transform(SENTENCES), fitted.transform(SENTENCES))
    assert fitted.n_layers_ == 1
    assert fitted.transform([]).shape == (0, 2)
    words = expected(tiny_bert, ("L1N3", "L0N5"), divided(SENTENCES))
    np.testing.assert_allclose(fitted.transform(SENTENCES)[0], words[:6].mean(axis=0), atol=1e-5)
    assert fitted.set_params(unit="word").fit().transform(SENTENCES).shape == (17, 2)


def test_the_exported_folder_is_the_same_and_smaller(tiny_bert, tmp_path):
    features = CompactFeatures(tiny_bert, neurons=["L1N3", "L0N5"]).fit()
    folder = features.export(tmp_path / "small")
    network = transformers.AutoModel.from_pretrained(folder)
    assert network.config.num_hidden_layers == 1  # of two; the last one's output is not normalised again
    assert len(network.encoder.layer) == 1
    X = features.transform(SENTENCES)
    loaded = CompactFeatures(folder).fit()
    assert loaded.neurons_ == ("L1N3", "L0N5")
    np.testing.assert_allclose(loaded.transform(SENTENCES), X, atol=1e-5)
    with pytest.raises(NeurosieveError, match="holds something already"):
        features.export(folder)
    plan = folder / "compact.json"
    plan.write_text(json.dumps({"neurons": 3}))
    with pytest.raises(NeurosieveError, match="cannot be read"):
        CompactFeatures(folder).fit()


def test_a_decoder_keeps_the_block_before_its_last_norm(shared_data, tmp_path):
    features = CompactFeatures(shared_data / "stories260k", neurons=["L2N7", "L1N0"]).fit()
    folder = features.export(tmp_path / "small")
    assert transformers.AutoConfig.from_pretrained(folder).num_hidden_layers == 3
    np.testing.assert_allclose(
        CompactFeatures(folder).fit_transform(SENTENCES), features.transform(SENTENCES), atol=1e-5
    )
    last = CompactFeatures(shared_data / "stories260k", neurons=["L5N7"]).fit()
    assert transformers.AutoConfig.from_pretrained(last.export(tmp_path / "all")).num_hidden_layers == 5


def test_what_does_not_fit_is_refused(tiny_bert, finished_run):
    for neurons, message in (
        (["L1N99"], "no neuron 'L1N99'"),
        (["third"], "no name of a neuron"),
        ([], "no neuron is selected"),
        (["L1N1", "L1N1"], "named twice"),
    ):
        with pytest.raises(NeurosieveError, match=message):
            CompactFeatures(tiny_bert, neurons=neurons).fit()
    with pytest.raises(NeurosieveError, match="unit is 'text'"):
        CompactFeatures(tiny_bert, neurons=["L1N1"], unit="text").fit()
    with pytest.raises(NeurosieveError, match="run is a int"):
        CompactFeatures(3).fit()
    features = CompactFeatures(tiny_bert, neurons=["L1N1"]).fit()
    with pytest.raises(NeurosieveError, match="X is one text"):
        features.transform("the cat")
    with pytest.raises(NeurosieveError, match="sentence 1 has no words"):
        features.transform(["the cat", ""])


@pytest.mark.parametrize("unit", ["word", "sentence"])
def test_many_sentences_go_in_parts_and_tell_how_far_they_are(tiny_bert, monkeypatch, unit):
    features = CompactFeatures(tiny_bert, neurons=["L1N3", "L0N5"], unit=unit).fit()
    whole = features.transform(SENTENCES)
    monkeypatch.setattr(compact_features, "_SENTENCES", 2)
    seen: list[tuple[float, float]] = []
    found = features.transform(SENTENCES, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 3), (3, 3)]
    np.testing.assert_allclose(found, whole, atol=1e-6)
    with pytest.raises(NeurosieveError, match="sentence 2"):
        features.transform([*SENTENCES[:2], ["\u200b"]])
