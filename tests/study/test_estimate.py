"""The dry run: sizes that are exact, times that grow as the work does, and problems said before anything is run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosieve.probes.state import WEIGHT_BYTES
from neurosieve.study import estimate as module
from neurosieve.study.estimate import estimate, stage_units
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.settings import StudySettings
from neurosieve.study.solver_choice import solver_for


@pytest.fixture(autouse=True)
def known_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measured_speed", lambda _: 1e-9)


def study(models: list[str], corpus: Path, properties: list[str]) -> StudySettings:
    content = {
        "models": [{"path": path} for path in models],
        "corpora": [{"files": [str(corpus)], "properties": properties}],
        "probes": {"grid": "quick", "seeds": 2},
    }
    return StudySettings.checked(content, where="test")


def test_sizes_are_those_of_text_and_model(tiny_bert: Path, tagged_text: Path, tmp_path: Path) -> None:
    found = estimate(study([str(tiny_bert)], tagged_text, ["pos", "regex:^[aeiou]"]), tmp_path / "run")
    cells = found.cells.set_index("property")
    assert cells.index.tolist() == ["", "pos", "regex:^[aeiou]"]
    assert (cells["neurons"] == 48).all()
    assert cells.loc["pos", "labels"] == 5
    assert cells.loc["regex:^[aeiou]", "labels"] == 2
    assert found.summary["cells"] == 2
    assert found.summary["hours"] >= 0
    assert "problems" not in found.summary
    assert not (tmp_path / "run").exists()  # nothing is made


def test_what_is_finished_takes_nothing_and_tells_the_speed(
    finished_run: Path, tiny_bert: Path, tagged_text: Path
) -> None:
    found = estimate(study([str(tiny_bert)], tagged_text, ["pos", "nominal"]), finished_run)
    cells = found.cells.set_index("property")
    assert cells.loc["", "finished"] == "activations"
    assert cells.loc["pos", "minutes"] == 0
    assert (
        cells.loc["pos", "finished"]
        == "data, search, oracles, ablation, minimal, control, baselines, label_scores, label_pairs, looks, text"
    )
    assert cells.loc["nominal", "finished"] == ""
    assert "1 finished lambda searches" in found.summary["assumes"][0]


def test_what_memory_cannot_solve_exactly_is_said_and_counted_by_the_recipe(
    tiny_bert: Path, tagged_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = study([str(tiny_bert)], tagged_text, ["pos"])
    before = estimate(asked)
    assert before.cells["solver"].dropna().tolist() == ["exact"]
    assert "notes" not in before.summary
    monkeypatch.setattr("neurosieve.study.solver_choice.available_bytes", lambda: 10)
    found = estimate(asked)
    assert found.cells["solver"].dropna().tolist() == ["adam"]
    (note,) = found.summary["notes"]
    assert note.startswith("pos: solving one probe exactly takes ")
    assert "fitted by the recipe (adam) instead" in note
    assert "passes a fit of adam" in found.summary["assumes"][1]
    assert "exact" not in found.summary["assumes"][1]
    assert "problems" not in found.summary
    told = study([str(tiny_bert)], tagged_text, ["pos"]).model_copy(update={"probes": ProbeSettings(solver="exact")})
    assert estimate(told).cells["solver"].dropna().tolist() == ["exact"]  # what was asked for is not exchanged


def test_labels_that_would_take_many_times_the_recipe_are_left_to_it_unless_told_otherwise() -> None:
    sizes = {"real_values": False, "n_words": 100_000, "n_columns": 2688}
    roomy = ProbeSettings(memory_limit="1000GB")
    few, many = (solver_for(roomy, n_labels=n, **sizes) for n in (1272, 20_000))
    assert few.settings.solver == "exact"
    assert not few.why
    assert (many.settings.solver, many.settings.grid) == ("adam", "paper")
    assert re.match(
        r"with 20,000 labels, searching with exact probes is expected to take \d+ times as long as the recipe:",
        many.why,
    )
    assert many.why.endswith("set solver = 'exact' to solve them")
    told = solver_for(roomy.model_copy(update={"solver": "exact"}), n_labels=20_000, **sizes)
    assert told.settings.solver == "exact"


def test_a_short_search_is_exact_whatever_the_recipe_takes() -> None:
    found = solver_for(ProbeSettings(), real_values=False, n_words=300, n_labels=200, n_columns=20)
    assert found.settings.solver == "exact"


@pytest.mark.parametrize(
    "grown", [{"seeds": 3}, {"deltas": [0.005, 0.02, 0.1]}, {"ranking": ["weight-mass", "random"]}]
)
def test_what_grows_is_not_free(
    finished_run: Path,
    make_settings: Callable[..., StudySettings],
    grown: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_speed", lambda _rows, _probes: (1.0, "a second a unit"))
    before, after = (
        estimate(make_settings(**more), finished_run).cells.set_index("property").loc["pos"] for more in ({}, grown)
    )
    assert before["minutes"] == 0
    assert after["minutes"] > 0
    assert "control" in before["finished"]
    assert "control" not in after["finished"]
    assert "search" in after["finished"]


def test_problems_are_said_beforehand(tagged_text: Path, tiny_bert: Path, tmp_path: Path) -> None:
    found = estimate(study([str(tiny_bert), str(tmp_path / "no" / "model")], tagged_text, ["pos", "tense"]))
    assert len(found.summary["problems"]) == 2
    assert "no property 'tense' of words" in found.summary["problems"][1] + found.summary["problems"][0]
    assert "there is no model at" in found.summary["problems"][1] + found.summary["problems"][0]
    good = found.cells[found.cells["problem"] == ""]
    assert good["property"].tolist() == ["", "pos"]


def test_units_grow_with_the_work() -> None:
    settings = ProbeSettings(solver="adam", grid="paper")
    small = stage_units(settings, neurons=1000, labels=40, words=10_000)
    assert stage_units(settings, neurons=1000, labels=40, words=20_000)["search"] == 2 * small["search"]
    assert (
        stage_units(settings.model_copy(update={"epochs": 20}), neurons=1000, labels=40, words=10_000)["search"]
        == 2 * small["search"]
    )
    assert (
        stage_units(settings.model_copy(update={"control": False}), neurons=1000, labels=40, words=10_000)["control"]
        == 0
    )
    assert small["stability"] == 0
    resampled = stage_units(settings.model_copy(update={"resamples": 20}), neurons=1000, labels=40, words=10_000)
    assert resampled["stability"] > 2 * small["search"] / 64 * 20  # twenty resamples, and twenty permutations
    exact = ProbeSettings(solver="exact", grid="strict", seeds=5)
    once = stage_units(exact, neurons=1000, labels=40, words=10_000)
    assert once["oracles"] == 0  # that of the search
    assert (
        once["minimal"]
        == stage_units(exact.model_copy(update={"seeds": 1}), neurons=1000, labels=40, words=10_000)["minimal"]
    )
    # 64 probes of 40 labels in one group: one reading of the words and 2,560 products a neuron.
    assert small["search"] == 10_000 * 10 * 1000 * (60 + 64 * 40)


def test_weights_take_what_the_engine_counts() -> None:
    probes = ProbeSettings(solver="adam", grid="quick")
    settings = StudySettings.checked({"stores": [{"path": "s"}], "probes": probes.model_dump()}, where="test")
    row = module._cell_row({}, None, settings, "p", labels=["a", "b"] * 5000, neurons=1000)
    activations, weights = 2 * 10_000 * 1000, 16 * 2 * 1000
    assert row["memory_mb"] == round((activations + WEIGHT_BYTES * weights + 4 * weights) / 1e6, 1) == 20.8
    assert stage_units(probes, neurons=9, labels=2, words=9)["minimal"] * 2 == pytest.approx(
        stage_units(probes.model_copy(update={"ranking": ("weight-mass", "probeless")}), neurons=9, labels=2, words=9)[
            "minimal"
        ]
    )
