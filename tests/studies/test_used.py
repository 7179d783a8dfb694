"""The study of use: what it reads, and rankings that are made once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import neurosieve as ns

STUDIES = Path(__file__).resolve().parents[2] / "studies"

VERBS = {"walk": ("walked", "walks"), "say": ("said", "says"), "be": ("was", "is")}


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"study_{name}", STUDIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ewt(tmp_path: Path) -> Path:
    """Sentences of one noun, one negator and one verb of each tense, each followed by who did it."""
    blocks = []
    for lemma, forms in VERBS.items():
        kind = "AUX" if lemma == "be" else "VERB"
        for form, xpos, tense in zip(forms, ("VBD", "VBZ"), ("Past", "Pres"), strict=True):
            rows = [
                ("dogs", "dog", "NOUN", "NNS", "Number=Plur"),
                ("not", "not", "PART", "RB", "Polarity=Neg"),
                (form, lemma, kind, xpos, f"Tense={tense}"),
                ("himself", "himself", "PRON", "PRP", "Gender=Masc"),
                (".", ".", "PUNCT", ".", "_"),
            ]
            blocks += ["\n".join(f"{i}\t" + "\t".join(row) + "\t0\troot\t_\t_" for i, row in enumerate(rows, start=1))]
    path = tmp_path / "en_ewt-ud-dev.conllu"
    path.write_text("\n\n".join(blocks) + "\n\n", encoding="utf-8")
    return path


def test_the_four_properties_and_pairs_of_tense_are_read_from_ewt(ewt: Path) -> None:
    data = load("used_data")
    text = data.corpus(ewt, most=6)
    assert {s.split for s in text.sentences} == {"train", "dev", "test"}
    first = next(s for s in text.sentences if "said" in s.words)
    assert {name: [y for y in first.labels[name] if y is not None] for name in data.PROPERTIES} == {
        "number": ["NNS"],
        "gender": ["Masc"],
        "tense": ["Past"],
        "polarity": ["negative"],
    }
    train = ewt.with_name("en_ewt-ud-train.conllu")  # pairs come from dev, which is not ranked
    pairs = data.pairs_of("tense after a clause", ewt.parent, ewt=train, most=99)
    assert [(p.label, " ".join(p.good), p.bad[-2]) for p in pairs[:2]] == [
        ("Past", "When the man arrived , she said .", "says"),
        ("Pres", "When the man arrives , she says .", "said"),
    ]
    assert {p.where.split(",")[0] for p in pairs} == {"say", "walk"}


def test_a_ranking_is_made_once_and_each_finds_the_planted_neurons(tmp_path: Path) -> None:
    made = load("used_rankings")
    planted = ns.make_planted(n_words=6000, n_neurons=40, n_labels=2, n_informative=4, random_state=0)
    split = ns.LabelledSplit(planted.X, planted.y)
    for name in made.RANKERS:
        first = made.ranked(name, split, tmp_path / f"{name}.npy")
        again = made.ranked(name, ns.LabelledSplit(planted.X[:, ::-1].copy(), planted.y), tmp_path / f"{name}.npy")
        assert first.method == again.method == name
        assert np.array_equal(first.order, again.order)
        found = set(first.top(6)) >= set(planted.informative)  # ten epochs of Adam leave others among them
        assert found == (name != "random")
