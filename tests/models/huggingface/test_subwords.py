"""Sentences to aligned sub-words, whatever characters they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, trainers
from transformers import PreTrainedTokenizerFast

from neurosieve.errors import ModelError
from neurosieve.models.huggingface import subwords
from neurosieve.models.huggingface.subwords import SubwordTokenizer

WORD = st.text(st.characters(blacklist_categories=("Cs",)), max_size=5)
"""Any characters but lone surrogates, which no text in UTF-8 holds."""


@pytest.fixture(scope="module")
def tokenizers(make_tokenizer):
    return {kind: SubwordTokenizer(make_tokenizer(kind)) for kind in ("wordpiece", "roberta", "unigram", "xlnet")}


@pytest.mark.parametrize(
    ("kind", "prefix", "suffix", "types"),
    [
        ("wordpiece", [2], [3], ([0], 0, [0])),
        ("roberta", [0], [2], ([0], 0, [0])),
        ("unigram", [], [1], ([], 0, [0])),
        ("xlnet", [], [3, 4], ([], 0, [0, 2])),
    ],
)
def test_special_tokens_are_found(tokenizers, kind, prefix, suffix, types):
    tokenizer = tokenizers[kind]
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.type_ids) == (prefix, suffix, types)
    assert tokenizer.n_special == len(prefix) + len(suffix)


@given(words=st.lists(WORD, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_words_are_aligned(tokenizers, words):
    """No sentence is refused, and every word with a letter or digit has a sub-word of its own."""
    for tokenizer in tokenizers.values():
        (sentence,) = tokenizer([words])
        assert len(sentence.ids) == len(sentence.words)
        carrying = sentence.words[sentence.words >= 0]
        assert (np.diff(carrying) >= 0).all()
        with_letters = {i for i, word in enumerate(words) if any(c.isascii() and c.isalnum() for c in word)}
        assert with_letters <= set(carrying.tolist()) <= set(range(len(words)))


def refuse(*_, **__):
    raise ModelError("offsets cannot be trusted")


def test_wrong_offsets_are_replaced_by_tokenizing_word_by_word(tokenizers, sentences, monkeypatch):
    """As some normalisers misplace what stands behind a character that they drop."""
    for kind, tokenizer in tokenizers.items():
        by_offsets = tokenizer(sentences)
        with monkeypatch.context() as patch:
            patch.setattr(subwords, "align", refuse)
            word_by_word = tokenizer(sentences)
        for a, b in zip(by_offsets, word_by_word, strict=True):
            np.testing.assert_array_equal(a.words, b.words, err_msg=kind)


def test_a_tokenizer_that_joins_words_is_refused_with_the_sentence_named():
    rules = Tokenizer(models.BPE())  # nothing splits at blanks
    rules.train_from_iterator(["of the"] * 9, trainers.BpeTrainer(vocab_size=30, show_progress=False))
    tokenizer = SubwordTokenizer(PreTrainedTokenizerFast(tokenizer_object=rules))
    with pytest.raises(ModelError, match=r"sentence 4 \('of the'\): sub-word 'of the' spans the words 'of' and 'the'"):
        tokenizer([["of", "the"]], first=4)
