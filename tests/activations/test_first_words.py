"""Huge values of first words are told, and usual ones are not."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from neurosieve.activations.extract import extract
from neurosieve.models.vectors import VectorBatch, WordVectors


class WithSink:
    """A model whose first words have huge values in layer L1."""

    def __init__(self, model, factor: float) -> None:
        self.model, self.factor = model, factor

    def __getattr__(self, name: str):
        return getattr(self.model, name)

    def embed(self, sentences) -> VectorBatch:
        changed = []
        for found in self.model.embed(sentences):
            layers = [np.array(layer) for layer in found.layers]
            if found.kept[0]:
                layers[1][0] *= self.factor
            changed.append(WordVectors(tuple(layers), found.kept, found.n_windows, found.n_subwords, found.n_unknown))
        return VectorBatch.of(changed)


@pytest.mark.parametrize("factor", [1.0, 100.0])
def test_first_words_with_huge_values_are_told(
    tmp_path: Path, corpus, fake_model, caplog: pytest.LogCaptureFixture, factor: float
) -> None:
    with caplog.at_level(logging.WARNING, "neurosieve"):
        store = extract(corpus, WithSink(fake_model(), factor), tmp_path / "store")  # type: ignore[arg-type]
    found = store.manifest.get("first_words")
    if factor == 1.0:
        assert found is None
        assert "attention sink" not in caplog.text
    else:
        assert found["layers"] == [store.manifest["layers"][1]["name"]]
        assert 50 < found["times"] < 200
        assert "attention sink" in caplog.text


def test_a_model_that_still_gives_a_list_is_read(tmp_path: Path, corpus, fake_model) -> None:
    class Old(WithSink):
        def embed(self, sentences):
            return list(self.model.embed(sentences))

    old = extract(corpus, Old(fake_model(), 1.0), tmp_path / "old")  # type: ignore[arg-type]
    new = extract(corpus, fake_model(), tmp_path / "new")
    np.testing.assert_array_equal(old.read(0, old.n_words), new.read(0, new.n_words))
