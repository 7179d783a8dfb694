"""Options for sentences, real values, and how a model and a corpus are read."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from neurosieve.cli.run_commands import _layers


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    """One file of sentences, whose label tells whether `cat` is in them, and how many words they have."""
    lines = ["sentence\tmood\tsize"]
    for number in range(90):
        words = ["the", "old", "cat" if number % 2 else "dog", "sees", "lamp", "river"][: 3 + number % 4]
        words += ["a"] * (number // 12)
        lines.append(f"{' '.join(words)} {'.' if number % 3 else '!'}\t{'cat' if number % 2 else 'dog'}\t{len(words)}")
    path = tmp_path / "moods.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_steps_work_on_sentences_and_on_values(
    shell, tiny_bert: Path, moods: Path, tmp_path: Path, plain_page
) -> None:
    out = tmp_path / "run"
    done = shell(
        "extract", "--model", tiny_bert, "--corpus", moods, "--unit", "sentence", "--sentence-vector", "mean",
        "--numeric", "size", "--dev-fraction", "0.2", "--test-fraction", "0.3", "--layers", "0,-1",
        "--device", "cpu", "--dtype", "float64", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    manifest = json.loads((Path(done.out.strip()) / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["unit"], manifest["sentence_vector"]) == ("sentence", "mean")
    assert [layer["name"] for layer in manifest["layers"]] == ["L0", "L2"]
    assert manifest["model"]["settings"]["dtype"] == "float64"
    sizes = {name: stop - start for name, (start, stop) in manifest["splits"].items()}
    assert sizes == {"train": 45, "dev": 18, "test": 27}
    options = (
        "--solver",
        "adam",
        "--grid",
        "quick",
        "--seeds",
        "1",
        "--batch-size",
        "8",
        "--epochs",
        "20",
        "--learning-rate",
        "0.01",
    )
    for prop, metric in (("mood", "accuracy"), ("size", "r2")):
        assert shell("search", out, "-p", prop, *options).code == 0
        shown = shell("ablate", out, "-p", prop, "--csv")
        assert shown.out.splitlines()[0] == f"seed,split,fill,subset,n_neurons,{metric}"
        shown = shell("minimal", out, "-p", prop, "--step", "0.2", "--table")
        assert f"minimal sets, {metric} on dev and test" in shown.out
        assert shell("layers", out, "-p", prop).code == 0
        refused = shell("control", out, "-p", prop)
        assert (refused.code, refused.out) == (1, "")
        assert f"error: '{prop}' labels sentences: a control task" in refused.err
    assert shell("labels", out, "-p", "mood").code == 0
    assert (
        "error: 'size' has real values, so there are no labels to tell apart" in shell("labels", out, "-p", "size").err
    )
    assert shell("report", out).code == 0
    results = pd.read_csv(out / "results.csv")
    assert {"accuracy", "r2"} < set(results["metric"])
    assert "90 sentences x 32 neurons" in shell("info", out).out


def test_several_sites_are_several_models(shell, command_line: list[str], tmp_path: Path, monkeypatch) -> None:
    asked = {}
    monkeypatch.setattr("neurosieve.runs.study.run_study", lambda settings, out, **_: asked.update(s=settings) or [])
    done = shell(*command_line, "--site", "residual", "--site", "mlp", "--out", tmp_path / "x")
    assert done.code == 0, done.err
    assert [(m.site, m.label) for m in asked["s"].models] == [("residual", "tiny-bert"), ("mlp", "tiny-bert-mlp")]
    refused = shell(*command_line, "--site", "residual", "--site", "mlp", "--name", "x", "--out", tmp_path / "x")
    assert (refused.code, "--name names one model at one site" in refused.err) == (2, True)


def test_the_options_reach_the_settings(shell, command_line: list[str], tmp_path: Path, monkeypatch) -> None:
    asked = {}
    monkeypatch.setattr("neurosieve.runs.study.run_study", lambda settings, out, **_: asked.update(s=settings) or [])
    shell(*command_line, "--revision", "v1", "--device", "cuda", "--dtype", "bfloat16", "--layers", "1,L0,-1",
          "--numeric", "a", "--numeric", "b", "--dev-fraction", "0.2", "--out", tmp_path / "x")  # fmt: skip
    model, corpus = asked["s"].models[0], asked["s"].corpora[0]
    assert (model.revision, model.device, model.dtype, model.layers) == ("v1", "cuda", "bfloat16", (1, "L0", -1))
    assert (corpus.numeric, corpus.dev_fraction, corpus.test_fraction, corpus.unit) == (("a", "b"), 0.2, None, "word")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--unit", "page"], "--unit: expected 'word' or 'sentence', found 'page'"),
        (["--unit", "sentence"], "'pos' labels no sentences of 'tagged-sentences'"),
        (["--sentence-vector", "mean"], "a sentence vector is for corpora whose unit is the sentence"),
        (["--unit", "sentence", "--sentence-vector", "cls"], "--sentence-vector: expected 'mean', 'first'"),
        (["--numeric", "pos"], "label 'DT' of property 'pos' is no finite number"),
        (["--numeric", "size"], "has no property 'size'"),
        (["--dtype", "int8"], "dtype is 'int8'; expected one of float32"),
        (["--device", "nowhere"], "device 'nowhere' cannot be used"),
        (["--layers", "7"], "7"),
        (["--dev-fraction", "0.2"], "dev"),
    ],
)
def test_what_does_not_fit_is_one_line(
    shell, tiny_bert: Path, tagged_text: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    done = shell("run", "--model", tiny_bert, "--corpus", tagged_text, "-p", "pos", *options, "--out", tmp_path / "run")
    assert (done.code, done.out) == (1, "")
    (line,) = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert said in line


def test_layers_are_numbers_or_names() -> None:
    assert _layers(None) is None
    assert _layers("0, -1,L3,enc.L2") == [0, -1, "L3", "enc.L2"]
