"""The parts of the page with sentences to read and with two labels to compare; what a browser does with them is tested there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurosieve.report.sections import text, two_labels
from neurosieve.runs.opened import open_run
from neurosieve.study.findings import Findings


@pytest.fixture(scope="module")
def f(finished_run: Path) -> Findings:
    return open_run(finished_run).cells["pos"].findings()


def test_every_word_is_there_with_its_label_and_what_is_wrong(f: Findings) -> None:
    (part,) = text.parts(f, "cell", 40)
    kept = f.tables["text_words"]
    shown = [word for sentence in part["sentences"] for word in sentence["words"]]
    assert [word["text"] for word in shown] == kept["word"].tolist()
    assert [word["gold"] for word in shown] == kept["gold"].tolist()
    assert [word["wrong"] for word in shown] == [
        "" if gold == given else given for gold, given in zip(kept["gold"], kept["predicted"], strict=True)
    ]
    assert [word["levels"] for word in shown] == kept["levels"].tolist()
    assert len({sentence["id"] for sentence in part["sentences"]}) == kept["sentence"].nunique()
    said = text.words(f)
    assert said[0].startswith(f"{kept['sentence'].nunique()} sentences of test ({len(kept)} words), drawn at random")
    assert f"({(kept['gold'] != kept['predicted']).sum()} of {len(kept)})" in said[1]


def test_a_page_with_few_parts_has_few_sentences(f: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "ROWS_A_PART", 4)
    (part,) = text.parts(f, "cell", 3)
    sizes = [len(sentence["words"]) for sentence in part["sentences"]]
    assert 0 < sum(sizes) <= 12
    assert len(part["neurons"]) == 3
    assert all(len(word["levels"]) == 3 for sentence in part["sentences"] for word in sentence["words"])
    (part,) = text.parts(f, "cell", 1)
    assert len(part["sentences"]) == 1


def test_probable_labels_are_packed_by_level(f: Findings) -> None:
    (part,) = text.parts(f, "cell", 40)
    names = dict(enumerate(name for name, _ in part["labels"]))
    shown = [word for sentence in part["sentences"] for word in sentence["words"]]
    for row in f.tables["text_labels"].to_dict("records"):
        levels = dict(pair.split(":") for pair in shown[row["row"]]["labels"].split())
        by_name = {names[int(number)]: int(level) for number, level in levels.items()}
        assert by_name[row["label"]] == sum(row["probability"] >= edge for edge in text.PROBABLE)


def test_two_labels_have_means_weights_and_errors(f: Findings) -> None:
    (part,) = two_labels.parts(f, "cell", 40)
    names = [label["name"] for label in part["labels"]]
    first = part["labels"][names.index("NN")]
    row = f.tables["neuron_labels"].query("label == 'NN'").iloc[0]
    summary = f.tables["neuron_summary"].iloc[0]
    assert float(first["means"].split()[0]) == pytest.approx((row["mean"] - summary["mean"]) / summary["sd"], abs=0.051)
    weight = f.tables["neuron_weights"].query("label == 'NN'").iloc[0]
    assert float(first["weights"].split()[0]) == pytest.approx(weight["per_sd"], abs=0.0051)
    wrong = f.tables["confusion"].query("split == 'test' and gold == 'NN' and predicted != 'NN'")
    assert first["given"].split() == [
        f"{names.index(p)}:{n}" for p, n in zip(wrong["predicted"], wrong["n"], strict=True)
    ]
    pairs = {
        tuple(sorted((label["name"], names[int(own.split(":")[0])])))
        for label in part["labels"]
        for own in label["apart"].split(";")
        if own
    }
    told = f.tables["label_pairs"]
    assert pairs == {tuple(sorted(pair)) for pair in zip(told["first"], told["second"], strict=True)}


def test_the_most_confused_pair_is_said(f: Findings) -> None:
    assert two_labels._most_confused(f) is not None
    said = two_labels.words(f)[-1]
    assert re.match(r"Most often confused are “.+” and “.+”, which L\d+N\d+ \([+−]\d", said)


def test_a_run_without_these_tables_has_a_page(f: Findings) -> None:
    from dataclasses import replace

    from neurosieve.report.section import lacking

    older = replace(
        f, tables={k: t for k, t in f.tables.items() if k not in ("text_words", "text_labels", "label_pairs")}
    )
    assert lacking(text.SECTION.needs, older) is not None
    assert two_labels.parts(older, "cell", 40)[0]["labels"][0]["apart"] == ""
    assert len(two_labels.words(older)) == 1
