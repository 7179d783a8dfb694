from __future__ import annotations

import pytest

from neurosieve.corpora import ccgbank, pipe
from neurosieve.errors import CorpusError

DERIVATIONS = r"""ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1
(<T S[dcl] 0 2> (<T NP 0 1> (<L N NNP NNPS Vinken N_73>) ) (<L (S[dcl]\NP)/NP VB VBZ joins (S_1\NP)/NP {join.01:rel} [ARG0,ARG1]>) )
ID=wsj_2101.7 PARSER=GOLD NUMPARSE=1
(<T X 0 2> (<L LRB LRB LRB -LRB- LRB>) (<L N NN NN > N>) )"""


def test_category_original_part_of_speech_word_and_section(lines) -> None:
    first, second = ccgbank.read(lines(DERIVATIONS))
    assert first.words == ("Vinken", "joins")
    assert first.labels == {"ccg": ("N", r"(S[dcl]\NP)/NP"), "pos": ("NNPS", "VBZ")}
    assert first.sentence_labels == {"section": "00"}
    assert first.source == "file:2"
    assert second.words == ("(", ">")
    assert second.sentence_labels == {"section": "21"}


@pytest.mark.parametrize("line", ["nothing", "(<T S 0 1> )", "(<T S 0 1> (<L N NN dog N>) (<L N NN NN dog N>) )"])
def test_damaged_derivations_are_refused_with_their_line(lines, line: str) -> None:
    with pytest.raises(CorpusError, match=r"file:2: \d of \d leaves are whole"):
        list(ccgbank.read(lines("ID=wsj_0001.1\n" + line)))


def test_pipe_format(lines) -> None:
    text = "# made by a script\n\n" + r"#|#|N -LRB-|LRB|LRB ||SYM|N joins|VBZ|(S[dcl]\NP)/NP" + "\n" + "a|DT|NP/N"
    first, second = pipe.read(lines(text))
    assert first.words == ("#", "(", "|", "joins")
    assert first.labels == {"pos": ("#", "LRB", "SYM", "VBZ"), "ccg": ("N", "LRB", "N", r"(S[dcl]\NP)/NP")}
    assert second.source == "file:4"


@pytest.mark.parametrize("item", ["joins|VBZ", "joins", "|VBZ|N", "joins||N"])
def test_pipe_words_without_three_parts_are_refused(lines, item: str) -> None:
    with pytest.raises(CorpusError, match=r"file:2: '.*' is not word\|POS\|category"):
        list(pipe.read(lines("a|DT|NP/N\nb|NN|N " + item)))


@pytest.mark.parametrize("blank", ["\u3000", "\x0b", "\u00a0 \u2003"])
def test_a_pipe_line_of_other_white_space_is_refused(lines, blank: str) -> None:
    with pytest.raises(CorpusError, match="file:2: holds no word, only white space of other kinds"):
        list(pipe.read(lines(f"a|DT|NP/N\n{blank}\nb|NN|N")))
