"""Labels that look the same are one, or are named as two; columns that become no property are named, in every reader."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from neurosieve.corpora import load_corpus
from neurosieve.errors import CorpusError

load = partial(load_corpus, dev_fraction=0, test_fraction=0)
BLANKS = [" ", "\u00a0", "\u2003", "\u200b", "\ufeff"]
WITH_BLANK = {
    "a.conllu": "1\tw\t_\tNOUN{}\t_\t_\t0\troot\t_\t_\n2\tb\t_\tNOUN\t_\t_\t1\tdet\t_\t_\n\n",
    "a.conllx": "1\tw\t_\tN\tNOUN{}\t_\t0\tROOT\t0\tROOT\n2\tb\t_\tN\tNOUN\t_\t1\tX\t1\tX\n\n",
    "a.tsv": "word\tpos\nw\tNOUN{}\nb\tNOUN\n\n",
    "s.tsv": "sentence\tpos\na b\tNOUN{}\nc d\tNOUN\n",
}
UPOS = {"a.conllu": "upos", "a.conllx": "pos", "a.tsv": "pos", "s.tsv": "pos"}


@pytest.mark.parametrize("blank", BLANKS, ids=[f"U+{ord(b):04X}" for b in BLANKS])
@pytest.mark.parametrize("name", WITH_BLANK)
def test_blanks_around_a_label_make_no_other_label(tmp_path: Path, name: str, blank: str) -> None:
    path = tmp_path / name
    header, text = ("", WITH_BLANK[name]) if not name.endswith("tsv") else WITH_BLANK[name].split("\n", 1)
    path.write_text((header + "\n" if header else "") + text.format(blank) * 20, encoding="utf-8")
    corpus = load(path)
    assert set(corpus.label_counts(UPOS[name])) == {"NOUN"}
    assert any("blanks around 20 labels taken off" in note for note in corpus.notes)


@pytest.mark.parametrize(
    ("first", "second"),
    [("café", "cafe\u0301"), ("NOUN", "N\u200bOUN"), ("a b", "a\u00a0b"), ("PE", "\u0420\u0415"), ("ﬁn", "fin")],
)
def test_labels_that_still_look_alike_are_named_as_two(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("word\tpos\n" + f"a\t{first}\nb\t{second}\n\n" * 20, encoding="utf-8")
    corpus = load(path)
    assert len(corpus.label_counts("pos")) == 2
    (note,) = [note for note in corpus.notes if "look alike" in note]
    assert "U+" in note
    assert "\u200b" not in note


def test_labels_that_can_be_told_apart_are_not_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("word\tpos\n" + "a\t名詞\nb\t動詞\nc\tNOUN\nd\tnoun\n\n" * 20, encoding="utf-8")
    assert not [note for note in load(path).notes if "alike" in note]


def test_columns_without_a_label_and_positions_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_text("1\tw\t_\tNOUN\t_\t_\t0\troot\t_\t_\n\n" * 20, encoding="utf-8")
    notes = " ".join(load(path).notes)
    assert "HEAD and DEPS" in notes
    assert "columns without a label: lemma, xpos, feats" in notes
    table = tmp_path / "a.tsv"
    table.write_text("word\tpos\textra\n" + "w\tN\t_\n\n" * 20, encoding="utf-8")
    assert any("columns without a label: extra" in note for note in load(table).notes)


@pytest.mark.parametrize("name", ["sentence", "position", "split"])
def test_a_column_with_a_name_of_ours_is_renamed_and_the_rest_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"word\tpos\t{name}\n" + "w\tN\tx\n\n" * 20, encoding="utf-8")
    corpus = load(path)
    assert set(corpus.properties) == {"pos", f"column.{name}"}
    assert any(f"column '{name}' is called 'column.{name}'" in note for note in corpus.notes)


def test_a_feature_called_word_is_renamed(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_text("1\tw\t_\tNOUN\t_\tNumber=Sing|word=1\t0\troot\t_\t_\n\n" * 20, encoding="utf-8")
    assert {"Number", "feats.word"} <= set(load(path).properties)


def test_values_of_one_feature_that_a_word_has_twice_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_text("1\tw\t_\tNOUN\t_\tCase=Nom|Case=Acc\t0\troot\t_\t_\n\n" * 20, encoding="utf-8")
    assert set(load(path).label_counts("Case")) == {"Nom,Acc"}


ROW = "{}\tw\t_\tNOUN\t_\t_\t0\troot\t_\t_\n"
RANGE = "{}\tw\t_\t_\t_\t_\t_\t_\t_\t_\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RANGE.format("1-3") + ROW.format(1) + ROW.format(2), r"a.conllu:1: the range '1-3' covers words up to 3"),
        (ROW.format(1) + RANGE.format("1-2") + ROW.format(2), r"a.conllu:2: the range '1-2' where word 2 is next"),
        (RANGE.format("1-2") + RANGE.format("1-2") + ROW.format(1) + ROW.format(2), "no word belongs to two"),
        (RANGE.format("2-1") + ROW.format(1) + ROW.format(2), "where word 1 is next"),
        (ROW.format(1) + RANGE.format("3.1"), r"a.conllu:2: the empty node '3.1' stands after word 1"),
    ],
)
def test_ranges_and_empty_nodes_that_stand_wrong_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.conllu"
    path.write_text((text + "\n") * 20, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        load(path)


def test_ranges_and_empty_nodes_that_stand_right_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    text = RANGE.format("0.1") + RANGE.format("1-2") + ROW.format(1) + ROW.format(2) + RANGE.format("2.1") + "\n"
    path.write_text(text * 20, encoding="utf-8")
    assert len(load(path).sentences[0]) == 2


ENTITIES = "Juan NC B-PER\nva VMI O\n, Fc O\n\n"
CHUNKS = "dog NN B-NP\nbarks VBZ B-VP\n. . O\n\n"


@pytest.mark.parametrize(("text", "names"), [(ENTITIES, {"pos", "ner"}), (CHUNKS, {"pos", "chunk"})])
def test_spans_are_called_what_their_kinds_are(tmp_path: Path, text: str, names: set[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text * 20, encoding="utf-8")
    assert set(load(path).properties) == names


@pytest.mark.parametrize(
    "text",
    [
        "a X B-GENE\nb X O\n\n",  # of other kinds
        "a X O\nb X O\n\n",  # of none
        "a X B-PER B-NP\nb X O O\n\n",  # entities where CoNLL-2003 has chunks
    ],
)
def test_spans_of_other_kinds_must_be_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text * 20, encoding="utf-8")
    with pytest.raises(CorpusError, match="name the columns"):
        load(path)
