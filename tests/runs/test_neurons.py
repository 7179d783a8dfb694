"""`show`: one neuron, from a run or from activations."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.errors import NeurosieveError, StudyError


@pytest.fixture(scope="module")
def run(finished_run: Path) -> ns.Run:
    return ns.open_run(finished_run)


def test_a_neuron_of_the_set_is_taken_from_the_run(run: ns.Run, tmp_path: Path) -> None:
    name = run.cells[0].minimal().names[0]
    folder = Path(shutil.copytree(run.path, tmp_path / "run"))
    shutil.rmtree(folder / "activations")  # a run can be handed on without them
    page = ns.show(folder, name)
    assert page.answer.startswith(f"{name} goes ")
    assert dict(page.facts)["rank"].startswith("0 of 48")
    assert page.where == "pos in tiny-bert, tagged"


def test_any_other_neuron_is_looked_at_now(run: ns.Run) -> None:
    cell = run.cells["pos"]
    number = int(cell.ranking(0).order[-1])
    name = cell.store.neurons["neuron"].iloc[number]
    page = ns.show(run, name, "pos")
    values = cell.store.read(0, cell.store.n_words)[:, number].astype(np.float64)
    assert page.neuron.mean == pytest.approx(values.mean(), abs=1e-6)
    assert len(page.neuron.twins) == 5
    assert dict(page.facts)["rank"].startswith("47 of 48")


def test_a_store_can_be_looked_at_alone(run: ns.Run) -> None:
    store = run.cells[0].store
    page = ns.show(store.path, "L1N3", "nominal")
    assert set(page.neuron.labels["label"]) == {"yes", "no"}
    assert len(page.neuron.weights) == 0
    assert "nominal" in page.answer
    bare = ns.show(store, "L1N3")  # two properties, none named
    assert "labels" not in bare.answer
    assert len(bare.neuron.labels) == 0
    assert "all words" in bare.html()


def test_it_is_text_a_table_and_a_page(run: ns.Run, tmp_path: Path) -> None:
    page = ns.show(run, run.cells[0].minimal().names[0])
    text = str(page)
    for part in (
        "labels by weight",
        "highest values:",
        "lowest values:",
        "from the middle fifth",
        "drawn at random",
        "share of",
    ):
        assert part in text
    assert repr(page).startswith("NeuronPage L")
    frame = page.to_frame()
    assert set(frame["part"]) == {"summary", "label", "weight", "type", "feature", "twin"}
    assert set(page.words["kind"]) == {"top", "middle", "bottom", "random"}
    shown = page._repr_html_()
    assert shown.count("<style>") == 1
    assert "prefers-color-scheme" not in shown  # a notebook has its own
    saved = page.save(tmp_path / "neuron.html").read_text(encoding="utf-8")
    assert "Content-Security-Policy" in saved
    assert "<script" not in saved


def test_what_is_not_there_is_named(run: ns.Run) -> None:
    with pytest.raises(StudyError, match=r"no neuron 'L1N33' among 48; did you mean L1N3\?"):
        ns.show(run, "L1N33")
    with pytest.raises(StudyError, match=r"no neuron 'x' among 48; names are such as L0N0 and L2N15"):
        ns.show(run.cells[0].store, "x")
    with pytest.raises(
        StudyError, match="no cell fits; name property, model and corpus of one of them: pos in tiny-bert"
    ):
        ns.show(run, "L1N3", "nominal")
    with pytest.raises(NeurosieveError, match="no property 'nonsense'"):
        ns.show(run.cells[0].store, "L1N3", "nonsense")
