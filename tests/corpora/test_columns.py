from __future__ import annotations

import pytest

from neurosieve.corpora import columns
from neurosieve.errors import CorpusError


def test_conll2000_where_a_hash_is_a_word(lines) -> None:
    first, second = columns.read_conll2000(lines("# # B-NP\n5 CD I-NP\n\n_ NFP O"))
    assert first.words == ("#", "5")
    assert first.labels == {"pos": ("#", "CD"), "chunk": ("B-NP", "I-NP")}
    assert second.words == ("_",)
    assert second.source == "file:4"


def test_spaces_and_tabs_divide_but_a_no_break_space_does_not(lines) -> None:
    (sentence,) = columns.read_columns(lines("10\u00a0000  \t CD "), ["word", "pos"])
    assert sentence.words == ("10\u00a0000",)


def test_conll2003_leaves_document_lines_out(lines) -> None:
    text = "-DOCSTART- -X- -X- O\n\nU.N. NNP I-NP I-ORG\n\n-DOCSTART- -X- -X- O\nhe PRP I-NP O"
    first, second = columns.read_conll2003(lines(text))
    assert first.labels == {"pos": ("NNP",), "chunk": ("I-NP",), "ner": ("I-ORG",)}
    assert second.words == ("he",)


def test_conll2003_with_lemmas(lines) -> None:
    (sentence,) = columns.read_conll2003(lines("-DOCSTART- -X- -X- -X- O\n\nHunde Hund NN I-NC O"))
    assert sentence.labels == {"lemma": ("Hund",), "pos": ("NN",), "chunk": ("I-NC",), "ner": ("O",)}


def test_named_columns_with_some_left_out_and_missing_labels(lines) -> None:
    (sentence,) = columns.read_columns(lines("1 a x _ \n2 b y N"), [None, "word", "_", "pos"])
    assert sentence.words == ("a", "b")
    assert sentence.labels == {"pos": (None, "N")}


def test_ragged_lines_are_refused_with_their_line(lines) -> None:
    with pytest.raises(CorpusError, match=r"file:2: 2 columns where 3 are expected \(word, pos, chunk\)"):
        list(columns.read_conll2000(lines("a DT B-NP\nb NN\n")))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "2 columns without names"),
        (["a", "b"], "exactly one of them must be called 'word'"),
        (["word", "word"], "exactly one of them"),
        (["word", "pos", "pos"], "'pos' is there twice"),
    ],
)
def test_names_that_do_not_fit_are_refused(lines, names, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(columns.read_columns(lines("a DT"), names))
