"""Bad input: one line that says what to do, exit 1, nothing overwritten."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def refused(shell) -> Run:
    """Run a command that must fail, and return what it says."""

    def run(*arguments: object) -> str:
        done = shell(*arguments)
        assert (done.code, done.out) == (1, "")
        errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert errors == done.err.splitlines()[-1:]
        assert "Traceback" not in done.err
        return errors[0]

    return run


@pytest.fixture
def try_run(refused: Run, tiny_bert: Path, tagged_text: Path, tmp_path: Path) -> Run:
    """A quick `run` that must fail, on a model, a corpus and with options of the test's own."""

    def run(*options: object, model: object = tiny_bert, corpus: object = tagged_text, prop: str = "pos") -> str:
        out = () if "--out" in options else ("--out", tmp_path / "out")
        return refused(
            "run", "--model", model, "--corpus", corpus, "--property", prop, "--grid", "quick", *out, *options
        )

    return run


@pytest.fixture
def text(tagged_text: Path, tmp_path: Path) -> Path:
    """A copy of the corpus, to be spoiled."""
    return Path(shutil.copytree(tagged_text, tmp_path / "spoiled"))


def test_a_missing_file(try_run: Run) -> None:
    assert "nowhere.conllu: there is no such file or folder; check the path" in try_run(corpus="nowhere.conllu")


def test_an_unknown_property_lists_those_there_are(try_run: Run, refused: Run, finished_run: Path) -> None:
    assert "has no property 'tense'; it has pos, nominal" in try_run(prop="tense")
    assert "no property 'tense'; the store has pos, nominal" in refused("rank", finished_run, "-p", "tense")


def test_ragged_columns_give_file_and_line(try_run: Run, text: Path) -> None:
    lines = (text / "dev.tsv").read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].rpartition("\t")[0]
    (text / "dev.tsv").write_text("\n".join(lines), encoding="utf-8")
    assert f"{text / 'dev.tsv'}:5: " in try_run(corpus=text)


def test_ragged_conllu_gives_file_and_line(try_run: Run, tmp_path: Path) -> None:
    file = tmp_path / "all.conllu"
    word = "1\tcat\tcat\tNOUN\tNN\t_\t0\troot\t_\t_"
    file.write_text(f"{word}\n\n" * 50 + f"{word[:-2]}\n\n", encoding="utf-8")
    assert f"{file}:101: 9 tab-separated columns where CoNLL-U has 10; mend the line" in try_run(
        corpus=file, prop="xpos"
    )


def test_a_split_without_words(try_run: Run, text: Path) -> None:
    (text / "dev.tsv").write_text("word\tpos\tnominal\n", encoding="utf-8")
    assert f"{text / 'dev.tsv'}: no sentence is in the file" in try_run(corpus=text)
    (text / "dev.tsv").write_text("", encoding="utf-8")
    assert f"{text / 'dev.tsv'}: the file is empty" in try_run(corpus=text)


def test_a_split_without_labels(try_run: Run, text: Path) -> None:
    dev = (text / "dev.tsv").read_text(encoding="utf-8").replace("\tyes", "\t_").replace("\tno", "\t_")
    (text / "dev.tsv").write_text(dev, encoding="utf-8")
    assert "error: " in try_run(corpus=text, prop="nominal")


def test_labels_seen_once(try_run: Run, text: Path) -> None:
    train = (text / "train.tsv").read_text(encoding="utf-8")
    (text / "train.tsv").write_text(
        train.replace("\tDT\t", "\tONE\t", 1).replace("\tNN\t", "\tTWO\t", 1), encoding="utf-8"
    )
    said = try_run(corpus=text)
    assert "2 of the 7 labels of 'pos' occur only once in train" in said
    assert "--rare-labels drop" in said


def test_a_property_with_one_label(try_run: Run, text: Path) -> None:
    for file in text.glob("*.tsv"):
        file.write_text(file.read_text(encoding="utf-8").replace("\tno\n", "\tyes\n"), encoding="utf-8")
    assert "has only the label 'yes' in train; a probe needs at least two labels" in try_run(
        corpus=text, prop="nominal"
    )


def test_a_model_folder_without_weights(try_run: Run, tiny_bert: Path, tmp_path: Path) -> None:
    empty = tmp_path / "hollow"
    shutil.copytree(tiny_bert, empty, ignore=shutil.ignore_patterns("*.safetensors"))
    assert "has a config.json but no weights; expected *.safetensors" in try_run(model=empty)
    (empty / "config.json").unlink()
    assert str(empty) in try_run(model=empty)


