from __future__ import annotations

from neurosieve.models.elmo.characters import MAX_CHARACTERS, character_numbers


def test_bytes_between_the_ends_of_the_word_and_padding():
    assert character_numbers("aé") == [259, 98, 196, 170, 260] + [261] * 45


def test_long_words_are_cut_to_what_the_models_read():
    numbers = character_numbers("x" * 100)
    assert numbers == [259] + [121] * 48 + [260]
    assert len(numbers) == MAX_CHARACTERS


def test_the_ends_of_a_sentence_are_signs_of_their_own():
    assert character_numbers("<S>")[:3] == [259, 257, 260]
    assert character_numbers("</S>")[:3] == [259, 258, 260]
    assert character_numbers("<s>")[:3] == [259, ord("<") + 1, ord("s") + 1]
