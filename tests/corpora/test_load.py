from __future__ import annotations

import gzip
import subprocess
import sys

import pytest

from neurosieve.corpora import load_corpus
from neurosieve.errors import CorpusError

SENTENCE = "w{} NN B-NP\n. . O\n\n"


def conll(n: int, start: int = 0) -> str:
    return "".join(SENTENCE.format(i) for i in range(start, start + n))


def sizes(corpus) -> dict[str, int]:
    return {name: len(corpus.split(name)) for name in corpus.splits}


def test_names_of_files_say_the_splits(write, tmp_path) -> None:
    write("c/x-train.txt", conll(10))
    write("c/x-valid.txt", conll(2, 10))
    write("c/x-test.txt", conll(3, 12))
    corpus = load_corpus(tmp_path / "c")
    assert sizes(corpus) == {"train": 10, "dev": 2, "test": 3}
    assert corpus.name == "c"
    assert corpus.properties == ("pos", "chunk")
    assert corpus.sentences[-1].source.endswith("x-valid.txt:4")
    assert load_corpus(str(tmp_path / "c" / "*.txt")).digest == corpus.digest
    assert load_corpus(sorted((tmp_path / "c").iterdir())).digest == corpus.digest


def test_without_dev_the_last_tenth_of_train_is_dev_and_the_corpus_says_so(write, tmp_path) -> None:
    write("train.txt", conll(20))
    write("test.txt", conll(3, 20))
    corpus = load_corpus(tmp_path)
    assert [s.words[0] for s in corpus.split("dev").sentences] == ["w18", "w19"]
    assert corpus.notes == ("no file gives dev: 2 of 20 sentences, from the end of train",)
    assert sizes(load_corpus(tmp_path, dev_fraction=0.25)) == {"train": 15, "dev": 5, "test": 3}
    assert sizes(load_corpus(tmp_path, dev_fraction=0)) == {"train": 20, "test": 3}


def test_one_file_is_divided_80_10_10_whatever_its_name(write) -> None:
    corpus = load_corpus(write("train.txt", conll(50)))
    assert sizes(corpus) == {"train": 40, "dev": 5, "test": 5}
    assert corpus.name == "train"
    assert corpus.notes == ("divided at random: dev 0.1 and test 0.1 of the sentences, random_state 0",)


def test_random_divisions_differ_by_random_state_only(write) -> None:
    path = write("news.txt", conll(50))
    assert load_corpus(path).digest == load_corpus([path]).digest
    assert load_corpus(path, random_state=1).digest != load_corpus(path).digest


def test_files_whose_names_say_nothing_are_divided_together(write, tmp_path) -> None:
    write("news.txt", conll(30))
    write("mail.txt", conll(20, 30))
    assert sizes(load_corpus(tmp_path, test_fraction=0.2)) == {"train": 35, "dev": 5, "test": 10}


def test_names_of_folders_say_the_splits_where_those_of_files_do_not(write, tmp_path) -> None:
    for folder, n in (("train", 5), ("dev", 2), ("test", 3)):
        write(f"{folder}/news.txt", conll(n))
        write(f"{folder}/mail.txt", conll(n))
    assert sizes(load_corpus(tmp_path)) == {"train": 10, "dev": 4, "test": 6}


def test_splits_given_by_the_user(write) -> None:
    a, b, c = (write(f"{name}.txt", conll(4, i)) for i, name in ((0, "a"), (4, "b"), (8, "c")))
    corpus = load_corpus(splits={"train": [a, b], "validation": c})
    assert sizes(corpus) == {"train": 7, "dev": 4, "test": 1}
    assert corpus.notes == ("no file gives test: 1 of 8 sentences, from the end of train",)


def test_gzip_files_count_by_name_and_content(tmp_path) -> None:
    for name, n in (("train", 10), ("test", 2)):
        (tmp_path / f"{name}.txt.gz").write_bytes(gzip.compress(conll(n).encode()))
    assert sizes(load_corpus(tmp_path)) == {"train": 9, "dev": 1, "test": 2}


def test_columns_format_properties_and_numbers(write) -> None:
    path = write("x.txt", "".join(f"w{i} NN {i}.5 _\n\n" for i in range(10)))
    corpus = load_corpus(
        path, columns=["word", "pos", "score", None], properties=["score", "length", "n=regex:1"], numeric=["score"]
    )
    assert corpus.properties == ("score", "length", "n")
    assert corpus.sentences[1].labels == {"score": (1.5,), "length": ("2",), "n": ("yes",)}


def test_the_corpus_has_a_property_rather_than_makes_it(write) -> None:
    path = write("x.tsv", "word·length\n" + "".join(f"w{i}·long\n\n" for i in range(10)))
    assert load_corpus(path, properties=["length"]).label_counts("length") == {"long": 10}


