"""A study in which something fails: the rest is done, what failed is said, and repeating it tries that alone again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.runs.study import finished_cells, run_study
from neurosieve.study import stages
from neurosieve.study.failures import Failure, IncompleteStudyError
from neurosieve.study.settings import StudySettings

PROBES = {
    "solver": "adam",
    "grid": "quick",
    "seeds": 2,
    "step": 0.5,
    "batch_size": 16,
    "learning_rate": 0.01,
    "control": False,
}


def settings(models: list[str | Path], corpora: list[tuple[Path, list[str]]], **probes: object) -> StudySettings:
    return StudySettings.checked(
        {
            "models": [{"path": str(path)} for path in models],
            "corpora": [{"files": [str(path)], "properties": properties} for path, properties in corpora],
            "probes": {**PROBES, **probes},
        },
        where="test",
    )


def test_the_others_are_done_and_the_failures_said(
    tmp_path: Path, tiny_bert: Path, tagged_text: Path, pages: list[Path]
) -> None:
    study = settings([tmp_path / "no" / "such" / "model", tiny_bert], [(tagged_text, ["tense", "pos"])])
    out = tmp_path / "run"
    with pytest.raises(
        IncompleteStudyError, match=r"2 of the study failed: .*there is no model at .*no property 'tense'"
    ) as stopped:
        run_study(study, out)
    assert [(f.model, f.prop) for f in stopped.value.found] == [("tiny-bert", "pos")]
    assert [(f.model, f.prop) for f in stopped.value.failures] == [("no/such", ""), ("tiny-bert", "tense")]
    assert set(pd.read_csv(out / "results.csv")["property"]) == {"pos"}
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["finished"] is False
    assert [entry["property"] for entry in manifest["failures"]] == ["", "tense"]
    assert finished_cells(study, out) is None


def test_repeating_tries_what_failed_and_nothing_else(
    tmp_path: Path, tiny_bert: Path, tagged_text: Path, pages: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, out, searched = settings([tiny_bert], [(tagged_text, ["pos", "nominal"])]), tmp_path / "run", []
    real = stages.search_lambdas

    def counted(splits, **options):
        searched.append(splits.train.y[0])
        if len(searched) == 1:
            raise RuntimeError("out of luck")
        return real(splits, **options)

    monkeypatch.setattr(stages, "search_lambdas", counted)
    with pytest.raises(IncompleteStudyError, match="tiny-bert / pos of tagged: RuntimeError: out of luck"):
        run_study(study, out)
    assert [f.prop for f in run_study(study, out)] == ["pos", "nominal"]
    assert len(searched) == 3  # pos failed, nominal, pos again
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["failures"] == []
    cells = finished_cells(study, out)
    assert cells is not None
    assert [cell["in_short"].split(":")[0] for cell in cells] == ["tiny-bert / pos", "tiny-bert / nominal"]
    (out / "cells" / cells[0]["folder"] / "search.json").write_text("{}", encoding="utf-8")
    assert finished_cells(study, out) is None  # something has changed


def test_an_interruption_is_no_failure(
    tmp_path: Path, tiny_bert: Path, tagged_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "search_lambdas", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_study(settings([tiny_bert], [(tagged_text, ["pos", "nominal"])]), tmp_path / "run")


def test_the_only_cell_raises_its_own_error(tmp_path: Path, tiny_bert: Path, tagged_text: Path) -> None:
    with pytest.raises(NeurosieveError) as stopped:
        run_study(settings([tiny_bert], [(tagged_text, ["tense"])]), tmp_path / "run")
    assert not isinstance(stopped.value, IncompleteStudyError)


def test_one_property_in_two_corpora_gets_a_column(
    tmp_path: Path, tiny_bert: Path, tagged_text: Path, pages: list[Path]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tagged_text, other)
    out = tmp_path / "run"
    found = run_study(settings([tiny_bert], [(tagged_text, ["nominal"]), (other, ["nominal"])], seeds=1), out)
    assert [f.corpus for f in found] == ["tagged", "other"]
    for name in ("results", "rankings", "layers", "labels", "architectures"):
        table = pd.read_csv(out / f"{name}.csv")
        assert table.columns[:3].tolist() == ["model", "property", "corpus"]
        assert table["corpus"].unique().tolist() == ["tagged", "other"]


def test_a_run_writes_what_comparisons_read(finished_run: Path) -> None:
    architectures = pd.read_csv(finished_run / "architectures.csv")
    assert architectures["seed"].tolist() == [0, 1]
    assert (architectures["n_exclusive"] + architectures["n_shared"] <= architectures["n_selected"]).all()
    labels = pd.read_csv(finished_run / "labels.csv")
    assert len(labels) == 2 * 5
    layers = pd.read_csv(finished_run / "layers.csv")
    assert layers.groupby("seed")["n_selected"].sum().tolist() == architectures["n_selected"].tolist()
    manifest = json.loads((finished_run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seconds"]["extract tiny-bert--tagged"] > 0
    runtime = pd.read_csv(finished_run / "tables" / "runtime.csv")
    assert runtime["row"].tolist() == [
        "extraction",
        "data",
        "search",
        "oracles",
        "ablation",
        "minimal",
        "control",
        "baselines",
        "label_scores",
        "label_pairs",
        "looks",
        "text",
        "total",
    ]


def test_errors_that_are_not_ours_are_named() -> None:
    assert str(Failure("m", "c", "p", MemoryError())) == "m / p of c: MemoryError"
    assert str(Failure("m", "c", "", NeurosieveError("a\n b"))) == "m / activations of c: a b"
