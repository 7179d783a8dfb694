"""Interventions as a stage of a study, as a command, and as a section of the page."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.errors import NeurosieveError
from neurosieve.study.result import read_result
from neurosieve.study.settings import StudySettings

QUICK = {"solver": "adam", "grid": "quick", "seeds": 1, "step": 0.1, "batch_size": 64, "learning_rate": 0.01}


@pytest.fixture(scope="session")
def study(planted_network, tmp_path_factory):
    """Folder with a text, pairs and settings of a study of the planted network."""
    network = planted_network(3)
    folder = tmp_path_factory.mktemp("study")
    generator = np.random.default_rng(0)
    for split, (first, stop) in {"train": (0, 80), "dev": (80, 200), "test": (200, 240)}.items():
        lines = ["word\tnumber\tkind"]
        for i in generator.integers(first, stop, size=200):
            lines += ["the\t_\t_", f"noun{i}\t{('one', 'many')[i % 2]}\t{('live', 'dead')[i // 2 % 2]}", ""]
        (folder / f"{split}.tsv").write_text("\n".join(lines), encoding="utf-8")
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["good", "bad", "label"])
        rows.writerows([" ".join(p.good), " ".join(p.bad), p.label] for p in network.pairs)
        rows.writerow(["the noun3 is", "the noun3 is", "one"])
    return folder, {
        "models": [{"path": str(network.folder), "site": "mlp", "name": "planted"}],
        "corpora": [
            {"files": [str(folder / f"{s}.tsv") for s in ("train", "dev", "test")], "properties": ["number", "kind"]}
        ],
        "probes": {**QUICK, "ranking": ["probeless"]},
        "interventions": {
            "pairs": str(folder / "pairs.csv"),
            "sizes": [1, 2, 4, 6],
            "property": "number",
            "untrained": 0,
            "also": ["keep", "layers", "repair", "neurons"],
        },
    }


@pytest.fixture(scope="session")
def whole(study, tmp_path_factory):
    """Folder of the finished study; a test that writes copies it first."""
    out = tmp_path_factory.mktemp("runs") / "planted"
    ns.run_study(StudySettings.checked(study[1], where="study.toml"), out)
    return out


def stage_files(run):
    return {path.parent.name: path for path in run.rglob("interventions@probeless.json")}


def test_the_stage_runs_where_it_is_asked_for_and_stands_on_the_page(whole):
    (file,) = stage_files(whole).values()
    assert file.parent.name.endswith("number")
    found = read_result(file)
    verdict = found["intervention_verdict"].iloc[0]
    assert verdict["verdict"] == "encoded and used"
    assert (verdict["n_pairs"], verdict["n_excluded"]) == (40, 1)
    assert found["intervention_excluded"]["why"].tolist() == ["its sentences do not differ"]
    assert set(found["interventions"]["set"]) == {"top", "bottom", "random", "direction", "control", "untrained"}
    # Of the built-in text nothing is left out: what the network has no word for is an unknown word to it.
    parts = ("", ", labelled words", ", text with", ", unrelated text")
    texts = {f"{name}{part}" for name in ("loss", "divergence") for part in parts}
    assert set(found["interventions"]["outcome"]) == {"log-odds", "accuracy", *texts}
    assert set(found["intervention_areas"]["edit"]) == {"mean", "mean, all others"}
    assert len(found["intervention_repair"]) == 1
    alone = found["intervention_neurons"]
    assert len(alone) == 6
    assert (alone["effect"] > alone["random_high"]).all()
    page = (whole / "report.html").read_text(encoding="utf-8")
    (first,) = alone.query("neuron == @alone.neuron[0]").to_dict("records")
    assert f"<dt>edited alone</dt><dd>mean: {first['effect']:.2f} nats of log-odds lost beyond neurons" in page
    assert "Averaged over the logarithm of the size, removing the top neurons costs" in page
    assert "leaving them alone keeps" in page
    assert "kept by leaving neurons alone as they are" in page
    assert "Encoded, or used?" in page
    assert "Verdict: encoded and used. The outcome falls by" in page
    assert "1 minimal pairs could not be asked about" in page
    assert page.count("Verdict: ") == 1  # of kind nothing was asked, and it has no such section


def test_the_command_prints_effects_and_goes_on_from_what_is_there(shell, whole, study, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    done = shell("intervene", run, "-p", "number", "--csv", "-q")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "set,k,dose,effect,low,high,random_low,random_high,p"
    before = stage_files(run)
    options = (
        "--pairs",
        study[0] / "pairs.csv",
        "--edit",
        "translate",
        "--from",
        "one",
        "--to",
        "many",
        "--sizes",
        "6",
    )
    done = shell("intervene", run, "-p", "kind", *options, "-q")
    assert done.code == 1
    assert "no word of the training text has the label 'one'; there are dead, live" in done.err
    done = shell("intervene", run, "-p", "number", *options, "--dose", "1", "--dose", "2", "-q")
    assert done.code == 0, done.err
    content = json.loads(done.out)
    assert content["edit"] == "translate one to many"
    assert content["verdict"] == "encoded and used"
    assert {row["dose"] for row in content["rows"]} == {1, 2}
    assert list(stage_files(run)) == list(before)
    report = shell("report", run, "-q")
    assert report.code == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "against the dose of the translation" in page
    table = shell("intervene", run, "-p", "number", "--table", "--all", "-q")
    assert table.code == 0
    assert "nan" not in table.out.lower()


def test_options_without_pairs_are_refused_by_name(shell, whole):
    done = shell("intervene", whole, "-p", "number", "--edit", "zero", "--draws", "30", "--dose", "1", "-q")
    assert done.code == 2
    assert "--edit, --dose and --draws change what is done with pairs; name their file as well (--pairs)" in done.err
    assert shell("intervene", whole, "-p", "number", "--all", "-q").code == 0


def test_another_content_of_the_pairs_is_measured_anew(shell, whole, study, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    pairs = tmp_path / "pairs.csv"
    lines = (study[0] / "pairs.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    counts = []
    for n in (30, 20, 20):
        pairs.write_text("".join(lines[:n]), encoding="utf-8")
        done = shell("intervene", run, "-p", "number", "--pairs", pairs, "--sizes", "6", "--texts", "0", "-q")
        assert done.code == 0, done.err
        counts.append(json.loads(done.out)["n_pairs"])
    assert counts == [29, 19, 19]


def test_wrong_settings_name_the_entry(study):
    for entry, message in (
        ({"pairs": 3}, r"study\.toml: interventions\.pairs: expected a valid string, found 3"),
        ({"pairs": "x", "edit": "maen"}, r"study\.toml: interventions\.edit: expected 'mean'"),
        ({"pairs": "x", "size": 3}, r"interventions\.size: unknown entry; there are pairs, property, edit"),
        ({"pairs": "x", "draws": 3}, r"interventions\.draws: expected greater than or equal to 19"),
    ):
        with pytest.raises(NeurosieveError, match=message):
            StudySettings.checked({**study[1], "interventions": entry}, where="study.toml")


def test_a_study_file_finds_its_pairs(study, tmp_path):
    (tmp_path / "study.toml").write_text(
        '[[models]]\npath = "model"\n[[corpora]]\nfiles = ["sample"]\nproperties = ["pos"]\n[interventions]\npairs = "p.csv"\n',
        encoding="utf-8",
    )
    settings = StudySettings.from_toml(tmp_path / "study.toml")
    assert settings.probes.interventions.pairs == str(tmp_path / "p.csv")
    again = StudySettings.checked(settings.model_dump(mode="json"), where="manifest")
    assert again == settings


def test_what_a_run_cannot_do_is_said(shell, finished_run, tmp_path):
    run = shutil.copytree(finished_run, tmp_path / "run")
    pairs = tmp_path / "p.csv"
    pairs.write_text("good,bad\nthe cat sees,the cat runs\n", encoding="utf-8")
    done = shell("intervene", run, "-p", "pos", "-q")
    assert done.code == 1
    assert "interventions need minimal pairs" in done.err
    done = shell("intervene", run, "-p", "pos", "--pairs", pairs, "-q")
    assert done.code == 1
    assert "has no language-model head" in done.err
    done = shell("intervene", run, "-p", "pos", "--pairs", pairs, "--sizes", "ten", "-q")
    assert done.code == 2
    assert "--sizes is 'ten'" in done.err
