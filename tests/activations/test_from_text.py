"""Properties made from text for stores that were extracted without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosieve.activations.arrays import store_from_arrays
from neurosieve.activations.extract import extract
from neurosieve.activations.from_text import with_property
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.derived import derive
from neurosieve.errors import NeurosieveError, StoreError
from neurosieve.models.load import load_model

SPECS = ("casing", "suffix", "place:number", "length", "frequency:number", "gerund=regex:ing$")


def test_labels_are_those_of_an_extraction_with_the_property(tiny_bert: Path, tmp_path: Path) -> None:
    """Words without a vector, here a space that no tokenizer keeps, stay in their sentences."""
    texts = ["the dog \u200b saw", "A cat was running", "the dog", "the cat saw", "the dog saw"]
    splits = ("train", "train", "train", "dev", "test")
    corpus = Corpus([Sentence(tuple(text.split(" ")), split=s) for text, s in zip(texts, splits, strict=True)])
    whole = corpus
    for spec in SPECS:
        whole = derive(whole, spec)
    model = load_model(str(tiny_bert))
    plain, made = extract(corpus, model, tmp_path / "plain"), extract(whole, model, tmp_path / "made")
    assert len(plain.manifest["left_out"]) == 1
    for spec in SPECS:
        name = spec.partition("=")[0]
        added = with_property(plain, spec)
        assert added.properties == [*plain.properties, name]
        assert added.labels(name).tolist() == made.labels(name).tolist()
        assert added.split("dev").labels(name).tolist() == made.split("dev").labels(name).tolist()
    assert plain.properties == []
    np.testing.assert_array_equal(added.read(0, 3), plain.read(0, 3))


def test_what_is_there_or_describes_nothing_changes_nothing(tmp_path: Path) -> None:
    store = arrays(tmp_path)
    assert with_property(store, "pos") is store
    assert with_property(store, "mood") is store  # which the store then lacks, and says so


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    store = arrays(tmp_path)
    with pytest.raises(NeurosieveError, match="is no regular expression"):
        with_property(store, "regex:(")
    with pytest.raises(StoreError, match="has a property 'pos' already"):
        store.with_labels("pos", ["a"] * 12)
    with pytest.raises(StoreError, match="3 labels of 'new' for 12 rows; expected one for each of the 12 rows"):
        store.with_labels("new", ["a"] * 3)
    with pytest.raises(StoreError, match="of the 12 rows of the whole store"):
        store.split("dev").with_labels("new", ["a"] * 3)


def arrays(tmp_path: Path):
    return store_from_arrays(
        tmp_path / "store",
        [np.arange(24.0).reshape(12, 2)],
        words=["a", "Bc", "d"] * 4,
        labels={"pos": ["x", "y", "x"] * 4},
        splits=["train"] * 6 + ["dev"] * 3 + ["test"] * 3,
    )
