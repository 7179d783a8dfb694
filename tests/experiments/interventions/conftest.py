"""A small network set by hand, of which it is known what each hidden unit does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations.splits import Splits
from neurosieve.experiments.interventions.pairs import MinimalPair
from neurosieve.models.language_model import LanguageModel
from neurosieve.models.load import load_model

N_NOUNS, WIDTH, N_UNITS, N_SET = 240, 32, 64, 6
NUMBER, KIND, SAYS_NUMBER, SAYS_KIND = 0, 1, 30, 31
"""Dimensions of the residual stream: what the embedding tells, and what the hidden units write."""
AGAINST = {NUMBER: 28, KIND: 29}
"""Dimensions with the opposite value, so that the norm before the hidden units, which takes the mean off, tells nothing."""


@dataclass(frozen=True)
class PlantedNetwork:
    """A network whose head reads a noun's number, and not its kind; hidden units tell both.

    `used` units tell number to the head, `unused` units write kind where the head does not look, and all others read and
    write noise, which the head reads a little.
    """

    folder: Path
    model: LanguageModel
    used: np.ndarray
    unused: np.ndarray
    pairs: list[MinimalPair]

    def splits(self, prop: str, model: LanguageModel | None = None) -> Splits:
        """Train, dev and test of number or kind; no noun stands in two of them, so none can be memorised."""
        generator = np.random.default_rng(5)
        X, y, words, sentences = [], [], [], []
        for n, (first, stop) in ((400, (0, 80)), (400, (80, 200)), (200, (200, N_NOUNS))):
            nouns = generator.integers(first, stop, size=n)
            batch = (model or self.model).embed([["the", f"noun{i}"] for i in nouns])
            X.append(np.concatenate(batch.layers, axis=1))
            labels = [(("one", "many")[i % 2] if prop == "number" else ("live", "dead")[i // 2 % 2]) for i in nouns]
            y.append(np.array([label for one in labels for label in (None, one)], dtype=object))
            words.append([word for i in nouns for word in ("the", f"noun{i}")])
            sentences.append(np.repeat(np.arange(n), 2))
        return Splits.from_arrays(X, y, words=words, sentences=sentences, prop=prop)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["[UNK]", "the", "is", "are", *(f"noun{i}" for i in range(N_NOUNS))]
    rules = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    rules.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=rules, unk_token="[UNK]", model_input_names=["input_ids", "attention_mask"]
    )


def plant(folder: Path, seed: int) -> PlantedNetwork:
    """Make a network of one block by hand; `seed` draws which units do what, and the noise."""
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    generator = np.random.default_rng(seed)
    tokenizer = _tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=WIDTH,
        n_layer=1,
        n_head=4,
        n_inner=N_UNITS,
        n_positions=16,
        activation_function="relu",
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    network = GPT2LMHeadModel(config)
    units = generator.permutation(N_UNITS)
    used, unused, rest = units[:N_SET], units[N_SET : 2 * N_SET], units[2 * N_SET :]
    embedding = generator.normal(size=(len(tokenizer), WIDTH))
    embedding[:, [NUMBER, KIND, *AGAINST.values(), SAYS_NUMBER, SAYS_KIND]] = 0
    for i in range(N_NOUNS):
        embedding[4 + i, NUMBER] = 2.0 if i % 2 == 0 else -2.0
        embedding[4 + i, KIND] = 2.0 if i // 2 % 2 == 0 else -2.0
    for dimension, other in AGAINST.items():
        embedding[:, other] = -embedding[:, dimension]
    noise = np.arange(2, AGAINST[NUMBER])
    reads = np.zeros((WIDTH, N_UNITS))
    writes = np.zeros((N_UNITS, WIDTH))
    for dimension, says, members in ((NUMBER, SAYS_NUMBER, used), (KIND, SAYS_KIND, unused)):
        signs = np.where(np.arange(N_SET) % 2, 1.0, -1.0)
        reads[dimension, members] = signs
        reads[np.ix_(noise, members)] = 0.1 * generator.normal(size=(len(noise), N_SET))
        writes[members, says] = signs
    reads[np.ix_(noise, rest)] = 0.35 * generator.normal(size=(len(noise), len(rest)))
    writes[np.ix_(rest, noise)] = 0.2 * generator.normal(size=(len(rest), len(noise)))
    head = np.zeros((len(tokenizer), WIDTH))
    head[:, noise] = 0.1 * generator.normal(size=(len(tokenizer), len(noise)))
    head[2, SAYS_NUMBER], head[3, SAYS_NUMBER] = 1.0, -1.0
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        block = network.transformer.h[0]
        for norm in (block.ln_1, block.ln_2, network.transformer.ln_f):
            norm.weight.fill_(1.0)
        network.transformer.wte.weight.copy_(torch.from_numpy(embedding))
        block.mlp.c_fc.weight.copy_(torch.from_numpy(reads))
        block.mlp.c_proj.weight.copy_(torch.from_numpy(writes))
        network.lm_head.weight.copy_(torch.from_numpy(head))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    pairs = [
        MinimalPair(
            ("the", f"noun{i}", ("is", "are")[i % 2]),
            ("the", f"noun{i}", ("are", "is")[i % 2]),
            label=("one", "many")[i % 2],
            paired=("the", f"noun{i + 1 - 2 * (i % 2)}", "is"),
            where=f"noun{i}",
        )
        for i in range(200, N_NOUNS)
    ]
    model = load_model(folder, site="mlp", head=True, self_test=False)
    return PlantedNetwork(folder, model, np.sort(used), np.sort(unused), pairs)


@pytest.fixture(scope="session")
def planted_network(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Make the network of a seed, once."""
    from functools import cache

    return cache(lambda seed: plant(tmp_path_factory.mktemp(f"planted-{seed}"), seed))


@pytest.fixture(scope="session")
def deep_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a network of three blocks with random weights, whose head is its own."""
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("deep")
    tokenizer = _tokenizer()
    torch.manual_seed(0)
    shape = {"vocab_size": len(tokenizer), "n_embd": 24, "n_layer": 3, "n_head": 2, "n_positions": 16, "n_inner": 40}
    config = GPT2Config(**shape, initializer_range=0.3, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
