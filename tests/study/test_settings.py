"""Study files and options: what is read, and that every wrong entry is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from neurosieve.corpora.load import load_corpus
from neurosieve.errors import CorpusError, ModelError, StudyError
from neurosieve.experiments.search import GRIDS
from neurosieve.models.load import load_model
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.settings import CorpusSettings, ModelSettings, StudySettings, option_name, slug

STUDY = """
[[models]]
path = "bert-base-cased"
name = "BERT"

[[models]]
path = "xlnet-base-cased"
pooling = "mean"

[[corpora]]
files = ["text/train.tsv", "text/dev.tsv"]
properties = ["pos", "chunk"]

[probes]
seeds = 1
deltas = [0.02, 0.005, 0.02]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_study_file_is_read(tmp_path: Path) -> None:
    study = StudySettings.from_toml(write(tmp_path, STUDY))
    assert [model.label for model in study.models] == ["BERT", "xlnet-base-cased"]
    assert study.models[1].pooling == "mean"
    assert study.corpora[0].properties == ("pos", "chunk")
    assert study.probes.seeds == 1
    assert study.probes.deltas == (0.005, 0.02)  # ascending, none twice
    assert study.probes.keep == 0.2  # what is not said is as in the paper
    assert (study.probes.solver, study.probes.grid) == ("auto", "auto")  # but for these


def test_what_is_written_to_a_manifest_reads_back(tmp_path: Path) -> None:
    study = StudySettings.from_toml(write(tmp_path, STUDY))
    assert StudySettings.checked(study.model_dump(mode="json"), where="manifest") == study


def test_names_that_no_file_can_have_are_names_like_others(tmp_path: Path) -> None:
    name = "x" * 5000
    (tmp_path / "study.toml").write_text(
        f'[[models]]\npath = "{name}"\n[[corpora]]\nfiles = ["sample"]\nproperties = ["pos"]\n', encoding="utf-8"
    )
    settings = StudySettings.from_toml(tmp_path / "study.toml")
    assert settings.models[0].path == name
    assert settings.models[0].label
    with pytest.raises(CorpusError, match="there is no such file or folder"):
        load_corpus(name)
    with pytest.raises(ModelError, match="there is no model at"):
        load_model("./" + name)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds = 1", "sedes = 1", r"probes\.sedes: unknown entry; there are ranking, seeds, grid"),
        ('pooling = "mean"', 'poling = "mean"', r"models\[1\]\.poling: unknown entry; there are path, name, pooling"),
        (
            'pooling = "mean"',
            'pooling = "max"',
            r"models\[1\]\.pooling: expected 'last', 'first' or 'mean', found 'max'",
        ),
        ("[probes]", "[probe]", r"probe: unknown entry; there are models, corpora, stores, probes"),
        ('path = "bert-base-cased"', "", r"models\[0\]\.path: is missing"),
        ('name = "BERT"', 'name = "xlnet-base-cased"', "2 of them are called 'xlnet-base-cased'; give each a name"),
        ("seeds = 1", "seeds = 0", r"probes\.seeds: expected greater than or equal to 1, found 0"),
        ("0.005,", "-0.1,", r"probes\.deltas: expected fractions from 0 to 1 .*found 0.02, -0.1, 0.02"),
        ("seeds = 1", 'solver = "sgd"', r"probes\.solver: expected 'auto' or .*found 'sgd'"),
        ('files = ["text/train.tsv", "text/dev.tsv"]', "", r"corpora\[0\]: give either files, or splits"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in STUDY
    with pytest.raises(StudyError, match=said) as caught:
        StudySettings.from_toml(write(tmp_path, STUDY.replace(old, new)))
    assert "study.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no such study file; check the path"):
        StudySettings.from_toml(tmp_path / "none.toml")
    with pytest.raises(StudyError, match="not a TOML file"):
        StudySettings.from_toml(write(tmp_path, "[[models"))


