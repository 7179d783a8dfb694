from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.corpora import Sentence
from neurosieve.corpora.splits import by_fraction, check_fractions, split_in_name, split_name, take_from_train
from neurosieve.errors import CorpusError


def sentences(numbers) -> list[Sentence]:
    return [Sentence((str(number), "word")) for number in numbers]


def splits_of(divided) -> dict[tuple[str, ...], set[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for sentence in divided:
        found.setdefault(sentence.words, set()).add(sentence.split)
    return found


texts = st.lists(st.integers(0, 60), min_size=3, max_size=120).filter(lambda numbers: len(set(numbers)) >= 3)
fractions = st.floats(0.01, 0.49)


@given(texts, fractions, fractions, st.integers(0, 5), st.randoms(use_true_random=False))
def test_a_random_division_is_a_partition_that_knows_no_order(numbers, dev, test, seed, shuffler) -> None:
    divided = by_fraction(sentences(numbers), dev_fraction=dev, test_fraction=test, random_state=seed)
    assert [s.words for s in divided] == [s.words for s in sentences(numbers)]  # nothing lost, nothing moved
    assert {s.split for s in divided} == {"train", "dev", "test"}
    assert all(len(splits) == 1 for splits in splits_of(divided).values())  # equal sentences stay together
    shuffled = list(numbers)
    shuffler.shuffle(shuffled)
    again = by_fraction(sentences(shuffled), dev_fraction=dev, test_fraction=test, random_state=seed)
    assert splits_of(again) == splits_of(divided)


def test_shares_are_exact_when_no_sentence_occurs_twice() -> None:
    divided = by_fraction(sentences(range(200)), dev_fraction=0.1, test_fraction=0.25)
    assert Counter(s.split for s in divided) == {"train": 130, "dev": 20, "test": 50}


def test_another_random_state_divides_differently() -> None:
    first, second = (
        by_fraction(sentences(range(50)), dev_fraction=0.2, test_fraction=0.2, random_state=seed) for seed in (0, 1)
    )
    assert first != second


def test_a_fraction_of_zero_leaves_the_split_out() -> None:
    divided = by_fraction(sentences(range(10)), dev_fraction=0.0, test_fraction=0.2)
    assert Counter(s.split for s in divided) == {"train": 8, "test": 2}


def test_division_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from neurosieve.corpora import Sentence\nfrom neurosieve.corpora.splits import by_fraction\n"
        "ss = [Sentence((str(i),)) for i in range(30)]\n"
        "print([s.split for s in by_fraction(ss, dev_fraction=.2, test_fraction=.2)])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_too_few_sentences_are_refused() -> None:
    with pytest.raises(CorpusError, match="2 different sentences cannot be divided into train, dev and test"):
        by_fraction(sentences([1, 2, 2, 2]), dev_fraction=0.1, test_fraction=0.1)


@pytest.mark.parametrize(("dev", "test"), [(-0.1, None), (None, 1.0), (0.5, 0.5), (float("nan"), None)])
def test_fractions_that_leave_no_train_are_refused(dev, test) -> None:
    with pytest.raises(CorpusError, match=r"at least 0 and below 1|nothing to train on"):
        check_fractions(dev, test)


@given(st.integers(3, 300), fractions, fractions)
def test_the_end_of_train_is_dev_then_test(n, dev, test) -> None:
    numbers = list(range(n))
    if max(1, round(dev * n)) + max(1, round(test * n)) >= n:
        with pytest.raises(CorpusError, match="too few"):
            take_from_train(sentences(numbers), {"test": test, "dev": dev})
        return
    divided = take_from_train(sentences(numbers), {"test": test, "dev": dev})
    order = [s.split for s in divided]
    assert order == sorted(order, key=["train", "dev", "test"].index)
    assert order.count("dev") == max(1, round(dev * n))
    assert order.count("test") == max(1, round(test * n))


def test_other_splits_are_left_alone_when_train_gives() -> None:
    mixed = [Sentence((str(i),), split="test" if i % 2 else "train") for i in range(20)]
    divided = take_from_train(mixed, {"dev": 0.1})
    assert [s.words[0] for s in divided if s.split == "dev"] == ["18"]
    assert [s.split for s in divided].count("test") == 10


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("en_ewt-ud-train.conllu", "train"),
        ("en_ewt-ud-dev.conllu", "dev"),
        ("validation.tsv", "dev"),
        ("eng.testa", "dev"),
        ("eng.testb", "test"),
        ("train.txt.gz", "train"),
        ("eval.conll", "eval"),
        ("contest.tsv", None),
        ("latest.tsv", None),
        ("news.tsv", None),
    ],
)
def test_splits_are_read_off_names(name: str, split: str | None) -> None:
    assert split_in_name(name) == split


def test_words_for_splits_are_unified() -> None:
    assert [split_name(w) for w in ("valid", "Validation", "training", "ood")] == ["dev", "dev", "train", "ood"]


def test_random_module_is_left_alone() -> None:
    random.seed(3)
    before = random.getstate()
    by_fraction(sentences(range(9)), dev_fraction=0.2, test_fraction=0.2)
    assert random.getstate() == before
