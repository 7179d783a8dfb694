"""The built-in corpus itself: size, sound labels, and agreement with its guide."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files

import pytest

from neurosieve.corpora.annotated import Label, Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.load import load_corpus

FOLDER = files("neurosieve.corpora").joinpath("sample")


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


PENN = _set(
    "CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP SYM TO UH VB VBD VBG VBN VBP VBZ "
    "WDT WP WP$ WRB # $ `` '' -LRB- -RRB- , . :"
)
CHUNKS = _set("NP VP PP ADVP ADJP SBAR PRT CONJP INTJ LST")
SEMTAGS = _set(
    "PRO DEF HAS REF EMP GRE ITJ HES QUE QUC QUV COL IST SST PRI DEG INT REL SCO EQU MOR LES TOP BOT ORD CON ROL GRP DXP "
    "DXT DXD PRX DST ALT XCL NIL DIS IMP AND BUT NOT NEC POS SUB COO APP APX EXS ENS EPS EXG EXT EFS NOW PST FUT PRG PFT "
    "PER GPE GPO GEO ORG ART HAP UOM LIT CTC URL NTH DAT DOM YOC DOW MOY DEC CLO EPT"
)
GENRES = _set("dialogue fiction history instructions letters news opinion science sports")
TABLES = {"pos": "Penn tags", "sem": "Semantic tags"}


@pytest.fixture(scope="module")
def sample() -> Corpus:
    return load_corpus("sample")


@pytest.fixture(scope="module")
def guide() -> str:
    return FOLDER.joinpath("GUIDE.md").read_text(encoding="utf-8")


def tagged(sample: Corpus, prop: str) -> Counter[str]:
    return Counter(label for sentence in sample.sentences for label in sentence.labels[prop])


def rows(guide: str, title: str) -> list[list[str]]:
    """Cells of the table in the section called `title`, without the two lines of its head."""
    section = guide.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def places(sentence: Sentence, words: list[str]) -> list[int]:
    """Where `words` begin in the sentence."""
    n = len(words)
    return [at for at in range(len(sentence) - n + 1) if list(sentence.words[at : at + n]) == words]


def test_size(sample: Corpus) -> None:
    assert len(sample) >= 450
    assert sample.n_words >= 6000
    assert set(sample.properties) == {"pos", "chunk", "sem"}


def test_every_word_is_ascii_and_fully_labelled(sample: Corpus) -> None:
    for sentence in sample.sentences:
        for word in sentence.words:
            assert word.isascii(), sentence.source
            assert word == word.strip() != "", sentence.source
        for prop in ("pos", "chunk", "sem"):
            assert None not in sentence.labels[prop], sentence.source


def test_tags_are_of_the_closed_sets(sample: Corpus) -> None:
    assert set(tagged(sample, "pos")) == PENN
    assert set(tagged(sample, "sem")) <= SEMTAGS


def test_every_penn_tag_occurs_three_times(sample: Corpus) -> None:
    assert {tag: n for tag, n in tagged(sample, "pos").items() if n < 3} == {}


def test_chunks_are_valid_bio(sample: Corpus) -> None:
    for sentence in sample.sentences:
        before = "O"
        for chunk in sentence.labels["chunk"]:
            assert isinstance(chunk, str)
            prefix, _, kind = chunk.partition("-")
            assert chunk == "O" or (prefix in "BI" and kind in CHUNKS), sentence.source
            assert prefix != "I" or before.endswith(f"-{kind}"), f"{sentence.source}: {before} before {chunk}"
            before = chunk


def test_every_kind_of_chunk_occurs_and_is_documented(sample: Corpus, guide: str) -> None:
    assert {str(chunk)[2:] for chunk in tagged(sample, "chunk") if chunk != "O"} == CHUNKS
    section = guide.split("\n## Chunks\n")[1].split("\n## ")[0]
    assert set(re.findall(r"[A-Z]+", section)) >= CHUNKS


def test_no_sentence_twice(sample: Corpus) -> None:
    assert [words for words, n in Counter(s.words for s in sample.sentences).items() if n > 1] == []


def test_every_genre_is_in_every_split(sample: Corpus) -> None:
    found = Counter((sentence.split, sentence.sentence_labels["genre"]) for sentence in sample.sentences)
    assert set(found) == {(split, genre) for split in ("train", "dev", "test") for genre in GENRES}


AMBIGUOUS = (
    "that run light like her as so there up before past back well round down close fast water record present can may left "
    "felt saw found work show play"
)


def labels_of(sample: Corpus, word: str, prop: str) -> set[Label]:
    """All labels of a word in any case."""
    return {
        label
        for sentence in sample.sentences
        for w, label in zip(sentence.words, sentence.labels[prop], strict=True)
        if w.lower() == word
    }


@pytest.mark.parametrize("word", sorted(_set(AMBIGUOUS)))
def test_words_are_ambiguous_in_part_of_speech(sample: Corpus, word: str) -> None:
    assert len(labels_of(sample, word, "pos")) >= 2


def test_to_has_one_penn_tag_but_two_senses(sample: Corpus) -> None:
    assert labels_of(sample, "to", "pos") == {"TO"}
    assert labels_of(sample, "to", "sem") == {"NIL", "REL"}


@pytest.mark.parametrize("prop", TABLES)
def test_guide_documents_exactly_the_tags_of_the_corpus(sample: Corpus, guide: str, prop: str) -> None:
    documented = [row[0] for row in rows(guide, TABLES[prop])]
    assert len(documented) == len(set(documented))
    assert set(documented) == set(tagged(sample, prop))


@pytest.mark.parametrize("prop", TABLES)
def test_examples_of_the_guide_stand_so_in_the_corpus(sample: Corpus, guide: str, prop: str) -> None:
    """The word in bold has the tag of its row, in these very surroundings."""
    for tag, use, example in rows(guide, TABLES[prop]):
        assert use, tag
        (bold,) = [at for at, word in enumerate(example.split()) if re.fullmatch(r"\*\*.+\*\*", word)]
        words = example.replace("**", "").split()
        found = {s.labels[prop][at + bold] for s in sample.sentences for at in places(s, words)}
        assert tag in found, f"{tag}: {example}"


def test_guide_counts_the_genres(sample: Corpus, guide: str) -> None:
    written = {genre: (int(sentences), int(words)) for genre, _, sentences, words in rows(guide, "Genres")}
    counted = {
        genre: (len(of_genre), sum(map(len, of_genre)))
        for genre in GENRES
        for of_genre in [[s for s in sample.sentences if s.sentence_labels["genre"] == genre]]
    }
    assert written == counted


def test_guide_is_short_and_has_its_sections(guide: str) -> None:
    assert len(guide.splitlines()) < 300
    for title in ("Purpose", "Chunks", "Conventions decided", "Hard cases", "Agreement"):
        assert f"\n## {title}\n" in guide


def test_licence_is_cc0() -> None:
    assert FOLDER.joinpath("LICENSE").read_text(encoding="utf-8").startswith("CC0 1.0")


@pytest.mark.parametrize("genre", sorted(GENRES))
def test_files_are_as_the_guide_says(genre: str) -> None:
    text = FOLDER.joinpath(f"{genre}.tsv").read_bytes().decode("utf-8")
    assert text.startswith("word\tpos\tchunk\tsem\n")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text
    assert "\r" not in text
