"""Alignment on whole corpora: no failure and no dropped word, for every kind of tokenizer."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from neurosieve.models.huggingface.subwords import SubwordTokenizer

pytestmark = pytest.mark.slow

SENTENCES = {"ewt": 16_622, "pmb": 10_813, "conll2000": 10_948}
WORDS = {"ewt": 254_818, "pmb": 70_307, "conll2000": 259_104}
"""Counts that the corpora's own documentation gives, all splits together."""


def blocks(path):
    """Lines of a file between empty lines."""
    lines = []
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if line.strip():
            lines.append(line)
        elif lines:
            yield lines
            lines = []


def read_ewt(folder):
    for path in sorted((folder / "ud_english_ewt").glob("*.conllu")):
        for lines in blocks(path):
            rows = [line.split("\t") for line in lines if not line.startswith("#")]
            yield [row[1] for row in rows if row[0].isdigit()]


def read_pmb(folder):
    for path in sorted((folder / "pmb_english_4.0.0").glob("*.conll")):
        for lines in blocks(path):
            words = [line.split("\t")[0] for line in lines if "\t" in line and not line.startswith("# ")]
            if words:
                yield [word.replace("~", " ") for word in words]


def read_conll2000(folder):
    for path in sorted((folder / "conll2000").glob("*.txt")):
        for lines in blocks(path):
            yield [line.split(" ")[0] for line in lines]


READERS = {"ewt": read_ewt, "pmb": read_pmb, "conll2000": read_conll2000}


@pytest.fixture(scope="module")
def corpora(shared_data):
    return {name: list(read(shared_data)) for name, read in READERS.items()}


def train(kind, text):
    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=4000, special_tokens=["<unk>"], show_progress=False)
    elif kind == "byte-bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=4000, initial_alphabet=alphabet, show_progress=False)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=4000, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
        )
    tokenizer.train_from_iterator(text, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=None if kind == "byte-bpe" else "<unk>")


@pytest.fixture(scope="module")
def tokenizer_of(corpora, minilm, shared_data):
    text = [" ".join(words) for words in corpora["ewt"][:6000]]

    def make(kind):
        if kind == "minilm":
            return SubwordTokenizer(AutoTokenizer.from_pretrained(minilm))
        if kind == "stories260k":
            return SubwordTokenizer(AutoTokenizer.from_pretrained(shared_data / "stories260k"))
        return SubwordTokenizer(train(kind, text))

    return make


@pytest.mark.parametrize("kind", ["wordpiece", "byte-bpe", "unigram", "minilm", "stories260k"])
def test_every_word_of_every_sentence_is_aligned(corpora, tokenizer_of, kind):
    """`align` raises where its proof fails, so that getting through is zero failures."""
    tokenizer = tokenizer_of(kind)
    for name, sentences in corpora.items():
        assert (len(sentences), sum(map(len, sentences))) == (SENTENCES[name], WORDS[name])
        for words, aligned in zip(sentences, tokenizer(sentences), strict=True):
            assert np.array_equal(np.unique(aligned.words[aligned.words >= 0]), np.arange(len(words))), words


def test_every_word_has_characters(corpora):
    """Character models read whole words: nothing to align, and no word without characters."""
    assert all(word for sentences in corpora.values() for words in sentences for word in words)