def test_an_output_folder_that_holds_something_else(try_run: Run, run_folder: Path, tagged_text: Path) -> None:
    for folder, said in (
        (run_folder, "holds activations of 'tagged' made otherwise ("),
        (tagged_text, "is not empty and holds no run"),
    ):
        before = contents(folder)
        assert f"{folder}: {said}" in try_run("--out", folder)
        assert contents(folder) == before


def test_an_output_folder_below_a_file(try_run: Run, tagged_text: Path) -> None:
    assert "check the path" in try_run("--out", tagged_text / "train.tsv" / "run")


@pytest.mark.parametrize("command", ["search", "rank", "ablate", "minimal", "control", "layers", "labels"])
def test_a_folder_that_is_no_run(refused: Run, tagged_text: Path, command: str) -> None:
    before = contents(tagged_text)
    assert "holds no run; make one with `neurosieve extract`" in refused(command, tagged_text, "-p", "pos")
    assert contents(tagged_text) == before


@pytest.mark.parametrize(
    ("command", "said"), [("report", "holds no run"), ("info", "neither a run nor an activation store")]
)
def test_a_folder_that_cannot_be_shown(refused: Run, tagged_text: Path, command: str, said: str) -> None:
    assert said in refused(command, tagged_text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--grid", "huge"], "--grid: expected 'auto', 'paper', 'quick' or 'strict', found 'huge'"),
        (["--solver", "sgd"], "--solver: expected 'auto' or 'exact' or 'adam' or 'neurox', found 'sgd'"),
        (["--delta", "-0.1"], "--delta: expected fractions from 0 to 1 (0.005 is half a point), found -0.1"),
        (["--delta", "2"], "--delta: expected fractions from 0 to 1"),
        (["--seeds", "0"], "--seeds: expected greater than or equal to 1, found 0"),
        (["--keep", "1.5"], "--keep: expected less than 1, found 1.5"),
        (["--step", "0"], "--step: expected greater than or equal to 0.00001, found 0"),
        (["--solver", "adam", "--epochs", "0"], "--epochs: expected greater than or equal to 1"),
        (["--solver", "adam", "--batch-size", "0"], "--batch-size: expected greater than or equal to 1"),
        (["--solver", "neurox", "--learning-rate", "0"], "--learning-rate: expected greater than 0"),
        (["--pooling", "max"], "--pooling: expected 'last', 'first' or 'mean', found 'max'"),
        (["--rare-labels", "lose"], "--rare-labels: expected 'refuse', 'keep' or 'drop', found 'lose'"),
        (["--site", "roof"], "site is 'roof'; expected one of residual, mlp, attention, heads"),
        (["--format", "word"], "format 'word' is not known; formats are"),
    ],
)
def test_an_option_with_a_wrong_value(try_run: Run, options: list[str], said: str) -> None:
    assert said in try_run(*options)


def test_two_models_of_one_name(try_run: Run, tiny_bert: Path) -> None:
    assert "2 of them are called 'tiny-bert'; give each a name of its own" in try_run("--model", tiny_bert)


def test_a_study_file(refused: Run, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    assert "there is no such study file" in refused("run", file, "--out", tmp_path / "out")
    file.write_text("[[models]]\npath = 'x'\n[[corpora]]\nfiles = ['y']\n[probes]\ngird = 'quick'\n", encoding="utf-8")
    assert f"{file}: probes.gird: unknown entry; there are ranking, seeds, grid" in refused(
        "run", file, "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


def test_steps_that_contradict_a_finished_run(refused: Run, run_folder: Path) -> None:
    before = contents(run_folder)
    for command, option, value in (("search", "grid", "paper"), ("search", "epochs", 3), ("minimal", "step", 0.3)):
        said = refused(command, run_folder, "-p", "pos", f"--{option}", value)
        assert f"{command}.json: was made with {option} = " in said
        assert f"now asked with {value!r}; use the earlier value, delete" in said
    assert "no probe of the seed 7; there are the seeds 0, 1. Ask for more seeds" in refused(
        "rank", run_folder, "-p", "pos", "--seed", 7
    )
    assert "no model 'bert'; the run's models are tiny-bert" in refused("rank", run_folder, "-p", "pos", "-m", "bert")
    assert contents(run_folder) == before


def test_a_report_before_its_steps(refused: Run, run_folder: Path) -> None:
    (run_folder / "cells" / "tiny-bert--tagged--pos" / "minimal.json").unlink()
    assert "the stage 'minimal' is missing; run `neurosieve minimal" in refused("report", run_folder)
