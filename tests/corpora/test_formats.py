"""Each format is recognised from a few of its lines and by no other recogniser before its own."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.corpora import Corpus
from neurosieve.corpora.formats import FORMATS, named_format, recognise
from neurosieve.corpora.source import TextFile
from neurosieve.errors import CorpusError

SAMPLES = {
    "conllu": "# text = a b\n1-2·ab·_·_·_·_·_·_·_·_\n1·a·a·DET·DT·_·2·det·2:det·_\n2·b·b·NOUN·NN·_·0·root·0:root·_",
    "conllx": "1·a·_·D·DT·_·2·NMOD·2·NMOD\n2·b·_·N·NN·_·0·ROOT·0·ROOT",
    "pmb": "# newdoc id = p00/d0001\nTom·Tom·tom·PER·n·male.n.02·[]\nleft·left·leave·EPS·s:dcl\\np·O·[Theme]",
    "semtag": "Word·CON\nof·REL\nhonour·CON\n.·NIL",
    "sentences": "sentence·label\na fine film·1",
    "tsv": "word·pos·chunk·sem\na·DT·B-NP·DIS\n\nb·NN·I-NP·CON",
    "conll2000": "# # B-NP\n5 CD I-NP\n. . O",
    "conll2002": "Juan NC B-PER\nva VMI O\n, Fc O",
    "conll2003": "-DOCSTART- -X- -X- O\n\nU.N. NNP I-NP I-ORG\nleft VBD I-VP O",
    "pipe": "a|DT|NP/N dog|NN|N\nno|DT|NP/N cat|NN|N",
    "ptb": "( (S\n  (NP (DT a) (NN dog))\n  (VP (VBZ barks)) (. .)))",
    "ccgbank": "ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1\n(<T NP 0 2> (<L NP/N DT DT a NP/N>) (<L N NN NN dog N>) )",
}
VARIANTS = {
    "conllx": ["1·a·_·D·DT·_·2·NMOD\n2·b·_·N·NN·_·0·ROOT", "1·a·_·D·DT\n2·b·_·N·NN"],
    "conllu": ["1·a·a·DET·DT·_·2·det·_·_\n2·b·b·NOUN·NN·_·0·root·_·_"],
    "pmb": ["Tom·tom·PER·n·male.n.02·[]\nleft·leave·EPS·s:dcl\\np·O·[Theme]", "#·#·#·NIL·.·O·[]"],
    "tsv": ["word·sem\na·DIS\ndog·CON\nbarks·ENS", "token·tag\na·DT"],
    "conll2000": ["a·DT·B-NP\ndog·NN·I-NP", "( -LRB- O\nNN NN B-NP\n) -RRB- O"],
    "conll2003": ["Hunde Hund NN I-NC O\nbellen bellen VVFIN I-VC O"],
    "ptb": ["(S1 (S (NP (NN dog)) (VP (VBZ barks))))"],
    "ccgbank": ["(<T NP 0 2> (<L NP/N DT DT a NP/N>) (<L N NN NN dog N>) )"],
    "pipe": ["# made by a script\n\na|DT|NP/N"],
}
CASES = [*SAMPLES.items(), *((name, text) for name, texts in VARIANTS.items() for text in texts)]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_formats_are_recognised_from_content(lines, name: str, text: str) -> None:
    file = lines(text)
    assert recognise(file).name == name
    assert list(named_format(name).read(file, None))


def test_every_format_but_the_one_that_needs_names_has_a_sample() -> None:
    assert set(FORMATS) - set(SAMPLES) == {"columns"}


@pytest.mark.parametrize("name", ["conllu", "conll2000", "tsv"])
def test_a_ragged_line_does_not_hide_the_format(lines, name: str) -> None:
    first = SAMPLES[name].split("\n\n")[0].splitlines()
    assert recognise(lines("\n".join([*first, *first[-2:] * 4, "ragged"]))).name == name


@pytest.mark.parametrize("text", ["a DT\nb NN", "Once upon a time\nthere was", "word,pos\na,DT", "{}"])
def test_what_is_not_recognised_is_refused_with_a_hint(lines, text: str) -> None:
    with pytest.raises(
        CorpusError, match=r"not recognised \(the file begins .*\); name the columns.*or the format, one"
    ):
        recognise(lines(text))


def test_long_first_lines_are_cut_in_messages(lines) -> None:
    with pytest.raises(CorpusError) as error:
        recognise(lines("x" * 5000))
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("a·DT", ["word", "pos"], "tsv"),
        ("a DT", ["word", "pos"], "columns"),
        ("a·1", ["sentence", "label"], "sentences"),
    ],
)
def test_named_columns_choose_the_reader(lines, text: str, names: list[str], expected: str) -> None:
    assert recognise(lines(text), column_names=names).name == expected


def test_an_unknown_format_lists_those_there_are() -> None:
    with pytest.raises(CorpusError, match="format 'xml' is not known; formats are ccgbank, ptb"):
        named_format("xml")


pieces = st.sampled_from(
    ["\t", " ", "\n", "\n\n", "(", ")", "|", "#", "_", "=", "~", "1", "2-3", "word", "B-NP", "é\u2028"]
)
damage = st.lists(pieces, min_size=1, max_size=40).map("".join).filter(str.strip)
samples = st.sampled_from([text.replace("·", "\t") for _, text in CASES])


@st.composite
def damaged_samples(draw) -> str:
    """Draw a sample with something put into it, or random pieces."""
    text = draw(samples)
    at = draw(st.integers(0, len(text)))
    return draw(st.one_of(damage, damage.map(lambda piece: text[:at] + piece + text[at:])))


@given(damaged_samples(), st.sampled_from(sorted(FORMATS)))
def test_damaged_text_is_read_or_refused_but_never_fails_otherwise(text: str, name: str) -> None:
    file = TextFile("file", text.split("\n"))
    for read in (FORMATS[name].read, lambda file, names: recognise(file).read(file, names)):
        with suppress(CorpusError):
            Corpus(read(file, None))  # checks that each word has one label
