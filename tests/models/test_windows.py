"""Long sentences: nothing is cut, and each word is read where it has most context."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.models.windows import choose_windows, plan_windows


def test_a_sentence_that_fits_has_one_window():
    assert plan_windows(7, 7).tolist() == [[0, 7]]
    assert plan_windows(700, None).tolist() == [[0, 700]]
    assert plan_windows(0, 7).tolist() == [[0, 0]]


def test_windows_share_half_of_their_sub_words():
    assert plan_windows(10, 4).tolist() == [[0, 4], [2, 6], [4, 8], [6, 10]]


@given(st.integers(1, 300), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_windows_cover_everything_and_are_full(n_subwords, capacity):
    windows = plan_windows(n_subwords, capacity)
    assert windows[0, 0] == 0
    assert windows[-1, 1] == n_subwords
    assert (windows[:, 1] - windows[:, 0] == min(capacity, n_subwords)).all()
    assert (windows[1:, 0] <= windows[:-1, 1]).all()
    assert len(np.unique(windows[:, 0])) == len(windows)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40), st.integers(2, 30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_sub_word_is_taken_from_a_window_that_holds_it(word_lengths, capacity, causal):
    words = np.repeat(np.arange(len(word_lengths)), word_lengths)
    windows = plan_windows(len(words), capacity)
    chosen = choose_windows(words, windows, causal=causal)
    places = np.arange(len(words))
    assert (windows[chosen, 0] <= places).all()
    assert (places < windows[chosen, 1]).all()
    for word, length in enumerate(word_lengths):
        if length <= capacity // 2:  # such a word always has a window that holds it whole
            assert len(set(chosen[words == word])) == 1


def brute_force(first, last, windows, n_subwords, *, causal):
    """Context in the best window: the smaller distance to an edge of the window that is not one of the sentence."""
    best = -1
    for start, end in windows:
        if start <= first and last < end:
            before = n_subwords if start == 0 else first - start
            after = n_subwords if causal or end == n_subwords else end - 1 - last
            best = max(best, min(before, after))
    return best


@given(st.integers(2, 80), st.integers(2, 20), st.booleans())
@settings(max_examples=100, deadline=None)
def test_each_word_is_taken_from_the_window_with_most_context(n_words, capacity, causal):
    words = np.arange(n_words)
    windows = plan_windows(n_words, capacity)
    for word, window in enumerate(choose_windows(words, windows, causal=causal)):
        found = brute_force(word, word, [windows[window]], n_words, causal=causal)
        assert found == brute_force(word, word, windows, n_words, causal=causal)


def test_a_causal_model_takes_the_window_with_most_words_before():
    chosen = choose_windows(np.arange(10), plan_windows(10, 4), causal=True)
    assert chosen.tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]
