"""Sub-words lie in exactly one word, and the covered characters tell every word back."""

from __future__ import annotations

import pytest

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.alignment import align, join_words


def never(_: str) -> bool:
    return False


def always(_: str) -> bool:
    return True


def test_words_are_joined_by_single_blanks():
    assert join_words(["New York", "", "x"]) == "New York  x"


@pytest.mark.parametrize(
    ("subwords", "offsets"),
    [
        (["The", "c", "##at"], [(0, 3), (4, 5), (5, 7)]),  # offsets of the characters alone
        (["The", "Ġc", "at"], [(0, 3), (3, 5), (5, 7)]),  # the blank before a word belongs to its first sub-word
        (["The", "▁c", "at"], [(0, 3), (3, 5), (5, 7)]),
        (["The ", "c", "at"], [(0, 4), (4, 5), (5, 7)]),  # ... or to the last one before it
    ],
    ids=["trimmed", "byte-level", "sentencepiece", "trailing"],
)
def test_blanks_between_words_do_not_matter(subwords, offsets):
    assert align(["The", "cat"], subwords, offsets, vanishes=never).tolist() == [0, 1, 1]


def test_a_bare_marker_belongs_to_no_word_even_if_its_offsets_claim_a_character():
    found = align(["£5", "x"], ["▁", "£", "5", "▁", "x"], [(0, 1), (0, 1), (1, 2), (2, 3), (3, 4)], vanishes=never)
    assert found.tolist() == [-1, 0, 0, -1, 1]


def test_a_marker_that_is_the_word_itself_is_a_sub_word():
    assert align(["▁", "Ġ"], ["▁", "Ġ"], [(0, 1), (2, 3)], vanishes=never).tolist() == [0, 1]


def test_several_sub_words_of_one_character():
    """Byte-level tokenizers split a character into bytes, each with the character's offsets."""
    assert align(["é"], ["Ã", "©"], [(0, 1), (0, 1)], vanishes=never).tolist() == [0, 0]


def test_a_word_with_a_blank_is_one_word():
    assert align(["New York", "x"], ["New", "York", "x"], [(0, 3), (4, 8), (9, 10)], vanishes=never).tolist() == [
        0,
        0,
        1,
    ]


def test_words_without_sub_words_are_left_out():
    assert align(["a", "", "\u200b", "b"], ["a", "b"], [(0, 1), (5, 6)], vanishes=always).tolist() == [0, 3]


def test_a_sub_word_that_spans_two_words_is_refused_with_the_sentence_named():
    with pytest.raises(ModelError, match=r"sentence 7: sub-word 'a b' spans the words 'a' and 'b'"):
        align(["a", "b"], ["a b"], [(0, 3)], vanishes=never, where="sentence 7")


def test_an_uncovered_character_is_refused_unless_the_tokenizer_drops_it():
    with pytest.raises(ModelError, match=r"no sub-word covers the character 'b' of word 'ab'"):
        align(["ab"], ["a"], [(0, 1)], vanishes=never)
    assert align(["ab"], ["a"], [(0, 1)], vanishes=always).tolist() == [0]


def test_combining_marks_may_be_merged_into_the_character_before():
    assert align(["e\u0301"], ["é"], [(0, 1)], vanishes=never).tolist() == [0]


def test_sub_words_out_of_order_are_refused():
    with pytest.raises(ModelError, match="comes after a later word"):
        align(["a", "b"], ["b", "a"], [(2, 3), (0, 1)], vanishes=never)
