"""Runs whose labels are of whole sentences or are numbers: the same chain, in the right words."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tests.conftest import QUICK

from neurosieve.activations.splits import Splits
from neurosieve.activations.store import open_store
from neurosieve.errors import CorpusError, NeurosieveError, StudyError
from neurosieve.report.sections import certainty
from neurosieve.runs.study import run_study
from neurosieve.study import stages
from neurosieve.study.cells import finish
from neurosieve.study.settings import StudySettings
from neurosieve.study.steps import open_cell

Run = Callable[..., Path]


def settings(model: Path, text: Path, *, properties, of_model=None, probes=None, **of_corpus) -> StudySettings:
    return StudySettings.checked(
        {
            "models": [{"path": str(model), **(of_model or {})}],
            "corpora": [{"files": [str(text)], "properties": properties, **of_corpus}],
            "probes": {**QUICK, **(probes or {})},
        },
        where="test",
    )


def text_of(page: Path) -> str:
    """What a reader sees, without tags and in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))).split())


@pytest.fixture(scope="session")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences labelled by whether a cat is in them, with a number of animals; dev has a label that train lacks."""
    animals, rest = ["cat", "dog"], ["the", "a", "old", "small", "river", "town", "lamp"]
    lines = ["sentence\tmood\tanimals"]
    for number in range(120):
        words = [rest[(number * k) % 7] for k in (1, 2, 3)] + [animals[0]] * (number % 3) + [animals[1]] * (number % 2)
        lines.append(
            f"{' '.join(words)} {rest[number % 5]}\t{'cat' if number % 3 else 'none'}\t{number % 3 + number % 2}"
        )
    folder = tmp_path_factory.mktemp("moods") / "moods"
    folder.mkdir()
    for name, start, stop in (("train", 0, 80), ("dev", 80, 100), ("test", 100, 120)):
        part = lines[1:][start:stop]
        if name == "test":
            part[0] = part[0].replace("\tnone\t", "\tnew\t").replace("\tcat\t", "\tnew\t")
        (folder / f"{name}.tsv").write_text("\n".join([lines[0], *part]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def of_sentences(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, moods: Path) -> Path:
    """A finished run with a label and a number of sentences."""
    out = tmp_path_factory.mktemp("runs") / "sentences"
    asked = settings(
        tiny_bert,
        moods,
        properties=("mood", "animals"),
        unit="sentence",
        numeric=("animals",),
        of_model={"sentence_vector": "mean"},
        probes={"epochs": 50},
    )
    run_study(asked, out)
    return out


@pytest.fixture(scope="module")
def of_values(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, tagged_text: Path) -> Path:
    """A finished run with a label and a number of words."""
    out = tmp_path_factory.mktemp("runs") / "values"
    run_study(settings(tiny_bert, tagged_text, properties=("length:number", "pos"), probes={"epochs": 50}), out)
    return out


def test_a_run_over_sentences(of_sentences: Path) -> None:
    manifest = json.loads((of_sentences / "manifest.json").read_text(encoding="utf-8"))
    (store,) = manifest["activations"]
    assert store["folder"] == "tiny-bert--moods-sentences"
    assert (store["unit"], store["sentence_vector"], store["special_token"]) == ("sentence", "mean", None)
    assert store["n_words"] == 120
    results = pd.read_csv(of_sentences / "results.csv")
    assert set(results["task"]) == {"linguistic"}  # there is no control task of sentences
    scores = results[results["subset"].eq("all") & results["split"].eq("dev") & results["metric"].eq("accuracy")]
    assert (scores["value"] >= 0.8).all()  # a cat in the sentence is plain to see, by chance 0.65


def test_the_page_speaks_of_sentences(of_sentences: Path) -> None:
    page = text_of(of_sentences / "report.html")
    assert "of the 20 test sentences their right label" in page
    assert "labelled sentences" in page
    assert "test words" not in page
    assert "sentences, unlike words, hardly ever come back in test" in page
    data = pd.read_csv(of_sentences / "tables" / "data.csv")
    assert data.columns.tolist() == ["property", "train", "dev", "test", "labels", "unit", "models"]
    assert data[["property", "train", "labels", "unit"]].values.tolist() == [
        ["mood", 80, "2", "sentences"],
        ["animals", 80, "real values", "sentences"],
    ]


def test_unknown_labels_of_sentences_are_errors_and_reported(of_sentences: Path) -> None:
    said = text_of(of_sentences / "report.html")
    assert "1 of the 20 test sentences (5.00\u00a0%)" in said.replace("5.00 %", "5.00\u00a0%")
    assert "have a label that train lacks; every probe gets them wrong" in said
    results = pd.read_csv(of_sentences / "results.csv").query("property == 'mood' and split == 'test'")
    assert results.loc[results["metric"].str.startswith("accuracy"), "value"].max() <= 0.95


def test_few_neurons_of_a_run_of_sentences_are_features(
    of_sentences: Path, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``docs/compact-features.md`` shows, of the label of sentences alone."""
    page = Path(__file__).resolve().parents[2] / "docs" / "compact-features.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    run = Path(shutil.copytree(of_sentences, tmp_path / "runs" / "kind"))
    shutil.rmtree(next((run / "cells").glob("*animals")))
    monkeypatch.chdir(tmp_path)
    store = open_store(next((run / "activations").iterdir()))
    names: dict[str, object] = {
        "__name__": "docs",
        "sentences": ["the cat sees a dog .", "a lamp finds every teacher !"] * 3,
        "labels": ["cat", "none"] * 3,
        "store": store,
        "splits": Splits.from_store(store, "mood"),
        "folder": tiny_bert,
    }
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    assert (tmp_path / "compact-kind" / "config.json").is_file()


