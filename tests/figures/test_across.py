"""Figures across models: what they draw, what they leave out and say, and that they are readable in grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from neurosieve.errors import NeurosieveError
from neurosieve.figures.across import draw_across, focus_across, label_layers_across, labels_across, layers_across
from neurosieve.figures.panels import LOOKS, Panel, depths, short
from neurosieve.figures.save import save_figure


def panel(model: str, prop: str = "pos", *, n_labels: int = 12, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    layers = pd.DataFrame({"layer": range(4), "n_selected": [10, 5, 3, 2], "n_neurons": 25, "expected": 5.0})
    labels = pd.DataFrame(
        {
            "label": [f"T{i}" for i in range(n_labels)],
            "n_neurons": rng.integers(1, 20, size=n_labels),
            "n_exclusive": 1,
            "main_layer": rng.integers(0, 4, size=n_labels),
        }
    )
    return Panel(model, prop, layers, labels)


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_layers_have_a_place_for_each_model_and_property() -> None:
    figure = layers_across([panel("a"), panel("b"), panel("a", "sem")])
    axes = figure.axes
    assert len(axes) == 4
    assert [ax.get_title(loc="left") for ax in axes[:2]] == ["a", "b"]
    assert [patch.get_height() for patch in axes[0].patches] == [10, 5, 3, 2]
    assert texts(axes[3]) == ["not run"]


def test_all_labels_are_drawn_with_a_mark_a_model() -> None:
    panels = [panel("a", seed=0), panel("b", seed=1)]
    ax = labels_across(panels).axes[0]
    assert len(ax.get_yticklabels()) == 12
    drawn = {tick.get_text(): x for tick, x in zip(ax.get_yticklabels(), ax.lines[0].get_xdata(), strict=True)}
    assert drawn == dict(zip(panels[0].labels["label"], panels[0].labels["n_neurons"], strict=True))


def test_labels_that_are_left_out_are_counted() -> None:
    ends = labels_across([panel("a")], ends=True).axes[0]
    assert len(ends.get_yticklabels()) == 8
    assert "8 of 12 labels (those with most and fewest)" in ends.get_xlabel()
    some = labels_across([panel("a")], most=5).axes[0]
    assert "5 of 12 labels (those with most)" in some.get_xlabel()
    assert "5 of 12 labels" in label_layers_across([panel("a")], most=5).axes[0].get_title(loc="left")


def test_focus_is_the_share_of_the_selection() -> None:
    one = panel("a")
    ax = focus_across([one]).axes[0]
    np.testing.assert_allclose(np.sort(one.labels["n_neurons"]) / 20, ax.lines[0].get_xdata())


def test_main_layers_are_written_and_shaded_by_depth() -> None:
    one = panel("a")
    one.labels.loc[0, "n_neurons"] = 0
    one.labels["main_layer"] = one.labels["main_layer"].astype(float)
    one.labels.loc[0, "main_layer"] = np.nan
    assert np.isnan(depths(one)["T0"])
    assert depths(one)["T1"] == one.labels["main_layer"][1] / 3
    written = texts(label_layers_across([one]).axes[0])
    assert sorted(written) == sorted(["–", *(f"{int(layer)}" for layer in one.labels["main_layer"][1:])])


def test_layers_without_numbers_keep_their_names() -> None:
    one = panel("a", n_labels=3)
    names = ["enc0", "enc1", "dec0", "dec1"]
    layers = one.layers.assign(layer=names)
    labels = one.labels.assign(main_layer=["enc0", "dec1", "dec0"])
    assert depths(Panel("a", "pos", layers, labels)).tolist() == pytest.approx([0, 1, 2 / 3])


def test_marks_differ_in_shape_or_in_grey() -> None:
    def grey(colour: str) -> float:
        return float(np.dot(to_rgb(colour), [0.299, 0.587, 0.114]))

    for i, (shape, colour) in enumerate(LOOKS):
        for other_shape, other in LOOKS[:i]:
            assert shape != other_shape or abs(grey(colour) - grey(other)) > 0.25


def test_every_figure_is_saved_in_every_format(tmp_path: Path) -> None:
    drawn = draw_across([panel("a"), panel("b", seed=2), panel("a", "a b", n_labels=3)])
    assert list(drawn) == [
        "figure1-layers",
        "figure2-labels-pos",
        "figure3-focus",
        "figure4-labels-a-b",
        "figure4-labels-pos",
        "figure5-layers-a-b",
        "figure5-layers-pos",
    ]
    figure, data = drawn["figure2-labels-pos"]
    written = save_figure(figure, tmp_path / "f", data=data, formats=("png", "svg", "pdf"))
    assert b"/FontFile2" in written["pdf"].read_bytes()  # the font is embedded
    assert "<text" in written["svg"].read_text(encoding="utf-8")


def test_long_names_keep_their_ends() -> None:
    assert short("all-MiniLM-L6-v2-untrained0") == "all-MiniLM-…untrained0"
    assert len(short("x" * 50)) == 22


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(NeurosieveError, match="no findings to draw"):
        layers_across([])
