"""What the bar figures draw: heights, labels, marks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure

from neurosieve.analysis.layers import layer_distribution as count_layers
from neurosieve.errors import NeurosieveError
from neurosieve.figures import ablation, label_distribution, layer_distribution, selectivity


def bars(ax: Axes, number: int = 0) -> list[float]:
    containers = [c for c in ax.containers if isinstance(c, BarContainer)]
    return [patch.get_height() for patch in containers[number].patches]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def ticks(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def test_layers_draw_the_selected_and_what_chance_would_give(findings):
    ax = layer_distribution(findings)
    assert bars(ax) == pytest.approx(findings.layers["n_selected"].tolist())
    chance = next(c for c in ax.containers if isinstance(c, ErrorbarContainer)).lines[0]
    np.testing.assert_allclose(chance.get_ydata(orig=False), findings.layers["expected"])
    assert ticks(ax.xaxis) == ["0", "1", "2", "3"]


def test_layers_whiskers_hold_about_95_percent_of_random_selections(findings):
    ax = layer_distribution(findings)
    chance = next(c for c in ax.containers if isinstance(c, ErrorbarContainer))
    whiskers = chance.lines[2][0].get_segments()[0][:, 1]
    low, high = whiskers.min(), whiskers.max()
    rng = np.random.default_rng(0)
    size = round(findings.layers["n_selected"].sum())
    drawn = [np.sum(rng.permutation(findings.n_neurons)[:size] < 25) for _ in range(2000)]
    inside = np.mean([low <= n <= high for n in drawn])
    # Two standard deviations of a count of about 8: whole numbers make the share 0.93 to 0.99.
    assert 0.93 <= inside <= 0.99


def test_layers_take_a_result_or_a_table_as_well(findings):
    result = count_layers(findings.ranking.top(10), findings.neurons)
    assert (
        bars(layer_distribution(result))
        == bars(layer_distribution(result.table))
        == result.table["n_selected"].tolist()
    )


def test_a_source_without_a_table_is_refused():
    with pytest.raises(NeurosieveError, match="found a int; expected findings"):
        layer_distribution(3)


def test_labels_are_sorted_and_the_exclusive_part_is_hatched(findings):
    ax = label_distribution(findings)
    table = findings.labels.sort_values("n_neurons", ascending=False, kind="stable")
    widths = [[patch.get_width() for patch in c.patches] for c in ax.containers]
    assert widths == [table["n_neurons"].tolist(), table["n_exclusive"].tolist()]
    assert ticks(ax.yaxis) == table["label"].tolist()  # PRP$, $ and <UH> stay as they are
    assert [bool(c.patches[0].get_hatch()) for c in ax.containers] == [False, True]


def test_many_labels_show_the_most_and_say_how_many_more():
    n = 317
    table = pd.DataFrame(
        {
            "label": [f"label-with-quite-a-long-name-{i}" for i in range(n)],
            "n_neurons": np.arange(n) + 1,
            "n_exclusive": 0,
            "main_layer": 1,
            "main_layer_share": 1.0,
        }
    )
    ax = label_distribution(table)
    assert len(ticks(ax.yaxis)) == 25
    assert all(len(name) <= 24 for name in ticks(ax.yaxis))
    assert "and 292 more labels with 1 to 292 neurons each" in ax.get_xlabel()
    assert "more label" not in label_distribution(table.head(25)).get_xlabel()


def test_labels_refuse_to_draw_none(findings):
    with pytest.raises(NeurosieveError, match="at least one label"):
        label_distribution(findings, most=0)


def test_ablation_bars_are_means_over_seeds_of_the_asked_split(findings):
    ax = ablation(findings, split="dev", baseline=0.5)
    heights = [round(bars(ax, i)[0], 6) for i in range(7)]
    assert heights == [0.8, 0.4, 0.2, 0.83, 0.43, 0.23, 0.91]  # zero, mean, nothing ablated
    assert {"80.0", "43.0", "91.0"} <= set(texts(ax))
    assert ticks(ax.xaxis)[:2] == ["all\n100 neurons", "top\n20 neurons"]
    assert any(np.allclose(line.get_ydata(), 0.5) for line in ax.lines)
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert all(len(line.get_ydata()) == 3 for line in points)


def test_ablation_of_a_split_that_was_not_run_is_refused(findings):
    with pytest.raises(NeurosieveError, match="no row of the split 'train'"):
        ablation(findings, split="train")


def test_selectivity_draws_all_and_each_minimal_set(findings):
    ax = selectivity(findings)
    heights = [round(bars(ax, i)[0], 6) for i in range(9)]
    assert heights == [0.9] * 3 + [0.75, 0.6, 0.5] + [0.15, 0.3, 0.4]  # linguistic, control, selectivity
    assert ticks(ax.xaxis) == ["all 100 neurons", "32 neurons\n(within 0.5 points)", "11 neurons\n(within 2 points)"]


def test_negative_selectivity_is_drawn_below_zero(findings):
    table = findings.selectivity.assign(control=0.95, selectivity=-0.05)
    ax = selectivity(table)
    assert bars(ax, 8)[0] == pytest.approx(-0.05)
    assert ax.get_ylim()[0] < -0.05


def test_selectivity_without_control_tasks_is_refused(findings):
    with pytest.raises(NeurosieveError, match="run with control tasks"):
        selectivity(findings.selectivity.iloc[:0])


def test_given_axes_are_drawn_on_and_settings_are_left_alone(findings):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    ax = Figure().add_subplot()
    assert layer_distribution(findings, ax=ax) is ax
    assert dict(mpl.rcParams) == before