def test_without_a_file_the_option_is_named() -> None:
    content = {"models": [{"path": "x"}], "corpora": [{"files": ["y"]}], "probes": {"rare_labels": "lose"}}
    with pytest.raises(StudyError, match=r"^--rare-labels: expected 'refuse', 'keep' or 'drop', found 'lose'$"):
        StudySettings.checked(content)
    assert option_name(["probes", "deltas", 1]) == "--delta"
    assert option_name([]) == ""


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({"path": "bert-base-cased"}, "bert-base-cased"),
        ({"path": "sentence-transformers/all-MiniLM-L6-v2"}, "sentence-transformers/all-MiniLM-L6-v2"),
        ({"path": "gpt2", "untrained": 3}, "gpt2-untrained3"),
        ({"path": "gpt2", "site": "mlp"}, "gpt2-mlp"),
        ({"path": "gpt2", "site": "mlp", "name": "GPT-2"}, "GPT-2"),
    ],
)
def test_models_are_named_after_what_they_are(settings: dict[str, object], label: str) -> None:
    assert ModelSettings.model_validate(settings).label == label


def test_a_model_folder_is_named_by_the_folder_that_says_something(tmp_path: Path) -> None:
    folder = tmp_path / "tiny" / "model"
    folder.mkdir(parents=True)
    assert ModelSettings(path=str(folder)).label == "tiny"


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({"files": ["sample"]}, "sample"),
        ({"files": ["text/ewt/all.conllu"]}, "all"),
        ({"files": ["text/ewt/all.conllu.gz"]}, "all"),
        ({"files": ["text/ewt"]}, "ewt"),
        ({"files": ["text/ewt/*.conllu"]}, "ewt"),
        ({"files": ["text/ewt/train.conllu", "text/ewt/dev.conllu"]}, "ewt"),
        ({"splits": {"train": "text/pmb/a.tsv", "test": ["text/pmb/b.tsv"]}}, "pmb"),
        ({"files": ["sample"], "name": "ours"}, "ours"),
    ],
)
def test_corpora_are_named_after_their_files(settings: dict[str, object], label: str) -> None:
    assert CorpusSettings.model_validate(settings).label == label


def test_each_solver_gets_its_own_settings() -> None:
    assert ProbeSettings(solver="adam", epochs=3).solver_settings == {
        "epochs": 3,
        "batch_size": 512,
        "learning_rate": 1e-3,
        "standardize": False,
    }
    assert ProbeSettings(solver="exact", tol=1e-3).solver_settings == {"tol": 1e-3, "standardize": False}


def test_a_folder_name_is_safe() -> None:
    assert slug("sentence-transformers/all MiniLM") == "sentence-transformers-all-MiniLM"
    assert slug("../..") == "unnamed"


def test_a_memory_limit_that_is_no_size_is_refused():
    with pytest.raises(ValidationError, match="expected a size such as 4GB"):
        ProbeSettings(memory_limit="4 apples")
    assert ProbeSettings(memory_limit="4GB").memory_limit == "4GB"


@pytest.mark.parametrize(
    ("asked", "of_labels", "of_values"),
    [
        ({}, ("exact", "strict"), ("exact", "strict")),
        ({"grid": "quick"}, ("exact", "quick"), ("exact", "quick")),
        ({"solver": "exact"}, ("exact", "strict"), ("exact", "strict")),
        ({"solver": "adam"}, ("adam", "paper"), ("adam", "paper")),
        ({"solver": "neurox", "grid": "strict"}, ("neurox", "strict"), ("neurox", "strict")),
    ],
)
def test_probes_are_solved_exactly_on_pairs_that_can_be_proven_unless_told_otherwise(asked, of_labels, of_values):
    for real_values, wanted in ((False, of_labels), (True, of_values)):
        found = ProbeSettings(**asked).of(real_values=real_values)
        assert (found.solver, found.grid) == wanted
        assert found.exact == (found.solver == "exact")
    assert min(min(pair) for pair in GRIDS["strict"]) > 0


def test_settings_from_before_the_exact_solver_was_renamed_are_read():
    assert ProbeSettings(solver="proximal") == ProbeSettings(solver="exact")


@pytest.mark.parametrize("name", ["alpha", "beta", "learning_rate", "tol", "keep", "discovery_rate", "step", "deltas"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_settings_that_are_no_finite_numbers_are_refused(name: str, value: float) -> None:
    given = {"probes": {name: [value] if name == "deltas" else value}}
    with pytest.raises(StudyError, match=name):
        StudySettings.checked({"models": [{"path": "m"}], "corpora": [{"files": ["t"]}], **given}, where="s.toml")


def test_a_step_of_next_to_nothing_is_refused() -> None:
    with pytest.raises(StudyError, match="step: expected greater than or equal to"):
        StudySettings.checked(
            {"models": [{"path": "m"}], "corpora": [{"files": ["t"]}], "probes": {"step": 1e-9}}, where="s.toml"
        )