def test_a_control_task_of_sentences_is_refused_with_the_reason(of_sentences: Path) -> None:
    with pytest.raises(StudyError, match="'mood' labels sentences: a control task gives each type a random label"):
        stages.control(open_cell(of_sentences, "mood"))
    assert not list((of_sentences / "cells").glob("*/control.json"))


def test_a_finished_run_over_sentences_repeats_nothing(
    of_sentences: Path, tiny_bert: Path, moods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(stages, "fit_probes")
    stamp = (of_sentences / "report.html").stat().st_mtime_ns
    asked = json.loads((of_sentences / "manifest.json").read_text(encoding="utf-8"))["settings"]
    run_study(StudySettings.checked(asked), of_sentences)
    assert (of_sentences / "report.html").stat().st_mtime_ns == stamp


def test_a_run_over_real_values(of_values: Path) -> None:
    results = pd.read_csv(of_values / "results.csv")
    real = results[results["property"] == "length:number"]
    assert not real["metric"].str.contains("accuracy").any()
    for metric, n_rows in {
        "r2": 2 * 2 * 4 + 2 * 2,  # seeds x splits x subsets; and the control task with all neurons
        "r2_mean_ablation": 2 * 2 * 3,
        "r2@0.005": 2 * 2 * 2,
        "n_neurons@0.02": 2,
        "selectivity": 2 * 2,
        "lambda_score": 16,
    }.items():
        assert (real["metric"] == metric).sum() == n_rows, metric
    whole = real[real["metric"].eq("r2") & real["subset"].eq("all") & real["task"].eq("linguistic")]
    assert (whole["value"] > 0.5).all()  # each word has its own vector, so its length can be read off
    labels = results[results["property"] == "pos"]
    assert labels["metric"].str.contains("accuracy").any()
    assert not labels["metric"].str.contains("r2").any()


def test_a_minimal_set_of_real_values_is_within_delta_on_dev(of_values: Path) -> None:
    for row in stages.minimal(open_cell(of_values, "length:number"))["minimal"].to_dict("records"):
        assert row["dev"] >= row["oracle_dev"] - row["delta"] - 1e-12  # rounding of one subtraction


def test_the_page_speaks_of_explained_variance(of_values: Path) -> None:
    page = text_of(of_values / "report.html")
    assert "it explains that share of the variance of their values" in page
    assert "How the values are spread" in page
    assert "Test R² of the probe when only some neurons keep their values." in page
    figures = {path.name for path in (of_values / "figures").iterdir()}
    assert "tiny-bert--length-number--values.png" in figures
    assert "tiny-bert--length-number--labels.png" not in figures
    assert "tiny-bert--pos--labels.png" in figures
    header = (of_values / "figures" / "tiny-bert--length-number--ablation.csv").read_text(encoding="utf-8").split()[0]
    assert header == "seed,split,fill,subset,n_neurons,r2"
    table = pd.read_csv(of_values / "tables" / "minimal_2_test.csv")
    rows = table.groupby("property")["row"].apply(list)
    assert {"R2_a", "R2_t"} < set(rows["length:number"])
    assert {"Acc_a", "Acc_t"} < set(rows["pos"])


def test_the_histogram_counts_every_word(of_values: Path) -> None:
    table = pd.read_csv(of_values / "figures" / "tiny-bert--length-number--values.csv")
    words = pd.read_csv(of_values / "tables" / "data.csv").set_index("property").loc["length:number"]
    for split in ("train", "dev", "test"):
        assert table[split].sum() == words[f"{split} words"]


@pytest.mark.parametrize(
    ("properties", "changes", "said"),
    [
        (("mood",), {}, "'mood' labels whole sentences of 'moods', and the unit is the word; say unit = sentence"),
        (
            ("pos",),
            {"unit": "sentence"},
            "'pos' labels no sentences of 'moods-sentences', .* of sentences: mood, animals",
        ),
        (("casing",), {"unit": "sentence"}, "'casing' labels no sentences"),
        (("mood",), {"unit": "sentence", "numeric": ("mood",)}, "label 'cat' of property 'mood' is no finite number"),
        (("mood",), {"unit": "sentence", "numeric": ("size",)}, "has no property 'size'; it has mood, animals"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, tiny_bert: Path, moods: Path, properties, changes, said
) -> None:
    with pytest.raises((CorpusError, StudyError), match=said):
        run_study(settings(tiny_bert, moods, properties=properties, **changes), tmp_path / "run")


def test_values_without_variance_are_refused(tmp_path: Path, tiny_bert: Path, moods: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in moods.iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.stem == "dev":
            lines = [lines[0], *(f"{line.rpartition(chr(9))[0]}\t2" for line in lines[1:])]
        (flat / path.name).write_text("\n".join(lines), encoding="utf-8")
    asked = settings(tiny_bert, flat, properties=("animals",), unit="sentence", numeric=("animals",))
    with pytest.raises(
        NeurosieveError, match="all values of 'animals' in the split 'dev' are 2, so there is no variance"
    ):
        run_study(asked, tmp_path / "run")


@pytest.mark.parametrize(
    ("of_model", "of_corpus", "said"),
    [
        ({"sentence_vector": "mean"}, {}, "a sentence vector is for corpora whose unit is the sentence"),
        ({"sentence_vector": "cls"}, {"unit": "sentence"}, r"models\[0\]\.sentence_vector: expected 'mean', 'first'"),
        ({}, {"unit": "page"}, r"corpora\[0\]\.unit: expected 'word' or 'sentence', found 'page'"),
    ],
)
def test_settings_that_do_not_fit(tiny_bert: Path, moods: Path, of_model, of_corpus, said) -> None:
    with pytest.raises(StudyError, match=said):
        settings(tiny_bert, moods, properties=("mood",), of_model=of_model, **of_corpus)


def test_a_study_file_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        '[[models]]\npath = "m"\nsentence_vector = "last"\n[[corpora]]\nfiles = ["t.tsv"]\nproperties = ["stars"]\n'
        'unit = "sentence"\nnumeric = ["stars"]\n',
        encoding="utf-8",
    )
    read = StudySettings.from_toml(tmp_path / "s.toml")
    assert (read.models[0].sentence_vector, read.corpora[0].unit, read.corpora[0].numeric) == (
        "last",
        "sentence",
        ("stars",),
    )
    assert read.corpora[0].label == "t-sentences"


@pytest.mark.parametrize("prop", ["mood", "animals"])
def test_sentences_can_be_resampled(prop: str, of_sentences: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(of_sentences, tmp_path / "run"))
    cell = open_cell(run, prop, resamples=2)
    sure = finish(cell).findings().certainty
    assert sure is not None
    assert sure.null == "sentences"
    said = " ".join(certainty.words(finish(cell).findings()))
    assert "Each sentence has one label" in said
    assert "word types" not in said


def test_real_values_can_be_resampled(of_values: Path, tmp_path: Path) -> None:
    cell = open_cell(Path(shutil.copytree(of_values, tmp_path / "run")), "length:number", resamples=2)
    found = finish(cell).findings()
    assert found.certainty is not None
    assert found.certainty.null == "sentences"  # the length of a word does not depend on where it stands
    metrics = set(found.results()["metric"])
    assert {"r2_low", "r2_sd_text", "n_discovered@0.1"} <= metrics
    assert not [name for name in metrics if "accuracy" in name or "macro_f1" in name]
    assert "R² %" in certainty.table(found).columns
