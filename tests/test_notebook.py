"""How objects show themselves: short, in HTML where a notebook asks, and with nothing of a corpus that does anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import neurosieve as ns
from neurosieve.notebook import card, listed, short_repr

EVIL = "<img src=x onerror=alert(1)>"
LONGEST = 700


@pytest.fixture(scope="module")
def objects() -> dict[str, object]:
    planted = ns.make_planted(n_words=900, n_neurons=60, n_labels=4, n_informative=6, random_state=0)
    X, y = planted.X, planted.y
    splits = ns.Splits.from_arrays((X[:500], X[500:700], X[700:]), (y[:500], y[500:700], y[700:]))
    search = ns.search_lambdas(splits, grid=[(1e-3, 1e-3)])
    ranking = ns.weight_mass_ranking(search.probe)
    minimal = ns.minimal_neurons(search.probe, ranking, splits, deltas=[0.05], step=0.2)
    sentence = ns.Sentence((EVIL, "b"), {"pos": ("X", "Y")})
    return {
        "corpus": ns.Corpus([sentence], name=EVIL),
        "splits": splits,
        "search": search,
        "probe": search.probe,
        "ranking": ranking,
        "minimal": minimal,
        "set": minimal.sets[0.05],
        "split": splits.train,
        "spec": ns.ProbeSpec(y),
        "ablation": ns.ablate(search.probe, ranking, splits.dev),
    }


@pytest.mark.parametrize("name", ["corpus", "splits", "search", "probe", "ranking", "minimal"])
def test_a_notebook_shows_them(objects, name):
    html = objects[name]._repr_html_()
    assert html.startswith("<div>")
    assert html.count("<table") == html.count("</table>") >= 1
    assert "<img" not in html
    assert len(html) < 20_000


def test_they_say_what_matters(objects):
    assert "&lt;img" in objects["corpus"]._repr_html_()
    assert "900" not in repr(objects["splits"])
    assert repr(objects["splits"]).startswith(
        "Splits of property: 60 neurons, labelled words: train 500, dev 200, test 200; 4 labels"
    )
    assert "l1=0.001, l2=0.001 of 1 pairs" in repr(objects["search"])
    assert "certified: " not in repr(objects["probe"])
    assert "certified objective" in repr(objects["probe"])
    first = objects["ranking"].order[0]
    assert repr(objects["ranking"]).startswith(
        f"NeuronRanking by weight-mass: 60 neurons, 4 labels; begins with {first}, "
    )
    assert f"{len(objects['set'].neurons)} of 60 neurons within 5 points" in repr(objects["minimal"])


@pytest.mark.parametrize(
    "name", ["corpus", "splits", "search", "probe", "ranking", "minimal", "set", "split", "spec", "ablation"]
)
def test_no_repr_prints_whole_arrays(objects, name):
    assert 10 < len(repr(objects[name])) < LONGEST
    assert "array(" not in repr(objects[name])


def test_models_and_stores(tiny_bert: Path, tagged_text: Path, tmp_path: Path) -> None:
    model = ns.load_model(tiny_bert)
    assert "BertModel, neurons 48 (3 x 16), layers L0 to L2" in repr(model)
    assert "<td" in model._repr_html_()
    store = ns.extract(ns.load_corpus(tagged_text / "dev.tsv"), model, tmp_path / "store")
    html = store._repr_html_()
    assert "x 48 neurons" in html
    assert "<td>L2</td>" in html


def test_a_cell_shows_itself(finished_run: Path) -> None:
    cell = ns.open_run(finished_run).cells["pos"]
    html = cell._repr_html_()
    assert "OpenCell: its minimal sets" in html
    assert "<td>0.005</td>" in html or "<td>0.0050</td>" in html
    assert len(repr(cell.findings())) < 4000
    assert "neurons=<48 x 3>" in repr(cell.findings())


def test_cards_escape_and_cut():
    html = card(EVIL, {EVIL: EVIL}, pd.DataFrame({EVIL: [EVIL] * 20}))
    assert "<img" not in html
    assert "8 more rows" in html
    assert listed(range(10), most=3) == "0, 1, 2 and 7 more"


def test_short_reprs():
    class Thing:
        def __init__(self) -> None:
            self.X = np.zeros((3, 4))
            self.table = pd.DataFrame({"a": [1, 2]})
            self.many = list(range(100))
            self.few = {"a": np.zeros(7)}
            self.name = "x"

    assert short_repr(Thing()) == "Thing(X=<3 x 4>, table=<2 x 1>, many=<100 entries>, few={'a': <7>}, name='x')"
