"""A fake language model whose vectors are a function of the word, and small corpora for it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.models.language_model import LanguageModel, Layer, ModelInfo
from neurosieve.models.vectors import VectorBatch, WordVectors


def word_vector(word: str, layer: int, width: int) -> np.ndarray:
    """Standard normal numbers seeded by word and layer."""
    seed = int.from_bytes(hashlib.blake2b(f"{layer}:{word}".encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(width).astype(np.float32)


class FakeModel(LanguageModel):
    """Two or more layers; the word "" + any of `silent` yields no sub-word.

    Attributes
    ----------
    n_calls : int
        How often `embed` was called, that is how many shards were made.
    fail_at : int or None
        The call that raises, as if the process were killed there.
    loud : dict
        Factor by which one word multiplies one layer: ``{(word, layer): factor}``.
    """

    def __init__(self, *, widths=(4, 6, 4), name="fake", digest="d1", silent=(), loud=None, n_unknown=0, fail_at=None):
        self.info = ModelInfo(name, "fake", "FakeModel", "", digest, {"pooling": "last"})
        self.layers = tuple(Layer(f"L{i}", width, i) for i, width in enumerate(widths))
        self.silent = set(silent)
        self.loud = loud or {}
        self.n_unknown = n_unknown
        self.fail_at = fail_at
        self.n_calls = 0

    def embed(self, sentences):
        if self.n_calls == self.fail_at:
            raise RuntimeError("killed")
        self.n_calls += 1
        result = []
        for words in sentences:
            kept = np.array([word not in self.silent for word in words])
            layers = tuple(
                np.array(
                    [
                        word_vector(word, layer.depth, layer.width) * self.loud.get((word, layer.depth), 1.0)
                        for word, k in zip(words, kept, strict=True)
                        if k
                    ],
                    dtype=np.float32,
                ).reshape(-1, layer.width)
                for layer in self.layers
            )
            n_windows = 2 if len(words) > 20 else 1
            result.append(WordVectors(layers, kept, n_windows, len(words), self.n_unknown))
        return VectorBatch.of(result)


def make_corpus(n_sentences=150, *, name="tiny", splits=("train", "dev", "test"), seed=0) -> Corpus:
    """Sentences of 1 to 12 words of a small vocabulary; `pos` labels every word, `rare` only some. Splits alternate."""
    generator = np.random.default_rng(seed)
    sentences = []
    for number in range(n_sentences):
        words = tuple(f"w{i}" for i in generator.integers(60, size=generator.integers(1, 13)))
        sentences.append(
            Sentence(
                words,
                {
                    "pos": tuple("ABC"[int(w[1:]) % 3] for w in words),
                    "rare": tuple("x" if w == "w7" else None for w in words),
                },
                splits[number % len(splits)],
            )
        )
    return Corpus(sentences, name=name)


@pytest.fixture
def fake_model():
    return FakeModel


@pytest.fixture
def vector_of():
    return word_vector


@pytest.fixture
def corpus():
    return make_corpus()


@pytest.fixture
def corpus_of():
    return make_corpus


@pytest.fixture
def small_shards(monkeypatch):
    """Shards of the least size, 256 words, so that a small corpus fills several."""
    monkeypatch.setattr("neurosieve.activations.extract.SHARD_BYTES", 1)


@pytest.fixture
def store(corpus, tmp_path, small_shards):
    """A store of several shards."""
    from neurosieve.activations.extract import extract

    return extract(corpus, FakeModel(), tmp_path / "store")


@pytest.fixture
def matrix(corpus):
    """What the store should hold: rows by split, then in the order of the corpus; and the words in that order."""
    words = [w for split in ("train", "dev", "test") for s in corpus.split(split).sentences for w in s.words]
    X = np.array([np.concatenate([word_vector(w, i, n) for i, n in enumerate((4, 6, 4))]) for w in words])
    return X.astype(np.float16), words
