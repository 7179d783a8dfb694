"""Small planted data, and real activations, for the tests of the engine."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.planted import make_planted


@pytest.fixture(scope="session")
def planted():
    """600 words x 24 neurons, 4 labels; read-only, so that no test can lean on another's changes."""
    data = make_planted(n_words=600, n_neurons=24, n_labels=4, n_informative=5, random_state=3)
    data.X.flags.writeable = False
    return data


@pytest.fixture(scope="session")
def real(minilm, shared_data):
    """Activations (n_words, 2688) of a real encoder on 200 sentences of EWT dev, and their part-of-speech tags."""
    from neurosieve.corpora.load import load_corpus
    from neurosieve.models.load import load_model

    corpus = load_corpus(shared_data / "ud_english_ewt" / "en_ewt-ud-dev.conllu")
    sentences = corpus.sentences[:200]
    vectors = load_model(minilm, device="cpu").embed([s.words for s in sentences])
    X = np.concatenate([np.concatenate(v.layers, axis=1) for v in vectors])
    kept = np.concatenate([v.kept for v in vectors])
    y = np.array([label for s in sentences for label in s.labels["xpos"]])[kept]
    return X.astype(np.float32), y