TREE = "( (S (NN w{}) (. .)) )\n"


@pytest.fixture
def treebank(write, tmp_path):
    for section in range(25):
        write(f"wsj/{section:02d}/wsj_{section:02d}00.mrg", TREE.format(section))
    return tmp_path / "wsj"


def test_sections_of_a_treebank_are_divided_as_for_tagging_unless_the_user_says_otherwise(treebank) -> None:
    tagging = load_corpus(treebank)
    assert sizes(tagging) == {"train": 19, "dev": 3, "test": 3}
    assert tagging.notes == ("sections of the Wall Street Journal divided as for tagging",)
    parsing = load_corpus(treebank, splits="parsing")
    assert sizes(parsing) == {"train": 20, "dev": 1, "test": 1}
    assert parsing.notes[1] == "sections in no split: 00, 01, 24 (3 sentences left out)"
    assert sizes(load_corpus(treebank, dev_fraction=0.2)) == {"train": 18, "dev": 5, "test": 2}


def test_a_part_of_a_treebank_is_divided_at_random_and_refused_as_a_standard_split(treebank) -> None:
    corpus = load_corpus(str(treebank / "0*" / "*.mrg"))
    assert sizes(corpus) == {"train": 8, "dev": 1, "test": 1}
    with pytest.raises(CorpusError, match="split 'dev' of 'tagging' has no words"):
        load_corpus(str(treebank / "0*" / "*.mrg"), splits="tagging")


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"a.txt": conll(9)}, {"properties": ["xpos"]}, r"no property 'xpos'; it has pos, chunk, and from the text"),
        ({"a.txt": conll(9)}, {"format": "conllu"}, r"a\.txt:1: 1 tab-separated columns"),
        ({"a.txt": conll(9)}, {"format": "xml"}, "format 'xml' is not known"),
        ({"a.txt": conll(9)}, {"format": "conll2000", "columns": ["word"]}, "'conll2000' has columns of its own"),
        ({"a.txt": conll(9)}, {"dev_fraction": 1.5}, "dev_fraction is 1.5"),
        ({"a.txt": conll(9)}, {"splits": "tagging"}, "nothing says in which section"),
        ({"a.txt": conll(9)}, {"splits": "tagging", "dev_fraction": 0.1}, "divides by section; leave out"),
        ({"a.txt": conll(2)}, {}, "cannot be divided into train, dev and test"),
        ({"a.txt": conll(3) + "x NN\n"}, {}, r"a\.txt:10: 2 columns where 3 are expected"),
        ({"a.txt": "# only = comments\n"}, {"format": "conllu"}, "no sentence is in the file, read as format 'conllu'"),
        ({"a.txt": "_ NN B-NP\n\n_ DT O\n"}, {}, "every word is '_': the text was taken out"),
        ({"a.txt": ""}, {}, "the file is empty"),
        ({"a.txt": "one two\nthree"}, {}, "format is not recognised"),
        ({"train.txt": conll(9), "test.txt": conll(2), "more.txt": conll(2)}, {}, r"more\.txt: the name says none"),
        ({"train.txt": conll(9), "test.txt": conll(2)}, {"test_fraction": 0.1}, "files give split 'test'"),
        ({"train.txt": conll(1), "test.txt": conll(2)}, {}, "train has 1 sentences, too few"),
        ({"dev.txt": conll(9), "test.txt": conll(2)}, {}, "no file gives split 'train'"),
        ({"train.txt": conll(9), "test.txt": "a·DIS\nb·CON"}, {}, "'conll2000', those before it in 'semtag'"),
    ],
)
def test_refused_with_one_line(write, tmp_path, files, options, message) -> None:
    for name, text in files.items():
        write(name, text)
    with pytest.raises(CorpusError, match=message) as error:
        load_corpus(tmp_path, **options)
    assert "\n" not in str(error.value)


def test_calls_that_name_no_file_or_one_twice_are_refused(write, tmp_path) -> None:
    path = write("a.txt", conll(9))
    for paths, splits, message in (
        (None, None, "no path is given"),
        (path, {"train": path}, "both paths and splits name files"),
        (None, {}, "splits name no file"),
        (None, {"train": path, "test": [path]}, "the file is there 2 times"),
        (tmp_path / "none", None, "no such file or folder"),
    ):
        with pytest.raises(CorpusError, match=message):
            load_corpus(paths, splits=splits)


def test_loading_needs_no_heavy_package() -> None:
    code = (
        "import sys, neurosieve.corpora\n"
        "print([m for m in ('torch', 'transformers', 'pandas', 'numpy', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
