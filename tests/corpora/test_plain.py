"""Words and labels are plain values of one kind, whatever gave them; what no file can hold is refused before any model reads."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from neurosieve.corpora import Corpus, Sentence
from neurosieve.corpora.derived import label_by_function
from neurosieve.errors import CorpusError


def corpus(*labels: object, **whole: object) -> Corpus:
    words = tuple(f"w{i}" for i in range(len(labels)))
    return Corpus([Sentence(words, {"p": tuple(labels)}, sentence_labels=whole)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "same"),
    [
        (np.str_("x"), "x"),
        (np.float64(1), 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(1), 1),
        (np.bool_(1), True),
        (math.nan, None),
        (np.float64("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.array(3), 3),
    ],
)
def test_values_of_libraries_are_those_of_python(given: object, same: object) -> None:
    assert corpus(given).sentences[0].labels["p"] == (same,)
    assert type(corpus(given).sentences[0].labels["p"][0]) is type(same)
    assert corpus(given).digest == corpus(same).digest
    assert corpus("x", g=given).digest == corpus("x", g=same).digest


def test_words_of_numpy_are_text() -> None:
    made = Corpus([Sentence((np.str_("a"),), {})])
    assert type(made.sentences[0].words[0]) is str
    assert made.digest == Corpus([Sentence(("a",), {})]).digest
    with pytest.raises(CorpusError, match="the word 3 is no text"):
        Corpus([Sentence((3,), {})])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("even", 1), "mixes labels that are .* with .*None$"),
        ((True, 1), "mixes labels"),
        ((1.5, "x"), "mixes labels"),
        ((("x", 1), None), "is \\('x', 1\\), a tuple; expected text, a number or None"),
        ((b"x", None), "a bytes; expected"),
        ((math.inf, 1.0), "is inf; give finite numbers"),
        ((2**70, 1), "beyond 64 bits"),
        (("\ud800x", "y"), r"'\\ud800x' holds half of a surrogate pair"),
    ],
)
def test_labels_that_could_not_be_stored_are_refused_at_once(labels: tuple[object, ...], message: str) -> None:
    with pytest.raises(CorpusError, match=message) as error:
        corpus(*labels)
    assert "\n" not in str(error.value)
    str(error.value).encode("utf-8")  # the message itself can be written


def test_mixed_labels_name_the_first_of_either_kind() -> None:
    first, second = Sentence(("a",), {"p": ("x",)}, source="f:1"), Sentence(("b",), {"p": (1,)}, source="f:3")
    with pytest.raises(CorpusError, match=r"f:3: property 'p' mixes labels that are text .first at f:1. with numbers"):
        Corpus([first, second])


def test_half_a_surrogate_pair_is_refused_in_words_and_names() -> None:
    with pytest.raises(CorpusError, match="surrogate"):
        Corpus([Sentence(("a\udc80",), {})])
    with pytest.raises(CorpusError, match="surrogate"):
        Corpus([Sentence(("a",), {"p\udc80": ("x",)})])


def test_whole_numbers_with_a_gap_stay_whole_numbers() -> None:
    made = label_by_function(corpus("x", "y", "z"), "n", lambda _, at: None if at == 2 else at)
    column = made.to_frame()["n"]
    assert column.dtype == "Int64"
    assert column.tolist()[:2] == [0, 1]
    assert made.to_frame()["p"].dtype == object or made.to_frame()["p"].dtype == "str"
